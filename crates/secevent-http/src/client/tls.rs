//! Whom TLS trusts: the authorities of the platform, and those that the operator adds.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{sync::OnceCell, task::spawn_blocking};

/// Extra authorities, and the configuration that is made of them when TLS is first spoken: a machine without any
/// authorities can still speak plain http.
#[derive(Default)]
pub(super) struct Trust {
    extra: Vec<CertificateDer<'static>>,
    config: OnceCell<Arc<ClientConfig>>,
}

impl Trust {
    /// Adds the certificates of a PEM file.
    pub(super) fn with_extra_ca(pem: &[u8]) -> Result<Self, String> {
        let extra: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match extra {
            Ok(extra) if !extra.is_empty() => Ok(Self { extra, config: OnceCell::new() }),
            Ok(_) => Err("the PEM file of extra authorities holds no certificate".to_owned()),
            Err(error) => Err(format!("the PEM file of extra authorities cannot be read: {error}")),
        }
    }

    /// The configuration; reading the platform's authorities touches files.
    pub(super) async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let extra = self.extra.clone();
        let make = || async {
            let made = spawn_blocking(move || config(extra)).await;
            made.map_err(|error| error.to_string())?.map(Arc::new).map_err(|error| error.to_string())
        };
        self.config.get_or_try_init(make).await.cloned()
    }
}

// spec: PUSH-048, PUSH-052, POLL-057
fn config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
