//! Every mistake of a configuration at once, for whoever is about to mend it.

use super::{Config, ConfigError, Env, place::quoted};
use crate::Clock;

impl Config {
    /// What [`settings`](Self::settings) would refuse, one mistake of each section: a section with a mistake is left out
    /// and the rest judged again. Empty when there is none.
    pub fn mistakes(&self, listening_on: &str, env: Env<'_>, clock: &Clock) -> Vec<ConfigError> {
        let mut rest = self.clone();
        let mut mistakes = Vec::new();
        // A section that cannot be left out would be found again and again.
        while let Err(error) = rest.resolve(listening_on, env, clock.clone()) {
            let left_out = rest.leave_out(&error.to_string());
            mistakes.push(self.placed(error));
            if !left_out {
                break;
            }
        }
        mistakes
    }

    /// Leaves out the section that an error begins with; whether there was something to leave out.
    fn leave_out(&mut self, words: &str) -> bool {
        let (section, rest) = words.split_once(' ').unwrap_or((words, ""));
        let client = rest.strip_prefix("client_id ");
        let id = quoted(client.unwrap_or(rest).trim_start_matches("id "));
        let id = id.map(|(id, _)| id).unwrap_or_default();
        let named = |own: &str| format!("{own:?}") == id;
        let sections = self.receivers.len() + self.transmitters.len();
        match section {
            "[[receiver]]" => self.receivers.retain(|section| {
                let by_client = client.and(section.client_id.as_deref()).is_some_and(named);
                !named(&section.id) && !by_client
            }),
            "[[transmitter]]" => self.transmitters.retain(|section| !named(&section.id)),
            "issuer" => return self.issuer.replace(ANY.to_owned()).as_deref() != Some(ANY),
            "[admin]" => return self.admin.token.take().is_some(),
            "[oauth]" => {
                self.oauth.jwks_uri = None;
                return self.oauth.issuer.replace(ANY.to_owned()).as_deref() != Some(ANY);
            }
            "[signing]" => return replace(&mut self.signing),
            "[egress]" => return replace(&mut self.egress),
            "[stream]" => return replace(&mut self.stream),
            "[poll]" => return replace(&mut self.poll),
            "[push]" => return replace(&mut self.push),
            "[limits]" => return replace(&mut self.limits),
            "[otlp]" => return replace(&mut self.otlp),
            _ => {}
        }
        self.receivers.len() + self.transmitters.len() < sections
    }
}

/// An issuer that is as good as any.
const ANY: &str = "https://hub.invalid";

/// The defaults have no mistakes.
fn replace<T: Default>(section: &mut T) -> bool {
    *section = T::default();
    true
}
