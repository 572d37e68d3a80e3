//! `docs/configuration.md`: every key, its default and its example.

use std::{collections::BTreeSet, sync::Arc};

use secevent_hub::config::Config;
use secevent_ssf::engine::Millis;

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// A row of a table of keys.
struct Row<'a> {
    /// `poll`, `[receiver]`, or nothing for the top.
    section: &'a str,
    key: &'a str,
    default: &'a str,
    example: &'a str,
}

impl Row<'_> {
    /// A configuration in which this key has this value, with whatever else its section needs.
    fn set_to(&self, value: &str) -> String {
        let needed: &[_] = match self.section {
            "[receiver]" => &[("id", "\"a\""), ("audience", "[\"b\"]")],
            "[transmitter]" => {
                &[("id", "\"a\""), ("issuer", "\"https://a.example\""), ("audience", "[\"b\"]")]
            }
            _ => &[],
        };
        let needed = needed.iter().filter(|(key, _)| *key != self.key);
        let needed = needed.flat_map(|(key, value)| [key, " = ", value, "\n"]).collect::<String>();
        let line = if value.is_empty() { String::new() } else { format!("{} = {value}\n", self.key) };
        if self.section.is_empty() { line } else { format!("[{}]\n{needed}{line}", self.section) }
    }
}

fn rows() -> Vec<Row<'static>> {
    let mut section = None;
    let mut rows = Vec::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = match heading {
                "The top of the file" => Some(""),
                _ => heading.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')),
            };
        }
        let cells: Vec<_> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        if let (Some(section), [key, _type, default, example, _meaning]) = (section, &*cells)
            && let Some(key) = code(key)
        {
            let example = code(example).unwrap_or_else(|| panic!("{key} has no example"));
            rows.push(Row { section, key, default, example });
        }
    }
    rows
}

fn code(cell: &'static str) -> Option<&'static str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn read(text: &str) -> String {
    let config: Config = toml::from_str(text).unwrap_or_else(|error| panic!("{text}{error}"));
    format!("{config:?}")
}

/// The keys of a section, as the parser names them when it meets another one.
fn keys_of(section: &str) -> BTreeSet<String> {
    let stranger = Row { section, key: "no-such-key", default: "", example: "" }.set_to("1");
    let error = toml::from_str::<Config>(&stranger).expect_err(&stranger).message().to_owned();
    let known = error.split_once("expected ").expect("the known keys").1;
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_is_on_the_page_and_none_else() {
    let rows = rows();
    let not_yet = PAGE.split("## Not yet").nth(1).unwrap().split("## ").next().unwrap();
    let top = keys_of("");
    // Sections of which there may be several have two brackets.
    let sections = top.iter().map(|name| match name.as_str() {
        "receiver" | "transmitter" => format!("[{name}]"),
        _ => name.clone(),
    });
    for section in sections.chain([String::new()]) {
        let on_the_page: BTreeSet<_> =
            rows.iter().filter(|row| row.section == section).map(|row| row.key.to_owned()).collect();
        if on_the_page.is_empty() {
            // A key of the top, or a door that is not built.
            let is_key = rows.iter().any(|row| row.section.is_empty() && row.key == section);
            assert!(is_key || not_yet.contains(&format!("[{section}]")), "{section} is not on the page");
            continue;
        }
        let mut known = keys_of(&section);
        if section.is_empty() {
            known.retain(|key| key == "issuer" || key == "listen");
        }
        known.retain(|key| !not_yet.contains(&format!("`[{section}] {key}`")));
        assert_eq!(on_the_page, known, "[{section}]");
    }
}

#[test]
fn defaults_and_examples_are_as_the_page_says() {
    for row in rows() {
        let Row { section, key, default, example } = row;
        let place = format!("[{section}] {key}");
        read(&row.set_to(example));
        match (code(default), default) {
            (Some(_), _) if place == "[[transmitter]] silence" => {
                let hour = secevent_hub::receiver::Watch::default().silence;
                assert_eq!((default, hour.as_secs()), ("`\"1h\"`", 3600));
            }
            (Some(default), _) => {
                assert_eq!(read(&row.set_to(default)), read(&row.set_to("")), "{place}");
                assert_ne!(
                    read(&row.set_to(example)),
                    read(&row.set_to("")),
                    "{place}: take another example"
                );
            }
            (None, "-" | "*required*") => {}
            (None, other) => panic!("{place}: {other} is no default"),
        }
    }
}

#[test]
fn every_key_of_a_section_is_also_a_variable() {
    for Row { section, key, example, .. } in rows().iter().filter(|row| !row.section.starts_with('[')) {
        let section = if section.is_empty() { String::new() } else { format!("{section}_") };
        let name = format!("SECEVENT_{section}{key}").to_ascii_uppercase();
        let laid_over = [(name.clone(), example.trim_matches('"').to_owned())];
        let config = Config::parse("", laid_over.into_iter());
        let config = config.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(format!("{config:?}"), format!("{:?}", Config::parse("", std::iter::empty())), "{name}");
    }
}

#[test]
fn every_rule_of_tolerance_is_on_the_page() {
    let table = PAGE.split("| rule of `tolerance`").nth(1).unwrap().split("\n\n").next().unwrap();
    let listed: Vec<_> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let known: Vec<_> = secevent_hub::receiver::Relaxed::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_complete_example_can_be_served() {
    let text = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let config = Config::parse(text, std::iter::empty()).unwrap();
    let mistakes = config.mistakes(
        "http://127.0.0.1:8417",
        &|name| Some(name.to_owned()),
        &(Arc::new(|| Millis(0)) as _),
    );
    assert_eq!(mistakes, []);
}
