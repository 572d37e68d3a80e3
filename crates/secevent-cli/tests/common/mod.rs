//! Runs the real program in a folder of its own.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

/// A folder that is removed in the end, and the program in it.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The only line of output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// The same, after checking that the answer was yes.
    pub(crate) fn yes(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(file), content).expect("the folder can be written to");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).expect("the file is there")
    }

    /// `secevent` with these arguments and nothing on stdin.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, "")
    }

    /// `secevent` with these arguments and this on stdin.
    pub(crate) fn run_with(&self, args: &[&str], stdin: impl AsRef<[u8]> + Send) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secevent"));
        self.finish(command.args(args), stdin)
    }

    /// Makes `{name}.jwk` and `{name}.jwks` for this algorithm.
    pub(crate) fn key(&self, name: &str, alg: &str) {
        self.run(&["keys", "generate", "--alg", alg, "--out", &format!("{name}.jwk")]).yes();
        let public = self.run(&["keys", "public", &format!("{name}.jwk")]).yes();
        self.write(&format!("{name}.jwks"), public.out);
    }

    /// A token about Alice, signed with `{name}.jwk` at [`NOW`].
    pub(crate) fn sign(&self, name: &str, more: &[&str]) -> String {
        let key = format!("{name}.jwk");
        let args = ["sign", "--key", &key, "--iss", ISS, "--aud", AUD, "--event", "caep:session-revoked"];
        let args = [&args[..], &["--subject", ALICE, "--now", NOW], more].concat();
        self.run(&args).yes().out.trim().to_owned()
    }

    /// Any command in the folder, with this on stdin.
    pub(crate) fn finish(&self, command: &mut Command, stdin: impl AsRef<[u8]> + Send) -> Said {
        let command = command.current_dir(self.folder.path()).stdin(Stdio::piped());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("stdin is a pipe");
        let output = thread::scope(|scope| {
            // A program that does not read its input closes it; that is its right.
            scope.spawn(move || drop(input.write_all(stdin.as_ref())));
            child.wait_with_output().expect("the program ends")
        });
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Said {
            code: output.status.code().expect("no signal ended it"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

pub(crate) const ISS: &str = "https://idp.example";
pub(crate) const AUD: &str = "https://sp.example";
pub(crate) const NOW: &str = "1767225600";
pub(crate) const ALICE: &str = r#"{"format":"email","email":"alice@example.com"}"#;
pub(crate) const ALGS: [&str; 11] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
