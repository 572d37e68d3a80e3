//! The program as processes that run beside each other, and just enough HTTP to talk to them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

/// What no step of these tests may take longer than.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder that is removed in the end.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).expect("the file is there").trim().to_owned()
    }

    /// The program in this folder, with none of the caller's settings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secevent"));
        for name in ["SECEVENT_HUB", "SECEVENT_ADMIN_TOKEN"] {
            command.env_remove(name);
        }
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::new(&mut self.command(args))
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.start(args).ended()
    }

    /// A development hub on a port of the system's choice.
    pub(crate) fn serve(&self) -> Hub {
        self.serve_at("127.0.0.1:0")
    }

    pub(crate) fn serve_at(&self, address: &str) -> Hub {
        Hub::new(self.start(&["serve", "--listen", address]))
    }

    pub(crate) fn admin(&self) -> String {
        format!("Bearer {}", self.read("secevent-data/admin.token"))
    }

    pub(crate) fn dev(&self) -> String {
        format!("Bearer {}", self.read("secevent-data/dev.token"))
    }

    pub(crate) fn mode(&self, file: &str) -> u32 {
        let metadata = fs::metadata(self.path(file)).expect("the file is there");
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
    }
}

/// A hub that takes requests.
pub(crate) struct Hub {
    pub(crate) process: Running,
    pub(crate) url: String,
}

impl Hub {
    pub(crate) fn new(process: Running) -> Self {
        let line = process.out.line("listening on ");
        let url = line.trim_start_matches("listening on ").to_owned();
        Self { process, url }
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("plain HTTP")
    }

    pub(crate) fn call(&self, method: &str, path: &str, authorization: &str, body: &str) -> Answer {
        let headers = format!("Authorization: {authorization}\r\n");
        call(self.address(), method, path, &headers, body).expect("the hub answers")
    }
}

/// A process, of which everything it says is kept. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) out: Heard,
    pub(crate) err: Heard,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
    }
}

impl Running {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (out, err) = (Heard::default(), Heard::default());
        let readers = vec![
            out.listen(child.stdout.take().expect("stdout is a pipe")),
            err.listen(child.stderr.take().expect("stderr is a pipe")),
        ];
        Self { child, out, err, readers }
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill runs").success());
    }

    /// SIGKILL: the process gets no word in.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
        let code =
            patiently("the end of the process", || self.child.try_wait().expect("it can be waited for"));
        self.readers.drain(..).for_each(|reader| reader.join().expect("the reader ends"));
        Ended { code: code.code(), out: self.out.text(), err: self.err.text() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process said so far.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<String>>);

impl Heard {
    fn listen(&self, pipe: impl Read + Send + 'static) -> JoinHandle<()> {
        let heard = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut text = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        })
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first line with these words, as soon as it is said.
    pub(crate) fn line(&self, words: &str) -> String {
        patiently(words, || self.text().lines().find(|line| line.contains(words)).map(str::to_owned))
    }
}

/// Asks until there is an answer.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "processes are waited for in real time")]
pub(crate) fn patiently<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

/// One request on a connection of its own; `None` when there is no complete answer.
pub(crate) fn call(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let announced = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    if announced.is_some_and(|length: usize| length != body.len()) {
        return None;
    }
    Some(Answer { status, json: serde_json::from_str(body).unwrap_or_default() })
}

/// Writes a file that is there before the program starts.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder can be written to");
}
