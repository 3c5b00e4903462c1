//! The files that a bootstrap names: the module, and the authorities that vouch for providers.

use crate::failure::{Failure, Outcome};
use std::path::{Path, PathBuf};
use weir_core::config::Config;

const MODULE: &str = "wasm32-wasip1/release/weir_filter.wasm";

/// Where distributions keep their bundle of certificate authorities.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Files that the user may name.
#[derive(clap::Args, Default)]
pub(crate) struct Files {
    /// The wasm module [default: `weir_filter.wasm` of the build that this command belongs to].
    #[arg(long, value_name = "PATH", env = "WEIR_FILTER")]
    filter: Option<PathBuf>,
    /// Certificate authorities that are trusted to vouch for providers [default: the system's].
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
}

/// The module, absolute. What was named must only exist when Envoy starts, so a configuration can be rendered for
/// another machine.
pub(crate) fn filter(files: &Files) -> Outcome<PathBuf> {
    if let Some(path) = &files.filter {
        return std::path::absolute(path).map_err(Failure::runtime);
    }
    // `target/release/weir` stands next to `target/wasm32-wasip1`, wherever the target directory is.
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join(MODULE)));
    let below = Path::new("target").join(MODULE);
    beside
        .into_iter()
        .chain([below])
        .find(|path| path.is_file())
        .and_then(|path| std::path::absolute(path).ok())
        .ok_or_else(|| {
            Failure::Runtime("the module weir_filter.wasm is not built; build it with: make wasm".to_owned())
        })
}

/// Envoy's own message for a missing file comes late and names the bootstrap.
pub(crate) fn exists(path: &Path, what: &str) -> Outcome {
    if path.is_file() {
        return Ok(());
    }
    Err(Failure::Runtime(format!("{what} {} does not exist", path.display())))
}

/// The authorities, if a provider needs them.
pub(crate) fn authorities(files: &Files, config: &Config) -> Outcome<Option<PathBuf>> {
    if let Some(path) = &files.ca_file {
        return std::path::absolute(path).map(Some).map_err(Failure::runtime);
    }
    if !config.providers.iter().any(|provider| provider.base_url.tls) {
        return Ok(None);
    }
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let found = named.into_iter().chain(BUNDLES.iter().map(PathBuf::from)).find(|path| path.is_file());
    found.map(Some).ok_or_else(|| {
        Failure::Runtime(
            "no bundle of certificate authorities found; install ca-certificates or name one with --ca-file".to_owned(),
        )
    })
}
