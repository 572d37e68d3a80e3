//! What a store says of itself: whether a hub can run on it, what it holds, and how to mend what is wrong.
//!
//! The store is not changed. A hub that has the store open goes on meanwhile.

mod finding;
mod report;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use secevent::{Alg, Timestamp};
use secevent_ssf::store::{KeyRecord, StoreError};

use crate::{
    keys::KeyRing,
    room::RESERVE_BYTES,
    store::{beside, free_bytes, inspect, mode_for_others},
};

pub use finding::{Finding, Level};
pub use report::{Report, Waiting};

/// Examines a store, the files beside it, and others that must be for its owner only, such as those of tokens.
///
/// # Errors
/// When the store cannot be read, which says nothing about what is in it.
pub fn examine(path: &Path, private: &[PathBuf], now: Timestamp) -> Result<Report, StoreError> {
    let (mut report, keys) = inspect(path)?;
    report.free_bytes = free_bytes(path);
    report.findings.extend(keys.and_then(|keys| about_keys(&keys, now)));
    report.findings.extend(about_modes(path, private));
    report.findings.extend(about_room(report.free_bytes));
    report.findings.extend(about_clock(report.newest_at, now));
    // What stops a hub first; of the same weight in the order of the checks.
    report.findings.sort_by_key(|finding| finding.level);
    let found = std::mem::take(&mut report.findings);
    report.findings = the_first_of_each(found);
    Ok(report)
}

/// Findings of one check that are told; a store that is damaged through and through has one for every stream.
const FINDINGS_MAX: usize = 20;

fn the_first_of_each(findings: Vec<Finding>) -> Vec<Finding> {
    let mut counts = BTreeMap::new();
    let mut told: Vec<Finding> = Vec::new();
    for finding in findings {
        let count: &mut usize = counts.entry((finding.level, finding.check)).or_default();
        *count += 1;
        if *count <= FINDINGS_MAX {
            told.push(finding);
        }
    }
    for finding in &mut told {
        let more = counts.remove(&(finding.level, finding.check)).unwrap_or_default();
        if let Some(more) = more.checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
            finding.what = format!("{} (and {more} more that are not listed)", finding.what);
        }
    }
    told
}

fn about_keys(keys: &[KeyRecord], now: Timestamp) -> Option<Finding> {
    let ring = match KeyRing::load(keys, std::time::Duration::ZERO) {
        Ok(ring) => ring,
        Err(error) => {
            return Some(Finding::fatal(
                "keys",
                format!("a signing key cannot be read: {error}"),
                "A hub does not start on it.",
                "restore a backup: secevent restore",
            ));
        }
    };
    if Alg::ALL.into_iter().any(|alg| ring.signer(alg, now).is_some()) {
        return None;
    }
    Some(Finding::warning(
        "keys",
        "no key signs now",
        "A hub makes new ones when it starts; receivers take nothing until they have fetched them.",
        "start the hub, or restore a backup with the keys: secevent restore",
    ))
}

fn about_modes(path: &Path, private: &[PathBuf]) -> Vec<Finding> {
    let beside = ["", "-wal", "-shm"].map(|log| beside(path, log)).into_iter();
    let files = beside.chain([path.with_extension("lock")]).chain(private.iter().cloned());
    let about = |file: PathBuf| {
        let mode = mode_for_others(&file)?;
        let file = file.display();
        Some(Finding::warning(
            "modes",
            format!("{file} has mode {mode:o}"),
            "Others on this machine may read signing keys and tokens, or write to the store.",
            format!("chmod 600 {file}"),
        ))
    };
    files.filter_map(about).collect()
}

fn about_room(free: Option<u64>) -> Option<Finding> {
    let free = free.filter(|free| *free < RESERVE_BYTES)?;
    Some(Finding::warning(
        "room",
        format!("the disk has {free} bytes left"),
        "Below 32 MiB a hub refuses new events, so that it can still write what streams settle.",
        "free some room, or bound the store with `[retention] bytes`",
    ))
}

/// A clock may be wrong by some minutes, and is put right.
const AHEAD_SECS_MAX: i64 = 3600;

fn about_clock(newest: Option<Timestamp>, now: Timestamp) -> Option<Finding> {
    let ahead = newest?.0.saturating_sub(now.0);
    let finding = || {
        Finding::warning(
            "clock",
            format!("the last event is {ahead} seconds ahead of this machine's clock"),
            "A clock was or is wrong. Nothing is forgotten by age until that time has come.",
            "put the clock right; `[retention] bytes` bounds the store meanwhile",
        )
    };
    (ahead > AHEAD_SECS_MAX).then(finding)
}
