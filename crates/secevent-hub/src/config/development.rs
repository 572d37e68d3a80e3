//! Without a configuration file: a hub for trying things out, with tokens made at its first start.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::Path,
};

use super::{Config, ConfigError, ReceiverSection, SecretRef};

impl Config {
    /// A hub that keeps everything in `data`: `hub.db`, `admin.token`, and `dev.token` for a receiver `dev` that may
    /// have every event. The environment overrides as it does with a file.
    ///
    /// # Errors
    /// With the variable that cannot be used.
    pub fn development(
        data: &Path,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut base = Self { development: true, ..Self::parse("", env)? };
        if base.store.url == super::StoreSection::default().url {
            base.keep_in(data);
        }
        base.admin.token.get_or_insert_with(|| SecretRef::file(&data.join("admin.token")));
        base.receivers.push(ReceiverSection {
            id: "dev".into(),
            token: Some(SecretRef::file(&data.join("dev.token"))),
            secret: None,
            jwks: None,
            jwks_uri: None,
            client_id: None,
            audience: vec!["dev".into()],
            events: super::everything(),
            alg: None,
        });
        Ok(base)
    }

    /// Makes the folder and the tokens of [`development`](Self::development) where they are not there yet.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn make_development_files(&self, data: &Path) -> Result<(), ConfigError> {
        make_private_folder(data)?;
        let tokens = self.receivers.iter().filter_map(|receiver| receiver.token.as_ref());
        let ours = |path: &&Path| path.parent() == Some(data);
        let mut files = self.admin.token.iter().chain(tokens).filter_map(SecretRef::path).filter(ours);
        files.try_for_each(make_token_file)
    }

    /// Keeps the store in this folder.
    pub fn keep_in(&mut self, data: &Path) {
        self.store.url = format!("sqlite:{}", data.join("hub.db").display());
    }
}

/// Makes a folder that only its owner can enter, and those above it.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_folder(path: &Path) -> Result<(), ConfigError> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(path).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

/// A file with a random token that only its owner can read; one that is there stays.
fn make_token_file(path: &Path) -> Result<(), ConfigError> {
    let token = secevent_jose::base64url(&secevent_jose::random::<24>());
    match create_private(path).and_then(|mut file| writeln!(file, "{token}")) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(ConfigError::new(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
