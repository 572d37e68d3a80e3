//! Mutation of JSON documents: values change places, members are added, removed, renamed and written twice.

use fastrand::Rng;
use serde_json::{Value, json};

use super::Pool;

/// Stands for text that no [`Value`] can hold; it is replaced when the document is written.
const MARK: &str = "\u{1}mark";
const MARK_WRITTEN: &str = r#""\u0001mark""#;

/// Spellings that are refused, that are read inexactly, or that two parsers may read differently.
const SPELLINGS: [&str; 18] = [
    "1e400",
    "-1e400",
    "1e-400",
    "-0",
    "-0.0",
    "0e0",
    "1.0",
    "1E5",
    "18446744073709551616",
    "9223372036854775808",
    "1.7976931348623158e308",
    "1.7976931348623157e308",
    "4.9e-324",
    "0.1e1",
    "01",
    "\"\\ud800\"",
    "\"\\u0061\"",
    "\"\\/\\b\\u00e9\"",
];

/// A nesting one deeper, just as deep and far deeper than is read.
const DEPTHS: [usize; 4] = [8, 63, 64, 2000];

/// A list that makes work that grows with its square show.
const ITEMS_MAX: usize = 10_000;

/// Values that are edges of something.
pub(super) fn scalars() -> Vec<Value> {
    let mut values =
        vec![Value::Null, json!(true), json!(false), json!([]), json!({}), json!(""), json!(" ")];
    values.extend([i64::MIN, -1, 0, 1, 1_767_225_600, 1_767_225_660_000, i64::MAX].map(Value::from));
    values.extend([
        json!(u64::MAX),
        json!(1.5),
        json!(-0.5),
        json!(1e300),
        json!("\u{0}"),
        json!("ä\u{202e}"),
    ]);
    values.extend(
        ["a@b.example", "https://a.example/b", "urn:a:b", "+12065550100", "en", "JWT", "none"]
            .map(Value::from),
    );
    values
}

pub(super) fn mutate(input: &[u8], pool: &Pool, rng: &mut Rng) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(input).ok()?;
    let mut marked = String::new();
    let place = walk(&mut document, rng);
    match rng.u8(..12) {
        0..=2 => *place = pool.value(rng),
        3 => {
            *place = MARK.into();
            rng.choice(SPELLINGS).unwrap_or_default().clone_into(&mut marked);
        }
        4 => *place = wrap(place.take(), pool, rng),
        5 => retype(place),
        6 if place.is_string() => write_over(place, rng),
        _ => marked = change_members(place, pool, rng),
    }
    let written = document.to_string();
    Some(if marked.is_empty() { written } else { written.replace(MARK_WRITTEN, &marked) }.into_bytes())
}

/// A random value of the document, more likely a small one deep inside.
fn walk<'v>(value: &'v mut Value, rng: &mut Rng) -> &'v mut Value {
    let inside = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    if inside == 0 || rng.u8(..5) == 0 {
        return value;
    }
    let at = rng.usize(..inside);
    match value {
        Value::Array(items) => walk(&mut items[at], rng),
        Value::Object(members) => match members.values_mut().nth(at) {
            Some(member) => walk(member, rng),
            None => unreachable!("the index is that of a member"),
        },
        scalar => scalar,
    }
}

/// Puts the value into something.
fn wrap(value: Value, pool: &Pool, rng: &mut Rng) -> Value {
    match rng.u8(..8) {
        0..=2 => json!([value]),
        3..=5 => json!({ pool.name(rng): value }),
        6 => {
            let depth = *rng.choice(&DEPTHS).unwrap_or(&1);
            // A value as deep as that may not be dropped in one go by its own parser; it is written at once.
            (0..depth.min(100))
                .fold(value, |inner, _| if rng.bool() { json!([inner]) } else { json!({ "a": inner }) })
        }
        _ => {
            let count = rng.usize(..ITEMS_MAX);
            let items = (0..count).map(|i| if rng.bool() { value.clone() } else { json!(i) });
            // Most values are small; many large ones would only be too long.
            if value.to_string().len() < 32 { items.collect() } else { json!([value, value]) }
        }
    }
}

/// The same as another type.
fn retype(value: &mut Value) {
    *value = match value.take() {
        Value::String(text) => text.parse::<i64>().map_or_else(|_| json!([text]), Value::from),
        Value::Number(number) => number.to_string().into(),
        Value::Array(items) => items.into_iter().next().unwrap_or_default(),
        Value::Object(members) => members.into_iter().map(|(_, value)| value).collect(),
        Value::Bool(flag) => flag.to_string().into(),
        Value::Null => json!({}),
    };
}

/// A character of a string is added, removed or repeated.
fn write_over(value: &mut Value, rng: &mut Rng) {
    const CHARACTERS: [char; 16] = [
        'a',
        'A',
        '0',
        ' ',
        ':',
        '/',
        '@',
        '%',
        '.',
        '-',
        '"',
        '\\',
        '\u{0}',
        '\u{e9}',
        '\u{2028}',
        '\u{1f600}',
    ];
    let mut text: Vec<char> = value.as_str().unwrap_or_default().chars().collect();
    let at = rng.usize(..=text.len());
    match rng.u8(..4) {
        0 | 1 => text.insert(at, *rng.choice(&CHARACTERS).unwrap_or(&'a')),
        2 => drop(text.splice(at.saturating_sub(1)..at, [])),
        _ => {
            let times = [1, 7, 63, 255, 1023, 4096];
            let piece = vec![*rng.choice(&CHARACTERS).unwrap_or(&'a'); *rng.choice(&times).unwrap_or(&1)];
            text.splice(at..at, piece);
        }
    }
    *value = text.into_iter().collect::<String>().into();
}

/// Adds, removes, renames, swaps or repeats what is right inside; returns the name to write twice, if any.
fn change_members(value: &mut Value, pool: &Pool, rng: &mut Rng) -> String {
    match value {
        Value::Array(items) => change_items(items, pool, rng),
        Value::Object(members) => {
            let name = rng.choice(members.keys()).cloned().unwrap_or_default();
            match rng.u8(..6) {
                0 => drop(members.shift_remove(&name)),
                1 => drop(members.insert(pool.name(rng), pool.value(rng))),
                2 => drop(members.insert(name, pool.value(rng))),
                3 => {
                    let taken = members.shift_remove(&name).unwrap_or_default();
                    members.insert(pool.name(rng), taken);
                }
                4 if members.len() < ITEMS_MAX => {
                    for i in 0..rng.usize(..40) {
                        members.insert(format!("{name}{i}"), pool.value(rng));
                    }
                }
                _ => {
                    let twice = if rng.bool() {
                        pool.value(rng)
                    } else {
                        members.get(&name).cloned().unwrap_or_default()
                    };
                    members.insert(MARK.to_owned(), twice);
                    return spelt(&name, rng);
                }
            }
        }
        scalar => *scalar = pool.value(rng),
    }
    String::new()
}

fn change_items(items: &mut Vec<Value>, pool: &Pool, rng: &mut Rng) {
    let at = rng.usize(..=items.len());
    match rng.u8(..4) {
        0 if at < items.len() => drop(items.remove(at)),
        1 if at < items.len() => items.insert(at, items[at].clone()),
        2 => rng.shuffle(items),
        _ => items.insert(at, pool.value(rng)),
    }
}

/// A name as JSON, the first character sometimes escaped: the same name in other letters.
fn spelt(name: &str, rng: &mut Rng) -> String {
    let plain = Value::from(name).to_string();
    match name.as_bytes().first() {
        Some(first) if rng.bool() && first.is_ascii_alphanumeric() => {
            format!("\"\\u{:04x}{}", u32::from(*first), &plain[2..])
        }
        _ => plain,
    }
}
