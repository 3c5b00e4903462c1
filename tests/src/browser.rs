//! A headless Chromium that looks at a gateway's status page.

use crate::{Gateway, artifacts};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(180);

impl Gateway {
    /// Does with the page what `tests/ui/status.mjs` has under this name; gives what it found. It fails on whatever goes
    /// wrong in the page. With `WEIR_SCREENSHOTS`, a folder, it leaves pictures there.
    ///
    /// # Panics
    /// If anything is wrong, with all that is.
    pub async fn browser(&self, what: &str, secret: Option<&str>) -> Value {
        let home = TempDir::new().expect("a folder");
        let mut command = Command::new(artifacts::node());
        command
            .arg(artifacts::browser_script())
            .args([what, &format!("http://{}", self.sidecar)])
            .args(secret)
            .env_clear()
            .env("CHROMIUM", artifacts::chromium())
            .env("HOME", home.path())
            .envs(std::env::var_os("WEIR_SCREENSHOTS").map(|folder| ("WEIR_SCREENSHOTS", folder)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output =
            tokio::time::timeout(PATIENCE, command.output()).await.expect("the browser ends").expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no JSON: {error}: {stderr}"))
    }
}
