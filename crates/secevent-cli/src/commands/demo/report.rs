//! What a person, or a machine, sees of the demo.

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use serde_json::json;

use super::stage::Stage;
use crate::{
    failure::Failure,
    output::{self, Form},
};

/// One signal at the end of its way.
#[derive(Serialize)]
pub(super) struct Heard {
    pub(super) event: String,
    pub(super) delivery: &'static str,
    pub(super) jti: String,
    pub(super) ms: f64,
    pub(super) verified: bool,
    pub(super) acked: bool,
    #[serde(skip)]
    pub(super) subject: String,
}

/// Counts and prints.
pub(super) struct Report {
    form: Form,
    signals: usize,
    well: usize,
    times: Vec<f64>,
}

/// Fits the longest name of the catalogue.
const EVENT: usize = 40;
/// Fits the samples.
const ABOUT: usize = 34;
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();
const NAME: Style = Style::new().bold();

impl Report {
    pub(super) const fn new(form: Form) -> Self {
        Self { form, signals: 0, well: 0, times: Vec::new() }
    }

    /// Says who plays.
    pub(super) fn open(&self, stage: &Stage) -> Result<(), Failure> {
        if self.form == Form::Json {
            return Ok(());
        }
        output::say(format_args!(
            "{NAME}A hub, two receivers and a relying party on this machine{NAME:#}\n\
             hub {}, SQLite in a temporary folder, RS256; one receiver is pushed to, one polls\n",
            stage.issuer
        ))?;
        output::say(format_args!(
            "{DIM}   {:<5} {:<EVENT$} {:<ABOUT$} {:>10}  then{DIM:#}",
            "by", "event", "about", "took"
        ))?;
        Ok(())
    }

    /// One signal.
    pub(super) fn line(&mut self, heard: &Heard) -> Result<(), Failure> {
        let well = heard.verified && heard.acked;
        self.signals += 1;
        self.well += usize::from(well);
        self.times.push(heard.ms);
        if self.form == Form::Json {
            let ms = (heard.ms * 1000.0).round() / 1000.0;
            let Heard { event, delivery, jti, verified, acked, .. } = heard;
            let object = json!({
                "event": event, "delivery": delivery, "jti": jti, "ms": ms, "verified": verified, "acked": acked,
            });
            return Ok(output::json(&object)?);
        }
        let (style, mark) = if well { (GOOD, "ok") } else { (BAD, "no") };
        let word = |good: bool, yes: &'static str| if good { yes.to_owned() } else { format!("not {yes}") };
        let then = format!("{}, {}", word(heard.verified, "verified"), word(heard.acked, "acknowledged"));
        let (event, subject) = (output::printable(&heard.event), output::printable(&heard.subject));
        output::say(format_args!(
            "{style}{mark}{style:#} {:<5} {NAME}{event:<EVENT$}{NAME:#} {subject:<ABOUT$} {:>7.1} ms  {style}{then}{style:#}",
            heard.delivery, heard.ms
        ))?;
        Ok(())
    }

    /// The endless form begins anew.
    pub(super) fn again(&self) -> Result<(), Failure> {
        if self.form == Form::People {
            output::say(format_args!("{DIM}   from the top; end with Ctrl-C{DIM:#}"))?;
        }
        Ok(())
    }

    /// The summary.
    pub(super) fn close(&mut self) -> Result<(), Failure> {
        self.times.sort_by(f64::total_cmp);
        let median = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        let (signals, well) = (self.signals, self.well);
        if self.form == Form::Json {
            let median_ms = (median * 1000.0).round() / 1000.0;
            let ok = self.all_well();
            let summary = json!({"signals": signals, "well": well, "median_ms": median_ms, "ok": ok});
            return Ok(output::json(&json!({ "summary": summary }))?);
        }
        let style = if self.all_well() { GOOD } else { BAD };
        output::say(format_args!(
            "\n{style}{well} of {signals} signals{style:#} delivered, verified with the keys at jwks_uri and \
             acknowledged; median {median:.1} ms"
        ))?;
        Ok(())
    }

    pub(super) const fn all_well(&self) -> bool {
        self.signals > 0 && self.signals == self.well
    }
}
