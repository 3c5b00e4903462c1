//! The URL of a Redis: `redis://`, `rediss://` (TLS), `redis-sentinel://`, `redis-cluster://`.
//!
//! ```text
//! redis://user:password@host:6379/0
//! rediss://host?ca=/etc/weir/redis-ca.pem                  without `ca`, the system's authorities
//! redis-sentinel://:password@host:26379,host2:26379/mymaster/0?sentinel_password=…
//! redis-cluster://a:7000,b:7001,c:7002?tls=true
//! ```
//!
//! What is no letter or digit in a user name or password is written as `%2F` and the like. Each may say `prefix=name`,
//! by which the keys of several installations differ (`weir`), and the last two `tls=true`, which `ca` implies.

use percent_encoding::percent_decode_str;

/// A Redis, as its URL says.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub kind: RedisKind,
    /// At least one; one alone if it is [`RedisKind::Single`].
    pub hosts: Vec<(String, u16)>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub sentinel_user: Option<String>,
    pub sentinel_password: Option<String>,
    pub database: i64,
    pub tls: bool,
    /// Authorities in PEM, instead of the system's.
    pub ca: Option<String>,
    /// With which all keys begin.
    pub prefix: String,
}

/// What stands behind the hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisKind {
    Single,
    Sentinel { master: String },
    Cluster,
}

impl RedisUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong. Nothing of the URL is repeated: it may hold a password.
    pub fn parse(url: &str) -> Result<Self, String> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "blanks, control characters and letters outside ASCII are written as %20 and the like".to_owned()
            );
        }
        let (scheme, rest) = url.split_once("://").ok_or("a Redis URL has a scheme, as in redis://host:6379")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (login, hosts),
            None => ("", authority),
        };
        let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
        let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (kind, port, database) = match (scheme, path.as_slice()) {
            ("redis" | "rediss", []) => (RedisKind::Single, 6379, "0"),
            ("redis" | "rediss", [database]) => (RedisKind::Single, 6379, *database),
            ("redis-sentinel", [master]) => (RedisKind::Sentinel { master: decode(master)? }, 26379, "0"),
            ("redis-sentinel", [master, database]) => {
                (RedisKind::Sentinel { master: decode(master)? }, 26379, *database)
            }
            ("redis-sentinel", _) => return Err("redis-sentinel:// names the master: …/mymaster".to_owned()),
            ("redis-cluster", [] | ["0"]) => (RedisKind::Cluster, 6379, "0"),
            ("redis-cluster", _) => return Err("a cluster has no databases but 0".to_owned()),
            ("redis" | "rediss", _) => return Err("after the host comes a database's number and no more".to_owned()),
            _ => return Err("the scheme is redis, rediss, redis-sentinel or redis-cluster".to_owned()),
        };
        let mut read = Self {
            hosts: hosts.split(',').map(|host| host_and_port(host, port)).collect::<Result<_, _>>()?,
            user: Some(decode(user)?).filter(|user| !user.is_empty()),
            password: password.map(decode).transpose()?.filter(|password| !password.is_empty()),
            sentinel_user: None,
            sentinel_password: None,
            database: database.parse().ok().filter(|number| *number >= 0).ok_or("the database is no number")?,
            tls: scheme == "rediss",
            ca: None,
            prefix: "weir".to_owned(),
            kind,
        };
        if read.kind == RedisKind::Single && read.hosts.len() > 1 {
            return Err("several hosts are redis-sentinel:// or redis-cluster://".to_owned());
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            read.set(pair)?;
        }
        if read.ca.is_some() && scheme == "redis" {
            return Err("ca is for rediss://".to_owned());
        }
        Ok(read)
    }

    fn set(&mut self, pair: &str) -> Result<(), String> {
        let (name, value) = pair.split_once('=').ok_or("each parameter is name=value")?;
        let value = decode(value)?;
        match name {
            "ca" => {
                self.tls = true;
                self.ca = Some(value);
            }
            "tls" if self.kind != RedisKind::Single && value == "true" => self.tls = true,
            "prefix"
                if !value.is_empty()
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) =>
            {
                self.prefix = value;
            }
            "prefix" => return Err("prefix is made of letters, digits, -, _ and .".to_owned()),
            "sentinel_user" => self.sentinel_user = Some(value),
            "sentinel_password" => self.sentinel_password = Some(value),
            _ => return Err("the parameters are ca, tls=true, prefix, sentinel_user and sentinel_password".to_owned()),
        }
        Ok(())
    }

    /// What must not be told: the passwords.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = [&self.password, &self.sentinel_password].into_iter().flatten();
        secrets.filter(|secret| !secret.is_empty()).cloned().collect()
    }
}

fn host_and_port(text: &str, default: u16) -> Result<(String, u16), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("a host is missing".to_owned());
    }
    let port = port.map_or(Some(default), |port| port.parse().ok()).filter(|port| *port != 0);
    Ok((host.to_owned(), port.ok_or("a port is no number")?))
}

fn decode(text: &str) -> Result<String, String> {
    percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| "not UTF-8 after %".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn parse(url: &str) -> RedisUrl {
        RedisUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn each_form_of_url_is_understood() {
        let single = parse("redis://localhost");
        assert_eq!((&single.kind, &single.hosts[..]), (&RedisKind::Single, &[("localhost".to_owned(), 6379)][..]));
        assert_eq!((single.tls, single.database, single.prefix.as_str()), (false, 0, "weir"));

        let tls = parse("rediss://weir:p%40ss%2Fword@[::1]:6380/3?ca=/etc/ca.pem&prefix=blue");
        assert_eq!(tls.hosts, [("::1".to_owned(), 6380)]);
        assert_eq!((tls.user.as_deref(), tls.password.as_deref()), (Some("weir"), Some("p@ss/word")));
        assert_eq!(
            (tls.tls, tls.database, tls.ca.as_deref(), tls.prefix.as_str()),
            (true, 3, Some("/etc/ca.pem"), "blue")
        );

        let sentinel = parse("redis-sentinel://:pass@a,b:26380/mymaster/2?sentinel_password=other");
        assert_eq!(sentinel.kind, RedisKind::Sentinel { master: "mymaster".to_owned() });
        assert_eq!(sentinel.hosts, [("a".to_owned(), 26379), ("b".to_owned(), 26380)]);
        assert_eq!((sentinel.database, sentinel.password.as_deref()), (2, Some("pass")));
        assert_eq!(sentinel.secrets(), ["pass", "other"]);

        let cluster = parse("redis-cluster://a:7000,b:7001,c:7002?tls=true");
        assert_eq!((cluster.kind, cluster.hosts.len(), cluster.tls), (RedisKind::Cluster, 3, true));
    }

    #[test]
    fn what_is_no_such_url_is_refused_and_not_repeated() {
        for url in [
            "hunter2",
            "redis://:hunter 2@host",
            "http://:hunter2@host",
            "redis://:hunter2@",
            "redis://:hunter2@host:port",
            "redis://:hunter2@host:0",
            "redis://:hunter2@a,b",
            "redis://:hunter2@host/one",
            "redis://:hunter2@host/0/1",
            "redis://:hunter2@host?ca=/ca.pem",
            "redis://:hunter2@host?hunter2=1",
            "redis://:hunter2%ff@host",
            "redis-sentinel://:hunter2@host",
            "redis-cluster://:hunter2@host/1",
            "redis-cluster://:hunter2@host?prefix={hunter2}",
        ] {
            let error = RedisUrl::parse(url).err().unwrap_or_else(|| panic!("{url} is accepted"));
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
