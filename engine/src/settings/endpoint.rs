//! Endpoint: the address of a node's API, as people write it and as it is used.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use proxmox_mpc_model::ApiPath;
use reqwest::Url;

/// The port that `pveproxy` listens on.
const DEFAULT_PORT: u16 = 8006;

/// A node's API: `https://pve1.example:8006/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    port: u16,
}

/// The reason why a text is not an endpoint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// `http://…`: credentials would travel in the clear, and `pveproxy` answers it with a redirect only.
    #[error("Proxmox nodes speak HTTPS only")]
    PlainHttp,
    /// `ssh://…`
    #[error("Proxmox nodes speak HTTPS, not `{0}`")]
    Scheme(String),
    /// `https://root:secret@host`
    #[error("the user and the password do not belong in a URL")]
    Login,
    /// The text has no host, or its port is not a number.
    #[error("it is not a host name or an address, with or without a port")]
    Malformed,
}

impl Endpoint {
    /// The host as a URL has it: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of this request on the node.
    pub(crate) fn url(&self, path: &ApiPath) -> Url {
        let mut url = self.url.clone();
        let target = path.target();
        let (target, query) =
            target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
        url.set_path(target);
        url.set_query(query);
        url
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Accepts `pve.example`, `10.0.0.1`, `2001:db8::1`, each with a port or not, and `https://` before it. A path is
    /// ignored, as Terraform's provider does (docs/provider.md, R1). Without a port it is 8006, where the provider
    /// takes 443.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            None => text,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => return Err(EndpointError::PlainHttp),
            Some((scheme, _)) => return Err(EndpointError::Scheme(scheme.to_owned())),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(EndpointError::Login);
        }
        let (host, port) = split_port(authority)?;
        let url = Url::parse(&format!("https://{host}:{port}/")).map_err(|_| EndpointError::Malformed)?;
        Ok(Self { url, port })
    }
}

fn split_port(authority: &str) -> Result<(String, u16), EndpointError> {
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Ok((format!("[{authority}]"), DEFAULT_PORT));
    }
    // The last colon of `[2001:db8::1]` is not one before a port.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| EndpointError::Malformed)?),
        _ => (authority, DEFAULT_PORT),
    };
    if host.is_empty() || port == 0 {
        return Err(EndpointError::Malformed);
    }
    Ok((host.to_owned(), port))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "https://{}:{}/", self.host(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        let check = |text: &str, expected: Result<&str, EndpointError>| {
            let endpoint = text.parse::<Endpoint>().map(|endpoint| endpoint.to_string());
            assert_eq!(endpoint, expected.map(str::to_owned), "{text}");
        };
        check("pve.example", Ok("https://pve.example:8006/"));
        check(" 10.0.0.1 ", Ok("https://10.0.0.1:8006/"));
        check("pve.example:443", Ok("https://pve.example:443/"));
        check("https://pve.example", Ok("https://pve.example:8006/"));
        check("HTTPS://PVE.example:8006/api2/json", Ok("https://pve.example:8006/"));
        check("2001:db8::1", Ok("https://[2001:db8::1]:8006/"));
        check("[2001:db8::1]:8007", Ok("https://[2001:db8::1]:8007/"));
        check("http://pve.example:8006", Err(EndpointError::PlainHttp));
        check("ssh://pve.example", Err(EndpointError::Scheme("ssh".to_owned())));
        check("https://root:secret@pve.example", Err(EndpointError::Login));
        check("", Err(EndpointError::Malformed));
        check("pve example", Err(EndpointError::Malformed));
        check("pve.example:https", Err(EndpointError::Malformed));
        check("pve.example:99999", Err(EndpointError::Malformed));
        check(":8006", Err(EndpointError::Malformed));
    }

    #[test]
    fn a_request_keeps_its_escapes_on_the_way() {
        let endpoint: Endpoint = "pve.example".parse().unwrap();
        let path = ApiPath::parse("pools?poolid=prod/web");
        assert_eq!(endpoint.url(&path).as_str(), "https://pve.example:8006/api2/json/pools?poolid=prod%2Fweb");
        let path = ApiPath::new(["nodes", "pve1", "storage", "nas", "content", "nas:iso/ü.iso"]);
        let expected = "https://pve.example:8006/api2/json/nodes/pve1/storage/nas/content/nas%3Aiso%2F%C3%BC.iso";
        assert_eq!(endpoint.url(&path).as_str(), expected);
    }
}
