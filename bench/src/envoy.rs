//! The two gateways: an Envoy with nothing in it, and one with Weir, each on core 0 with one worker.

use crate::cpu;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use weir_sim::{ANTHROPIC_KEY, OPENAI_KEY, Sim};

pub(crate) struct Envoy {
    child: Child,
    /// Its time counts too.
    sidecar: Option<Child>,
    pub(crate) address: SocketAddr,
    /// Nothing between the client and the provider: the client sends what the provider wants.
    pub(crate) direct: bool,
}

impl Envoy {
    /// A listener, a route, a cluster.
    pub(crate) async fn bare(folder: &Path, sim: &Sim) -> Result<Self> {
        let address = free()?;
        let socket = |address: SocketAddr| json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } });
        let upstream: SocketAddr = sim.openai_url().trim_start_matches("http://").parse()?;
        let unlimited =
            json!([{ "max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000 }]);
        let bootstrap = json!({ "static_resources": {
            "listeners": [{ "address": socket(address), "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "bare",
                    "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
                        { "match": { "prefix": "/" }, "route": { "cluster": "provider", "timeout": "60s" } },
                    ]}]},
                    "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
                },
            }]}]}],
            "clusters": [{
                "name": "provider", "type": "STATIC", "circuit_breakers": { "thresholds": unlimited },
                "load_assignment": { "cluster_name": "provider", "endpoints": [{ "lb_endpoints": [
                    { "endpoint": { "address": socket(upstream) } },
                ]}]},
            }],
        }});
        let path = folder.join("bare.json");
        std::fs::write(&path, bootstrap.to_string())?;
        Self::start(&path, address, true).await
    }

    /// What `weir render` makes of a small file, with its sidecar. `near`: bytes of cached answers that its worker keeps;
    /// `telemetry`: what it tells besides its stats.
    pub(crate) async fn weir(folder: &Path, sim: &Sim, name: &str, near: &str, telemetry: &str) -> Result<Self> {
        let (address, admin, sidecar) = (free()?, free()?, free()?);
        let yaml = folder.join(format!("{name}.yaml"));
        let text = format!(
            "listen: {address}\nadmin: {admin}\nsidecar: {{ listen: {sidecar} }}\n\
             telemetry: {{ {telemetry} }}\ncache: {{ worker_bytes: {near} }}\n\
             providers:\n  openai: {{ kind: openai, base_url: {}, api_key: $OPENAI_API_KEY }}\n  \
             claude: {{ kind: anthropic, base_url: {}, api_key: $ANTHROPIC_API_KEY }}\n\
             models:\n  relayed: [openai/gpt-5.6, claude/claude-sonnet-4-6]\n  \
             translated: [claude/claude-sonnet-4-6, openai/gpt-5.6]\n  \
             cached: {{ targets: [openai/gpt-5.6, claude/claude-sonnet-4-6], cache: {{ exact: {{ ttl: 1h }} }} }}\n",
            sim.openai_url(),
            sim.anthropic_url(),
        );
        std::fs::write(&yaml, text)?;
        let bootstrap = folder.join(format!("{name}-envoy.yaml"));
        let weir = artifact("WEIR_BIN", "target/release/weir")?;
        let rendered = Command::new(&weir)
            .arg("render")
            .args([Path::new("--config"), &yaml, Path::new("--out"), &bootstrap])
            .status()
            .with_context(|| format!("running {}", weir.display()))?;
        ensure!(rendered.success(), "`weir render` failed");
        let log = std::fs::File::create(yaml.with_extension("log"))?;
        let serve = Command::new(&weir)
            .args([Path::new("serve"), Path::new("--config"), &yaml])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("starting `weir serve`")?;
        let mut envoy = Self::start(&bootstrap, address, false).await?;
        envoy.sidecar = Some(serve);
        Ok(envoy)
    }

    async fn start(bootstrap: &Path, address: SocketAddr, direct: bool) -> Result<Self> {
        let envoy = match std::env::var_os("ENVOY") {
            Some(path) => PathBuf::from(path),
            None => virtualenv().context("no Envoy: run `make envoy`, or name one in ENVOY")?,
        };
        let log = std::fs::File::create(bootstrap.with_extension("log"))?;
        // A child inherits the affinity of the thread that starts it.
        cpu::pin(0)?;
        let child = Command::new(&envoy)
            .arg("-c")
            .arg(bootstrap)
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"])
            .envs([("OPENAI_API_KEY", OPENAI_KEY), ("ANTHROPIC_API_KEY", ANTHROPIC_KEY)])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        cpu::pin(1)?;
        let child = child.with_context(|| format!("{}", envoy.display()))?;
        let mut started = Self { child, sidecar: None, address, direct };
        for _ in 0..300 {
            if let Some(status) = started.child.try_wait()? {
                let log = std::fs::read_to_string(bootstrap.with_extension("log")).unwrap_or_default();
                anyhow::bail!("Envoy ended with {status}:\n{log}");
            }
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(started);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("Envoy did not listen on {address} within 30 s")
    }

    /// The time that this Envoy and its sidecar have run for.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let sidecar = self.sidecar.as_ref().map_or(Ok(Duration::ZERO), |sidecar| cpu::spent(sidecar.id()))?;
        Ok(cpu::spent(self.child.id())? + sidecar)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        for child in [Some(&mut self.child), self.sidecar.as_mut()].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn artifact(variable: &str, default: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| root().join(default), PathBuf::from);
    ensure!(path.exists(), "{} is missing: run `make build`", path.display());
    Ok(path)
}

/// The Envoy that `make envoy` installs.
fn virtualenv() -> Option<PathBuf> {
    let versions = std::fs::read_dir(root().join(".venv/lib")).ok()?;
    versions.flatten().map(|version| version.path().join("site-packages/envoy/_bin/envoy")).find(|path| path.exists())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}
