//! What this machine can do at best: signatures, durable writes, requests over loopback. Measured in the same run as
//! everything else, so that figures of one machine can be read on another.

use std::{collections::BTreeMap, fs::File, io::Write as _, path::Path, time::Duration};

use secevent::{Alg, SigningKey};
use serde::Serialize;

use super::{
    latency::{Latencies, Summary},
    load::{Door, Load, Pace},
    peers::Peers,
    protocol::Behaviour,
    stage,
    usage::{self, Usage},
};
use crate::{clock, failure::Failure};

/// What this machine can do.
#[derive(Serialize)]
pub(super) struct Calibration {
    cores: usize,
    /// Processes that wanted a processor before we began.
    load_before: Option<f64>,
    /// Processor time of one signature, by algorithm.
    pub(super) sign_us: BTreeMap<String, f64>,
    /// 4 KiB appended and synced, in the folder of the data.
    fsync: Option<Summary>,
    /// Requests over loopback: the producers against the sink.
    posts_per_s: f64,
    /// Processor time of one request at the one end and the other.
    pub(super) client_us: Option<f64>,
    pub(super) server_us: Option<f64>,
}

/// The algorithms that are measured.
pub(super) const ALGS: [Alg; 3] = [Alg::Rs256, Alg::Es256, Alg::Ed25519];

/// Long enough for a clock of 10 ms to be exact to a fiftieth.
const SIGN_TIME: Duration = Duration::from_millis(500);
const POST_TIME: Duration = Duration::from_secs(1);

const SYNCS: usize = 200;
const SYNC_BYTES: usize = 4096;

/// Measures; takes about three seconds.
pub(super) async fn calibrate(data: Option<&Path>) -> Result<Calibration, Failure> {
    let load_before = usage::load();
    let folder = stage::folder(data)?;
    let fsync = fsync(folder.path())
        .map_err(|error| Failure::could_not(format_args!("a file in the folder of the data: {error}")))?;
    let signed = |alg: &Alg| Ok::<_, Failure>((alg.to_string(), sign_us(*alg)?));
    let sign_us = ALGS.iter().map(signed).collect::<Result<_, _>>()?;
    let (posts_per_s, client_us, server_us) = posts(folder.path()).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Calibration { cores, load_before, sign_us, fsync, posts_per_s, client_us, server_us })
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one run are small")]
fn sign_us(alg: Alg) -> Result<f64, Failure> {
    let broken = |error| Failure::could_not(format_args!("a signature: {error}"));
    let key = SigningKey::generate(alg).map_err(broken)?;
    let input = [b'a'; 700];
    let (before, began) = (Usage::of(std::process::id()), clock::micros());
    let until = began + micros(SIGN_TIME);
    let mut signatures = 0_u64;
    while clock::micros() < until {
        secevent_jose::Signer::sign(&key, &input).map_err(broken)?;
        signatures += 1;
    }
    // Without /proc all the time counts as ours.
    let used = (Usage::of(std::process::id()) - before).cpu_us;
    Ok(used.unwrap_or_else(|| clock::micros() - began) as f64 / signatures as f64)
}

fn fsync(folder: &Path) -> std::io::Result<Option<Summary>> {
    let mut file = File::create(folder.join("fsync"))?;
    let mut latencies = Latencies::new();
    for _ in 0..SYNCS {
        let began = clock::micros();
        file.write_all(&[b'a'; SYNC_BYTES])?;
        file.sync_data()?;
        latencies.record(clock::micros().saturating_sub(began));
    }
    Ok(latencies.summary())
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of one run are small")]
async fn posts(folder: &Path) -> Result<(f64, Option<f64>, Option<f64>), Failure> {
    let mut peers = Peers::start(folder)?;
    let address = peers.listen(Behaviour::default()).await?;
    let door = Door { address, path: "/s/0".to_owned(), token: "bench".to_owned() };
    let usage = || (Usage::of(std::process::id()), Usage::of(peers.id()));
    let before = usage();
    let sent = Load::new(Pace::Accepted, POST_TIME).run(door, peers.received(), 1).await?;
    let after = usage();
    let each = |used: Usage| used.cpu_us.map(|us| us as f64 / sent.events as f64);
    let rate = sent.events as f64 * 1e6 / (sent.last_at - sent.first_at) as f64;
    Ok((rate, each(after.0 - before.0), each(after.1 - before.1)))
}

impl Calibration {
    /// The least processor time that one SET can cost: so many signatures, requests taken and requests made.
    pub(super) fn limit_us(&self, alg: Alg, work: Work) -> Option<f64> {
        let sign = self.sign_us.get(&alg.to_string())?;
        Some(work.signatures * sign + work.taken * self.server_us? + work.made * self.client_us?)
    }

    /// In words.
    pub(super) fn lines(&self) -> Vec<String> {
        let signatures = self.sign_us.iter().map(|(alg, us)| format!("{alg} {:.0}/s ({us:.1} us)", 1e6 / us));
        let fsync =
            self.fsync.map_or_else(String::new, |s| format!("p50 {:.2} ms, p99 {:.2} ms", s.p50, s.p99));
        let us = |us: Option<f64>| us.map_or_else(|| "-".to_owned(), |us| format!("{us:.1} us"));
        let load = self.load_before.map_or_else(|| "-".to_owned(), |load| format!("{load:.1}"));
        vec![
            format!("{} cores, load {load} before", self.cores),
            format!("signatures of one core: {}", signatures.collect::<Vec<_>>().join(", ")),
            format!("4 KiB appended and synced: {fsync}"),
            format!(
                "POST over loopback: {:.0}/s; processor time {} to make, {} to take",
                self.posts_per_s,
                us(self.client_us),
                us(self.server_us)
            ),
        ]
    }
}

/// What one SET takes at least.
#[derive(Clone, Copy, Default)]
pub(super) struct Work {
    pub(super) signatures: f64,
    /// Requests that the hub takes, and requests that it makes.
    pub(super) taken: f64,
    pub(super) made: f64,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
