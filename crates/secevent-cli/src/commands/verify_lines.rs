//! `secevent verify --lines`: a token per line in, a verdict per line out, in order, on all cores.
//!
//! One thread reads chunks of lines, one worker per core judges them, one thread writes. With every chunk goes
//! a promise for its verdicts; the writer redeems promises in the order of the chunks. Both queues are bounded,
//! so memory stays flat however long the input is.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use secevent_jose::jws::TOKEN_BYTES_MAX;
use serde::Serialize;

use super::verify::{Judge, Verdict};
use crate::{
    clock::Clock,
    failure::{Exit, Failure},
    input, output,
};

/// What one read may bring. A chunk is what was read, so nobody waits for a full one on a slow pipe.
const READ_BYTES: usize = 256 * 1024;
/// A chunk of more lines would keep one core busy while others have run dry.
const CHUNK_LINES_MAX: usize = 1024;
/// A line is kept up to here: more than any token, so that the library refuses it by its length.
const LINE_BYTES_MAX: usize = TOKEN_BYTES_MAX + 1;
/// Chunks that wait per core, so that no core waits for the reader.
const CHUNKS_WAITING: usize = 2;

/// Lines that are not blank, with their numbers.
type Chunk = Vec<(u64, Vec<u8>)>;
/// A chunk, and where its verdicts are awaited.
type Job = (Chunk, Sender<Verdicts>);

/// The lines of output of one chunk, and how many of them say yes and no.
#[derive(Default)]
struct Verdicts {
    lines: Vec<u8>,
    valid: u64,
    invalid: u64,
}

pub(super) fn run(file: Option<&str>, judge: &Judge, clock: Clock) -> Result<Exit, Failure> {
    let (input, name) = input::open(file, "tokens")?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (jobs, work) = sync_channel::<Job>(cores * CHUNKS_WAITING);
    let (promises, awaited) = sync_channel(cores * CHUNKS_WAITING);
    let work = Mutex::new(work);
    let (read, written) = thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work_off(&work, judge, clock));
        }
        let writer = scope.spawn(move || write(&awaited));
        let read = read(input, &jobs, &promises);
        // No more work: workers and writer end when they have done what is left.
        drop((jobs, promises));
        (read, writer.join().expect("the writer does not panic"))
    });
    let total = written?;
    read.map_err(|error| input::cannot_read(&name, &error))?;
    output::note(format_args!("{} valid, {} not valid", total.valid, total.invalid));
    Ok(if total.invalid == 0 { Exit::Yes } else { Exit::No })
}

/// Cuts the input into chunks and hands each out twice: the work, and the promise of its verdicts.
fn read(
    input: impl Read,
    jobs: &SyncSender<Job>,
    promises: &SyncSender<Receiver<Verdicts>>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(READ_BYTES, input);
    let mut chunk = Chunk::new();
    let mut number = 0;
    loop {
        let line = read_line(&mut input)?;
        let ended = line.is_none();
        if let Some(line) = line {
            number += 1;
            if !line.trim_ascii().is_empty() {
                chunk.push((number, line));
            }
        }
        let more = !ended && chunk.len() < CHUNK_LINES_MAX && input.buffer().contains(&b'\n');
        if !more && !chunk.is_empty() {
            let (promise, awaited) = channel();
            let sent =
                promises.send(awaited).is_ok() && jobs.send((std::mem::take(&mut chunk), promise)).is_ok();
            if !sent {
                // The writer has gone and says why.
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
    }
}

/// The next line without its end; of one that is too long, just enough to show that it is.
fn read_line(input: &mut BufReader<impl Read>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() == LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn work_off(work: &Mutex<Receiver<Job>>, judge: &Judge, clock: Clock) {
    loop {
        let job = work.lock().expect("nobody panics with the lock").recv();
        let Ok((chunk, promise)) = job else { return };
        // A writer that has gone needs no verdicts.
        let _ = promise.send(judge_chunk(&chunk, judge, clock));
    }
}

fn judge_chunk(chunk: &Chunk, judge: &Judge, clock: Clock) -> Verdicts {
    #[derive(Serialize)]
    struct Line<'a> {
        line: u64,
        #[serde(flatten)]
        verdict: Verdict<'a>,
    }
    let now = clock.now();
    let mut verdicts = Verdicts::default();
    for (line, bytes) in chunk {
        let text = String::from_utf8_lossy(bytes);
        // What was cut off is not known, so such a line is not trimmed: it has to stay too long.
        let token = if bytes.len() < LINE_BYTES_MAX { text.trim() } else { &text };
        let result = judge.judge(token, now);
        *if result.is_ok() { &mut verdicts.valid } else { &mut verdicts.invalid } += 1;
        match &result {
            // Claims are JSON already; written over several lines they have to be written again.
            Ok(set) if !set.json().contains(['\n', '\r']) => {
                let claims = set.json();
                write!(verdicts.lines, r#"{{"line":{line},"valid":true,"claims":{claims}}}"#)
                    .expect("a vector takes everything");
            }
            _ => {
                let line = Line { line: *line, verdict: Verdict::of(&result) };
                serde_json::to_writer(&mut verdicts.lines, &line).expect("verdicts are JSON");
            }
        }
        verdicts.lines.push(b'\n');
    }
    verdicts
}

fn write(promises: &Receiver<Receiver<Verdicts>>) -> io::Result<Verdicts> {
    let mut out = io::stdout().lock();
    let mut total = Verdicts::default();
    for promise in promises {
        let verdicts = promise.recv().map_err(io::Error::other)?;
        out.write_all(&verdicts.lines)?;
        out.flush()?;
        total.valid += verdicts.valid;
        total.invalid += verdicts.invalid;
    }
    Ok(total)
}
