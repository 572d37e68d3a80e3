//! Without a configuration file: a hub for trying things out, with tokens made at its first start.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use super::{Config, ConfigError, ReceiverSection, SecretRef};

impl Config {
    /// A hub that keeps everything in `data`: `hub.db`, `admin.token`, and `dev.token` for a receiver `dev` that may
    /// have every event.
    ///
    /// # Errors
    /// When the folder or a token file cannot be made or read.
    pub fn development(data: &Path) -> Result<Self, ConfigError> {
        make_private_folder(data)?;
        let mut config = Self::default();
        config.keep_in(data);
        config.admin.token = Some(token_file(&data.join("admin.token"))?);
        config.receivers.push(ReceiverSection {
            id: "dev".into(),
            token: Some(token_file(&data.join("dev.token"))?),
            secret: None,
            audience: vec!["dev".into()],
            events: super::everything(),
            alg: None,
        });
        Ok(config)
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

/// A file with a random token that only its owner can read; made where there is none.
fn token_file(path: &Path) -> Result<SecretRef, ConfigError> {
    if !path.exists() {
        let token = secevent_jose::base64url(&secevent_jose::random::<24>());
        let written = create_private(path).and_then(|mut file| writeln!(file, "{token}"));
        written.map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))?;
    }
    Ok(SecretRef::new(format!("file:{}", path.display())))
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
