//! The addresses of providers, and the URLs that are only passed on.

use super::{BaseUrl, Kind};
use std::net::{IpAddr, Ipv6Addr};

/// `http://` or `https://`, a host, perhaps a port, perhaps a path prefix; nothing that could hide a credential.
pub(super) fn base_url(text: &str) -> Result<BaseUrl, String> {
    let (tls, rest) = if let Some(rest) = text.strip_prefix("https://") {
        (true, rest)
    } else if let Some(rest) = text.strip_prefix("http://") {
        (false, rest)
    } else {
        return Err("must start with http:// or https://".to_owned());
    };
    if rest.contains(['?', '#']) {
        return Err("must not carry a query or a fragment".to_owned());
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must not hold blanks, control characters or letters outside ASCII".to_owned());
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("must not carry a user name or password; the credential belongs into api_key".to_owned());
    }
    let (host, port) = host_and_port(authority, if tls { 443 } else { 80 })?;
    let path = path.trim_end_matches('/');
    if path.split('/').any(|segment| segment == ".." || segment == ".") {
        return Err("must not walk up its own path".to_owned());
    }
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    Ok(BaseUrl { tls, host, port, path })
}

/// A host and its port, which must be written: `127.0.0.1:9901`, `envoy:9901`, `[::1]:9901`.
pub(super) fn authority(text: &str) -> Result<String, String> {
    const NO_PORT: u16 = 0;
    match host_and_port(text, NO_PORT)? {
        (_, NO_PORT) => Err("has no port; write host:port, such as 127.0.0.1:9901".to_owned()),
        (host, port) if host.contains(':') => Ok(format!("[{host}]:{port}")),
        (host, port) => Ok(format!("{host}:{port}")),
    }
}

/// Where a kind lives when the file does not say.
pub(super) fn default_for(kind: Kind) -> BaseUrl {
    let host = match kind {
        Kind::OpenAi => "api.openai.com",
        Kind::Anthropic => "api.anthropic.com",
        Kind::Gemini => "generativelanguage.googleapis.com",
    };
    BaseUrl { tls: true, host: host.to_owned(), port: 443, path: String::new() }
}

impl BaseUrl {
    /// Whether it is where that kind lives when the file does not say.
    pub(crate) fn is_default_for(&self, kind: Kind) -> bool {
        *self == default_for(kind)
    }

    /// Host and port, as HTTP wants them: the default port unsaid, an IPv6 literal in brackets.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Whether it is one of Azure's.
    pub(crate) fn is_azure(&self) -> bool {
        self.host.ends_with(".azure.com")
    }

    /// Whether it is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Whether `text` is one of `schemes`, `://`, and something after it.
pub(super) fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        schemes.contains(&scheme) && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

fn host_and_port(authority: &str, default: u16) -> Result<(String, u16), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the IPv6 address has no closing bracket")?;
        host.parse::<Ipv6Addr>().map_err(|_| format!("{host:?} is no IPv6 address"))?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or("only a port may follow the IPv6 address")?),
        };
        (host.to_owned(), port)
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let host = host.to_ascii_lowercase();
        let labels_hold = host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        });
        if !labels_hold || host.len() > 253 {
            return Err(format!("{host:?} is no host name"));
        }
        (host, port)
    };
    let port = match port {
        None => default,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("{port:?} is no port"))?,
    };
    Ok((host, port))
}
