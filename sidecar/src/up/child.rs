//! Envoy as a child process: started with nothing but what it needs, stopped for certain.

use crate::envoy::Envoy;
use crate::failure::{Failure, Outcome};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// After SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// Lines of Envoy's log that a failure shows.
const SHOWN: usize = 20;

/// A running Envoy. Dropping it kills it.
pub(super) struct Child {
    process: tokio::process::Child,
    /// None: its log goes to stderr.
    log: Option<PathBuf>,
}

impl Child {
    pub(super) fn start(
        envoy: &Envoy,
        bootstrap: &Path,
        log: Option<PathBuf>,
        concurrency: Option<u32>,
        environment: &BTreeMap<String, OsString>,
    ) -> Outcome<Self> {
        let mut command = command(envoy)?;
        command.arg("--config-path").arg(bootstrap);
        command.args(["--disable-hot-restart", "--drain-time-s", "1", "--parent-shutdown-time-s", "2"]);
        command.args(["--log-level", if log.is_some() { "warn" } else { "info" }]);
        if let Some(log) = &log {
            command.arg("--log-path").arg(log);
        }
        if let Some(concurrency) = concurrency {
            command.args(["--concurrency", &concurrency.to_string()]);
        }
        let process = command
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            // A Ctrl-C in the terminal is for `up`, which then stops Envoy.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::Runtime(format!("cannot start {}: {error}", envoy.path.display())))?;
        Ok(Self { process, log })
    }

    /// Ready when Envoy has ended by itself, with what its log says about that.
    pub(super) async fn ended(&mut self) -> Failure {
        let reason = match self.process.wait().await {
            Ok(status) => format!("Envoy ended: {}", describe(status)),
            Err(error) => format!("Envoy cannot be waited for: {error}"),
        };
        self.failure(&reason)
    }

    /// `reason`, and the end of Envoy's log.
    pub(super) fn failure(&self, reason: &str) -> Failure {
        let log = self.log.as_ref().and_then(|log| std::fs::read(log).ok()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default();
        if last.is_empty() {
            return Failure::Runtime(reason.to_owned());
        }
        Failure::Runtime(format!("{reason}\nthe end of Envoy's log:\n  {}", last.join("\n  ")))
    }

    /// SIGTERM, a grace, SIGKILL.
    pub(super) async fn stop(&mut self) {
        let Some(pid) = self.process.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        if tokio::time::timeout(GRACE, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

/// Through `weir exec-envoy` where the kernel can end a child with its parent.
#[cfg(target_os = "linux")]
fn command(envoy: &Envoy) -> Outcome<Command> {
    // This very program, even if a build has replaced the file since.
    let mut command = Command::new("/proc/self/exe");
    command.args(["exec-envoy", "--parent", &std::process::id().to_string(), "--"]).arg(&envoy.path);
    Ok(command)
}

#[cfg(not(target_os = "linux"))]
fn command(envoy: &Envoy) -> Outcome<Command> {
    Ok(Command::new(&envoy.path))
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string())
        }
        (None, None) => status.to_string(),
    }
}
