//! Where the metadata of an issuer is found (SSF 1.0 §7.2.1).

use secevent::finding::quote;

use crate::{Refusal, url::Url};

/// The name registered for SSF.
pub const SSF_CONFIGURATION: &str = "ssf-configuration";
/// The name that transmitters of RISC used before; nobody new publishes there.
// spec: SSF-057, SSF-058
pub const RISC_CONFIGURATION: &str = "risc-configuration";

/// The URL of an issuer's metadata: `/.well-known/` and `name` inserted between host and path, after a
/// terminating `/` of the path is removed.
///
/// ```
/// use secevent_ssf::metadata::{SSF_CONFIGURATION, well_known};
///
/// let url = well_known("https://tr.example.com/issuer1/", SSF_CONFIGURATION, false)?;
/// assert_eq!(url, "https://tr.example.com/.well-known/ssf-configuration/issuer1");
/// # Ok::<(), secevent_ssf::Refusal>(())
/// ```
// spec: SSF-047, SSF-048, SSF-049, SSF-050
pub fn well_known(issuer: &str, name: &str, allow_http: bool) -> Result<String, Refusal> {
    let refused =
        |why: &str, mend: &str| Refusal::new("SSF-031", "", format!("issuer {} {why}", quote(issuer)), mend);
    let url = Url::split(issuer)
        .ok_or_else(|| refused("is no URL of a host", "give an https URL such as https://tr.example.com"))?;
    if url.has_query_or_fragment() {
        return Err(refused("has a query or a fragment", "give the issuer without them"));
    }
    if !url.is_https && !allow_http {
        return Err(refused("is not https", "give an https URL, or allow http for development"));
    }
    let path = url.rest.strip_suffix('/').unwrap_or(url.rest);
    Ok(format!("{}/.well-known/{name}{path}", url.origin))
}
