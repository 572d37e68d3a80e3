//! Certificates made at the time of the test, so that none of them expires.

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

/// An authority that certifies whatever it is asked to.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, both in PEM.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub cert: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Panics
    /// When no key can be made.
    #[expect(clippy::new_without_default, reason = "every one is another")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key is made");
        let certificate = params.self_signed(&key).expect("the authority certifies itself");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for a name or an address, valid for longer than anybody will run this test.
    ///
    /// # Panics
    /// When the name is none.
    pub fn certify(&self, name: &str) -> Certified {
        self.certify_until(name, 4000)
    }

    /// A certificate that is valid until a year begins.
    ///
    /// # Panics
    /// When the name is none.
    pub fn certify_until(&self, name: &str, year: i32) -> Certified {
        let mut params = CertificateParams::new([name.to_owned()]).expect("it is a name");
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key is made");
        let cert = params.signed_by(&key, &self.issuer).expect("it is certified");
        Certified { cert: cert.pem(), key: key.serialize_pem() }
    }
}
