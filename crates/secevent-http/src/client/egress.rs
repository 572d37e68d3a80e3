//! Where this process may connect to: the guard against URLs that point back inside (SSRF).

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{Cidr, is_blocked, is_loopback, is_private};

/// Which URLs may be asked for, and which addresses may be dialled.
///
/// A URL is checked when it is given and again whenever it is used; the address behind its name is checked when it
/// is dialled, so that a name which answers differently the second time gains nothing.
///
/// ```
/// use secevent_http::client::Egress;
///
/// let strict = Egress::strict();
/// assert!(strict.check_url("https://rx.example.com/events").is_ok());
/// assert!(strict.check_url("https://[::ffff:127.0.0.1]/").is_err());
/// assert!(Egress::loopback().check_url("http://127.0.0.1:8417/").is_ok());
/// ```
// spec: SSF-060, SSF-107
#[derive(Clone, Debug, Default)]
pub struct Egress {
    http: bool,
    loopback: bool,
    private: bool,
    targets: Vec<Cidr>,
}

/// A URL or an address that is not to be connected to.
///
/// The text names the host at most: URLs of strangers carry credentials in odd places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// It is no absolute URL, or one that two parsers would read differently.
    #[error("the URL is not acceptable: {0}; give an absolute https URL (SSF-107)")]
    Malformed(&'static str),
    /// Another scheme than https, and http where allowed.
    #[error("the scheme {scheme:?} is not allowed; use https (PUSH-049)")]
    Scheme {
        /// The scheme found.
        scheme: String,
    },
    /// A port where something other than HTTP listens.
    #[error("port {port} is not one of HTTP; use another (SSF-107)")]
    Port {
        /// The port found.
        port: u16,
    },
    /// No address of the host may be dialled.
    #[error(
        "{host} is not reachable from here: its address is private or reserved; \
         use a public one, or allow its range under [egress] allow_private (SSF-107)"
    )]
    Address {
        /// The host.
        host: String,
    },
}

impl Egress {
    /// Only https, and only public addresses.
    pub const fn strict() -> Self {
        Self { http: false, loopback: false, private: false, targets: Vec::new() }
    }

    /// For development: http as well, and this machine.
    pub const fn loopback() -> Self {
        Self { http: true, loopback: true, private: false, targets: Vec::new() }
    }

    /// Allows http.
    pub const fn allow_http(mut self) -> Self {
        self.http = true;
        self
    }

    /// Allows the addresses of closed networks and of this machine; metadata services of clouds stay shut.
    pub const fn allow_private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Allows these ranges, whatever they are.
    pub fn allow_targets(mut self, targets: impl IntoIterator<Item = Cidr>) -> Self {
        self.targets.extend(targets);
        self
    }

    /// Whether http is allowed.
    pub const fn allows_http(&self) -> bool {
        self.http
    }

    /// Whether this address may be dialled.
    pub fn permits(&self, ip: IpAddr) -> bool {
        !is_blocked(ip)
            || self.loopback && is_loopback(ip)
            || self.private && is_private(ip)
            || self.targets.iter().any(|range| range.contains(ip))
    }

    /// Reads a URL and refuses what is known to be wrong before its name is looked up.
    // spec: PUSH-049, SSF-034, SSF-107
    pub fn check_url(&self, text: &str) -> Result<Url, EgressError> {
        check_spelling(text)?;
        let url = Url::parse(text).map_err(|_| EgressError::Malformed("it cannot be parsed"))?;
        if url.scheme() != "https" && !(self.http && url.scheme() == "http") {
            return Err(EgressError::Scheme { scheme: url.scheme().chars().take(20).collect() });
        }
        if let Some(port) = url.port().filter(|port| PORTS_BLOCKED.contains(port)) {
            return Err(EgressError::Port { port });
        }
        let permitted = match url.host() {
            None => return Err(EgressError::Malformed("it has no host")),
            Some(Host::Ipv4(ip)) => self.permits(ip.into()),
            Some(Host::Ipv6(ip)) => self.permits(ip.into()),
            Some(Host::Domain(name)) => self.permits_name(name),
        };
        if permitted {
            return Ok(url);
        }
        Err(EgressError::Address { host: url.host_str().unwrap_or_default().to_owned() })
    }

    /// Names that mean something only inside are refused early; what others resolve to is seen when dialling.
    fn permits_name(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_inside = NAMES_INSIDE.iter().any(|inside| {
            name.strip_suffix(inside).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        !is_inside || self.loopback || self.private || !self.targets.is_empty()
    }
}

/// What the parser would repair silently, and another parser differently.
fn check_spelling(text: &str) -> Result<(), EgressError> {
    if text.len() > URL_BYTES_MAX {
        return Err(EgressError::Malformed("it has more than 2048 bytes"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(EgressError::Malformed("it has blanks, control characters or characters outside ASCII"));
    }
    if text.contains(['\\', '#']) {
        return Err(EgressError::Malformed("it has a backslash or a fragment"));
    }
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    match authority {
        None | Some("") => Err(EgressError::Malformed("it has no host after ://")),
        Some(authority) if authority.contains('@') => Err(EgressError::Malformed("it has a user name")),
        Some(_) => Ok(()),
    }
}

/// What browsers, proxies and servers agree on.
const URL_BYTES_MAX: usize = 2048;

/// Suffixes that public DNS does not have.
const NAMES_INSIDE: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// No port at all, and services that could be made to misread an HTTP request: mail, shells, name services, databases and caches.
const PORTS_BLOCKED: [u16; 37] = [
    0, 7, 9, 19, 20, 21, 22, 23, 25, 37, 42, 53, 69, 79, 110, 111, 119, 135, 137, 139, 143, 161, 389, 445,
    465, 514, 587, 636, 993, 995, 2049, 3306, 5432, 6379, 9200, 11211, 27017,
];
