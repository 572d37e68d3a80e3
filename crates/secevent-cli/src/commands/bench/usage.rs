//! What a process has used so far, from `/proc`. On systems without it nothing is known.

use std::{fs, ops::Sub};

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// Time on a processor, in the program and in the kernel, in microseconds.
    pub(super) cpu_us: Option<u64>,
    /// Bytes that went to disk.
    pub(super) written: Option<u64>,
}

/// What a process has in memory, in bytes: now, and at most so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) now: Option<u64>,
    pub(super) peak: Option<u64>,
}

/// `USER_HZ`, which Linux promises to programs on every architecture that this one is built for.
const TICK_US: u64 = 1_000_000 / 100;

impl Usage {
    pub(super) fn of(process: u32) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}")).ok();
        Self {
            cpu_us: read("stat").as_deref().and_then(cpu_us),
            written: read("io").as_deref().and_then(|io| field(io, "write_bytes:")),
        }
    }
}

/// What was used since.
impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        let since = |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before?));
        Self { cpu_us: since(self.cpu_us, before.cpu_us), written: since(self.written, before.written) }
    }
}

impl Memory {
    pub(super) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let bytes = |name| field(&status, name).map(|kib| kib * 1024);
        Self { now: bytes("VmRSS:"), peak: bytes("VmHWM:") }
    }
}

/// How many processes wanted a processor during the last minute.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// `utime` and `stime`: the 14th and 15th field, counted after the name, which may have spaces and brackets.
fn cpu_us(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (utime, stime) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some((utime + stime) * TICK_US)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_stand_after_its_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 8 9 20 0 1 0 5";
        assert_eq!(cpu_us(stat), Some(3_000_000));
        assert_eq!(cpu_us("7 (a"), None);
        assert_eq!(field("VmHWM:\t  12 kB\nVmRSS:\t  10 kB\n", "VmRSS:"), Some(10));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_and_time() {
        let memory = Memory::of(std::process::id());
        assert!(memory.now > Some(0) && memory.now <= memory.peak, "{memory:?}");
        assert!(Usage::of(std::process::id()).cpu_us.is_some());
    }
}
