//! The official SDKs as clients: a Python script that asserts what it sees.

use crate::{Gateway, artifacts};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(120);

/// A script of `tests/sdk`, to be run against a gateway.
pub struct Script {
    name: String,
    arguments: Vec<String>,
    key: String,
}

/// The script of that name, with its arguments.
pub fn script(name: &str, arguments: &[&str]) -> Script {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Script { name: name.to_owned(), arguments, key: crate::CLIENT_KEY.to_owned() }
}

impl Script {
    /// Presents this key instead of the usual one.
    pub fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// Runs it; gives what it printed.
    ///
    /// # Panics
    /// If it fails, with what it said.
    pub async fn run(self, gateway: &Gateway) -> String {
        let mut command = Command::new(artifacts::python());
        command
            .arg(artifacts::scripts().join(Path::new(&self.name)))
            .args(&self.arguments)
            // Nothing of the environment may lead the SDK elsewhere.
            .env_clear()
            .env("OPENAI_BASE_URL", gateway.url("/v1"))
            .env("OPENAI_API_KEY", &self.key)
            .env("ANTHROPIC_BASE_URL", gateway.url(""))
            .env("ANTHROPIC_API_KEY", &self.key)
            .env("GOOGLE_GEMINI_BASE_URL", gateway.url(""))
            .env("GEMINI_API_KEY", &self.key)
            .env("WEIR_SIM", gateway.sim.control_url())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output =
            tokio::time::timeout(PATIENCE, command.output()).await.expect("the script ends").expect("it starts");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {:?} failed:\n{stdout}{stderr}", self.name, self.arguments);
        stdout
    }
}
