//! `secevent verify --lines`: a token per line in, a verdict per line out, in order, on all cores.
//!
//! One thread reads chunks of lines, one worker per core judges them, one thread writes. With every chunk goes
//! a promise for its verdicts; the writer redeems promises in the order of the chunks. Both queues are bounded,
//! so memory stays flat however long the input is.

use std::{
    borrow::Cow,
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

/// Lines that are not blank, one after the other: one allocation for all.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// The number of each line, and where it ends.
    lines: Vec<(u64, usize)>,
}

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
    let mut chunk = Chunk::default();
    for number in 1.. {
        let ended = !chunk.read_line(number, &mut input)?;
        let more = !ended && chunk.lines.len() < CHUNK_LINES_MAX && input.buffer().contains(&b'\n');
        if !more && !chunk.lines.is_empty() {
            let (promise, awaited) = channel();
            let sent =
                promises.send(awaited).is_ok() && jobs.send((std::mem::take(&mut chunk), promise)).is_ok();
            if !sent {
                // The writer has gone and says why.
                return Ok(());
            }
        }
        if ended {
            break;
        }
    }
    Ok(())
}

impl Chunk {
    /// Adds the next line without its end; of one that is too long, just enough to show that it is. Tells whether
    /// there was one.
    fn read_line(&mut self, number: u64, input: &mut BufReader<impl Read>) -> io::Result<bool> {
        let begin = self.bytes.len();
        let read = input.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut self.bytes)?;
        if self.bytes[begin..].ends_with(b"\n") {
            self.bytes.pop();
        } else if read == LINE_BYTES_MAX {
            input.skip_until(b'\n')?;
        }
        if self.bytes[begin..].trim_ascii().is_empty() {
            self.bytes.truncate(begin);
        } else {
            self.lines.push((number, self.bytes.len()));
        }
        Ok(read > 0)
    }

    /// The lines with their numbers.
    fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut begin = 0;
        self.lines.iter().map(move |(number, end)| {
            let begin = std::mem::replace(&mut begin, *end);
            (*number, &self.bytes[begin..*end])
        })
    }
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
    // Claims are shorter than the token they come in.
    let lines = Vec::with_capacity(chunk.bytes.len());
    let mut verdicts = Verdicts { lines, ..Verdicts::default() };
    for (line, bytes) in chunk.iter() {
        let text = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        // What was cut off is not known, so such a line is not trimmed: it has to stay too long.
        let token = if bytes.len() < LINE_BYTES_MAX { text.trim() } else { &text };
        let result = judge.judge(token, now);
        *if result.is_ok() { &mut verdicts.valid } else { &mut verdicts.invalid } += 1;
        match &result {
            // Claims are JSON already; written over several lines they have to be written again.
            Ok(set) if !b"\r\n".iter().any(|end| set.json().as_bytes().contains(end)) => {
                let claims = set.json();
                write!(verdicts.lines, r#"{{"line":{line},"valid":true,"claims":{claims}}}"#)
                    .expect("a vector takes everything");
            }
            _ => {
                let line = Line { line, verdict: Verdict::of(&result) };
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
