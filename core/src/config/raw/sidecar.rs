//! The sidecar and the caches as they were written.

use super::{env_var, whole};
use crate::config::problem::{At, Findings};
use crate::config::read::{Cursor, quote};
use crate::config::{EnvVar, Listen, Millis, OnOutage};

#[derive(Debug, Default)]
pub(in crate::config) struct Sidecar {
    pub(in crate::config) listen: Option<At<Listen>>,
    pub(in crate::config) on_outage: Option<At<OnOutage>>,
    pub(in crate::config) call_deadline: Option<At<Millis>>,
    pub(in crate::config) secret: Option<At<EnvVar>>,
    /// A secret was written, if perhaps not one that can be used.
    pub(in crate::config) has_secret: bool,
    pub(in crate::config) envoys: Option<Vec<At<String>>>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct CacheSizes {
    pub(in crate::config) worker_bytes: Option<At<u64>>,
    pub(in crate::config) store_bytes: Option<At<u64>>,
    pub(in crate::config) max_entry_bytes: Option<At<u64>>,
}

pub(super) fn sidecar(cursor: Cursor<'_>, found: &mut Findings) -> Option<Sidecar> {
    const CHOICES: &[(&str, OnOutage)] =
        &[("open", OnOutage::Open), ("closed", OnOutage::Closed), ("local", OnOutage::Local)];
    whole(cursor, "a map with listen, on_outage, call_deadline, secret and envoys", found, |map, f| Sidecar {
        listen: map.get("listen", f, listen),
        on_outage: map.get("on_outage", f, |c, f| c.choice("behaviour", CHOICES, f)),
        call_deadline: map.get("call_deadline", f, |c, f| c.duration(f)),
        has_secret: map.has("secret"),
        secret: map.get("secret", f, |c, f| env_var(c, "WEIR_SIDECAR_SECRET", "secret", f)),
        envoys: map.get("envoys", f, envoys),
    })
}

pub(super) fn cache(cursor: Cursor<'_>, found: &mut Findings) -> Option<CacheSizes> {
    whole(cursor, "a map with worker_bytes, store_bytes and max_entry_bytes", found, |map, f| CacheSizes {
        worker_bytes: map.get("worker_bytes", f, |c, f| c.size(f)),
        store_bytes: map.get("store_bytes", f, |c, f| c.size(f)),
        max_entry_bytes: map.get("max_entry_bytes", f, |c, f| c.size(f)),
    })
}

/// Without those that are none.
fn envoys(cursor: Cursor<'_>, found: &mut Findings) -> Option<Vec<At<String>>> {
    let items = cursor.list("a list of Envoys' admin addresses such as [127.0.0.1:9901]", found)?;
    if items.is_empty() {
        found.problem(&cursor.place(), "holds no Envoy; leave the key out to mean the one at admin");
    }
    let address =
        |(path, node): &(String, &_)| Cursor::new(node, path).text("an address such as 127.0.0.1:9901", found);
    Some(items.iter().filter_map(address).collect())
}

fn listen(cursor: Cursor<'_>, found: &mut Findings) -> Option<At<Listen>> {
    let Some(path) = cursor.node.text().and_then(|text| text.strip_prefix("unix:")) else {
        let other =
            "an IP address with a port, such as 127.0.0.1:10001, or a socket, such as unix:/run/weir/sidecar.sock";
        let At { value, place } = cursor.address_or(other, found)?;
        return Some(At { value: Listen::Tcp(value), place });
    };
    let is_path = path.starts_with('/') && !path.ends_with('/') && !path.chars().any(char::is_control);
    if !is_path {
        let message = format!("{} is no absolute path to a socket, such as /run/weir/sidecar.sock", quote(path));
        found.problem(&cursor.place(), message);
        return None;
    }
    if path.len() > Listen::LONGEST_PATH {
        let most = Listen::LONGEST_PATH;
        found.problem(&cursor.place(), format!("is too long; the path of a Unix socket has at most {most} bytes"));
        return None;
    }
    Some(cursor.at(Listen::Unix(path.to_owned())))
}
