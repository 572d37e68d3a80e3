//! TLS at the hub's own listener: versions 1.3 and 1.2, and a certificate that is read again when it changes.
//!
//! Both files are looked at every two seconds, and at once when somebody asks. A pair that cannot be used changes
//! nothing: the one before it is served on, and the log says once why.

mod handshake;
mod pair;
mod validity;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use secevent::Timestamp;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::hub::stopped;
pub(crate) use handshake::shake_hands;
use pair::{Files, Pair};

/// What a hub shows to those who connect: a certificate, and the proof that it has the key.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    files: Files,
    provider: Arc<CryptoProvider>,
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    seen: Mutex<Seen>,
    remarks: Vec<String>,
}

/// Why a certificate or its key cannot be used: which file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

impl Tls {
    /// Reads a certificate chain and its private key, both in PEM.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not belong together.
    // spec: CIOP-002, PUSH-050, PUSH-051, PUSH-052, POLL-056, POLL-057, SET-059
    pub fn load(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let files = Files { cert: cert.into(), key: key.into() };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let contents = files.read()?;
        let pair = files.pair(&contents, &provider)?;
        let remarks = files.remark(&contents).into_iter().collect();
        let seen = Seen { taken: contents.digest(), until: pair.until, ..Seen::default() };
        let shown = Arc::new(Shown(RwLock::new(pair.certified)));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(format!("[tls]: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (config, seen) = (Arc::new(config), Mutex::new(seen));
        Ok(Self(Arc::new(Shared { files, provider, config, shown, seen, remarks })))
    }

    /// The last moment at which the certificate is valid, as far as that can be read.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.seen().until
    }

    /// What an operator should hear of the files, although they can be used.
    pub fn remarks(&self) -> &[String] {
        &self.0.remarks
    }

    /// Reads the files again now, as on a signal; the log says what came of it.
    pub async fn read_again(&self) {
        self.look(true).await;
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.config))
    }

    /// Looks at the files now and then, until the hub stops.
    pub(crate) async fn watch(self, mut stopping: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => self.look(false).await,
                () = stopped(&mut stopping) => return,
            }
        }
    }

    async fn look(&self, asked: bool) {
        let tls = self.clone();
        // A look that fails of itself is followed by another.
        drop(tokio::task::spawn_blocking(move || tls.look_now(asked)).await);
    }

    fn look_now(&self, asked: bool) {
        let Shared { files, provider, shown, .. } = &*self.0;
        let mut seen = self.seen();
        let contents = files.read();
        let digest = match &contents {
            Ok(contents) => contents.digest(),
            Err(error) => secevent_jose::sha256(error.0.as_bytes()),
        };
        if !seen.is_worth_reading(digest, asked) {
            return;
        }
        let pair =
            contents.and_then(|contents| Ok((files.pair(&contents, provider)?, files.remark(&contents))));
        match pair {
            Ok((Pair { certified, until }, remark)) => {
                *shown.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
                *seen = Seen { taken: digest, until, ..Seen::default() };
                let until = until.map(day);
                info!(until, "the certificate was read again and is served from now on");
                remark.inspect(|remark| warn!("{remark}"));
            }
            Err(error) => {
                if seen.is_to_be_told(digest, asked) {
                    warn!(%error, "the certificate before it is served on");
                }
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.0.files).finish_non_exhaustive()
    }
}

/// The certificate that new connections get.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(…)")
    }
}

/// What was found in the files so far, by digest.
#[derive(Default)]
struct Seen {
    taken: [u8; 32],
    until: Option<Timestamp>,
    /// Could not be used when it was seen first.
    doubtful: Option<[u8; 32]>,
    told: Option<[u8; 32]>,
}

impl Seen {
    fn is_worth_reading(&self, digest: [u8; 32], asked: bool) -> bool {
        asked || digest != self.taken && self.told != Some(digest)
    }

    /// Two files are never written at one instant. So a pair that cannot be used is spoken of when it is still
    /// there at the next look, and then once.
    fn is_to_be_told(&mut self, digest: [u8; 32], asked: bool) -> bool {
        let is_old = self.doubtful.replace(digest) == Some(digest);
        if asked || is_old {
            self.told = Some(digest);
        }
        asked || is_old
    }
}

/// The day of a moment, in UTC.
fn day(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.0)
        .map_or_else(|_| at.0.to_string(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// An administrator who has put a certificate in place sees it served at once.
const LOOK_EVERY: Duration = Duration::from_secs(2);
