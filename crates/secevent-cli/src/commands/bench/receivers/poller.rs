//! Poll receivers: one long poll after the other, each with the acknowledgements of the one before.

use std::{fmt, io, rc::Rc, time::Duration};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};

use super::{
    super::{
        protocol::Polled,
        wire::{Target, Wire},
    },
    kept::Kept,
};

/// Before the next try when the hub is away.
const AWAY: Duration = Duration::from_millis(20);

/// Polls every stream from now on.
pub(super) fn start(address: &str, streams: Vec<Polled>, kept: &Rc<Kept>) {
    for stream in streams {
        let (address, kept) = (address.to_owned(), Rc::clone(kept));
        tokio::task::spawn_local(async move {
            loop {
                // It ended with the hub; acknowledgements that were lost with it cost a repeat.
                drop(poll(&address, &stream, &kept).await);
                tokio::time::sleep(AWAY).await;
            }
        });
    }
}

async fn poll(address: &str, stream: &Polled, kept: &Kept) -> io::Result<()> {
    let target = Target { method: "POST", path: &stream.path, token: &stream.token };
    let mut wire = Wire::connect(address).await?;
    let mut request = "{}".to_owned();
    loop {
        let (status, body) = wire.call(&target, &request).await?;
        if status != 200 {
            return Err(io::Error::other(format!("status {status}")));
        }
        let answer: Answer<'_> = serde_json::from_slice(body)?;
        let acks: Vec<_> = answer.sets.0.iter().map(|(jti, _)| format!("\"{jti}\"")).collect();
        for (_, token) in &answer.sets.0 {
            kept.take(stream.no, token.as_bytes());
        }
        request = format!("{{\"ack\":[{}]}}", acks.join(","));
    }
}

/// What of an answer is looked at. Neither a token nor a `jti` of ours has anything that JSON would escape.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    sets: Sets<'a>,
}

struct Sets<'a>(Vec<(&'a str, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Sets<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Sets<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("SETs by their jti")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut sets = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    sets.push(pair);
                }
                Ok(Sets(sets))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_of_an_answer_are_read_in_order() {
        let answer: Answer<'_> =
            serde_json::from_str(r#"{"sets":{"b":"x.y.z","a":"u.v.w"},"moreAvailable":true}"#).unwrap();
        assert_eq!(answer.sets.0, [("b", "x.y.z"), ("a", "u.v.w")]);
    }
}
