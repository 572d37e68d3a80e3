//! Reads what `/metrics` says, line by line, and believes nothing: a line that the format does not know is a panic.

use std::collections::BTreeMap;

/// Samples by their name and labels, and the type of each family.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) text: String,
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
    families: BTreeMap<String, String>,
}

impl Exposition {
    pub(crate) fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the end is said");
        let mut read = Self { text: text.to_owned(), ..Self::default() };
        let mut family = (String::new(), String::new());
        for line in body.lines() {
            let words: Vec<_> = line.splitn(4, ' ').collect();
            match *words {
                ["#", "HELP", _, help] => assert!(help.ends_with('.'), "{line}"),
                ["#", "UNIT", name, unit] => assert!(name.ends_with(&format!("_{unit}")), "{line}"),
                ["#", "TYPE", name, kind] => {
                    assert!(["counter", "gauge", "histogram", "info"].contains(&kind), "{line}");
                    let before = read.families.insert(name.to_owned(), kind.to_owned());
                    assert_eq!(before, None, "twice: {line}");
                    family = (name.to_owned(), kind.to_owned());
                }
                _ => read.sample(line, &family),
            }
        }
        read
    }

    fn sample(&mut self, line: &str, (family, kind): &(String, String)) {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line} after {family}"));
        let fits = match kind.as_str() {
            "counter" => suffix == "_total",
            "histogram" => ["_sum", "_count", "_bucket"].contains(&suffix),
            "info" => suffix == "_info",
            _ => suffix.is_empty(),
        };
        assert!(fits && name.starts_with("secevent_"), "{line}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
        let labels = labels.strip_suffix('}').expect(line);
        let label = |pair: &str| {
            let (label, value) = pair.split_once("=\"").expect(line);
            let value = value.strip_suffix('"').expect(line);
            assert!(!value.contains(['"', '\\']), "{line}");
            (label.to_owned(), value.to_owned())
        };
        let labels = labels.split(',').filter(|pair| !pair.is_empty()).map(label).collect();
        let before = self.samples.insert((name.to_owned(), labels), value.parse().expect(line));
        assert_eq!(before, None, "twice: {line}");
    }

    /// The value of a series with these labels and maybe others; there is one.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found = self.series(name, labels);
        let [(_, value)] = found[..] else { panic!("{name} {labels:?}: {found:?}\n{}", self.text) };
        value
    }

    /// Every series of a name with these labels and maybe others.
    pub(crate) fn series(
        &self,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Vec<(&BTreeMap<String, String>, f64)> {
        let fits = |own: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| own.get(*label).is_some_and(|own| own == value))
        };
        let named = self.samples.iter().filter(|((own, labels), _)| own == name && fits(labels));
        named.map(|((_, labels), value)| (labels, *value)).collect()
    }

    /// Families as Prometheus shows them.
    pub(crate) fn families(&self) -> impl Iterator<Item = String> {
        self.families.iter().map(|(name, kind)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.clone(),
        })
    }

    /// Names of samples.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.keys().map(|(name, _)| name.as_str())
    }
}
