//! A certificate with its key, read from two PEM files.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    Error,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use secevent::Timestamp;

use super::{TlsError, validity};

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// What the files hold, before anybody has looked whether it is good for anything.
pub(super) struct Contents {
    cert: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
    /// The key's file is not its owner's alone.
    key_is_open: bool,
}

/// A certificate with its key.
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    /// The last moment at which the certificate is valid, as far as that can be read.
    pub(super) until: Option<Timestamp>,
}

impl Files {
    pub(super) fn read(&self) -> Result<Contents, TlsError> {
        let (cert, _) = read(&self.cert).map_err(|error| self.of_cert(&error))?;
        let (key, key_is_open) = read(&self.key).map_err(|error| self.of_key(&error))?;
        Ok(Contents { cert, key: key.into(), key_is_open })
    }

    /// The pair that was read, if its halves belong together.
    pub(super) fn pair(&self, contents: &Contents, provider: &CryptoProvider) -> Result<Pair, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&contents.cert).collect();
        let chain = chain.map_err(|error| self.of_cert(&error))?;
        let own = chain.first().ok_or_else(|| self.of_cert(&"there is no certificate in PEM in it"))?;
        let until = validity::not_after(own);
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                self.of_key(&"there is no private key in PEM in it; one with a passphrase cannot be read")
            }
            error => self.of_key(&error),
        })?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            Error::InconsistentKeys(_) => self.mismatch(),
            Error::InvalidCertificate(why) => self.of_cert(&format_args!("no usable certificate: {why:?}")),
            error => self.of_key(&error),
        })?;
        Ok(Pair { certified: Arc::new(certified), until })
    }

    fn of_cert(&self, why: &dyn std::fmt::Display) -> TlsError {
        TlsError(format!("[tls] cert {}: {why}", self.cert.display()))
    }

    fn of_key(&self, why: &dyn std::fmt::Display) -> TlsError {
        TlsError(format!("[tls] key {}: {why}", self.key.display()))
    }

    fn mismatch(&self) -> TlsError {
        self.of_key(&format_args!(
            "it is not the key of the first certificate in {}; the hub's own stands before those of its authorities",
            self.cert.display()
        ))
    }

    /// What an operator should hear of the key's file.
    pub(super) fn remark(&self, contents: &Contents) -> Option<String> {
        let key = self.key.display();
        contents
            .key_is_open
            .then(|| format!("[tls] key {key}: others may read it; take that from them: chmod 600 {key}"))
    }
}

impl Contents {
    /// Tells these contents from others.
    pub(super) fn digest(&self) -> [u8; 32] {
        let digests = [&self.cert, &*self.key].map(|bytes| secevent_jose::sha256(bytes));
        secevent_jose::sha256(digests.as_flattened())
    }
}

/// Chains are a few KiB; what is larger was given by mistake.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file, and whether others than its owner may read it.
fn read(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let file = File::open(path)?;
    let is_open = others_may_read(&file)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok((bytes, is_open))
}

#[cfg(unix)]
fn others_may_read(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0)
}

/// Nothing is known of permissions here.
#[cfg(not(unix))]
fn others_may_read(_: &File) -> io::Result<bool> {
    Ok(false)
}
