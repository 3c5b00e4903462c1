//! The command line: what it says, what it exits with, and what it leaves behind.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::net::TcpListener;
use std::time::Duration;
use weir_e2e::{Answer, CLIENT_KEY, Command, Finished, Gateway, Setup, TARGETS, chat, envoy, eventually, free_port};
use weir_sim::Fault;

const SOON: Duration = Duration::from_secs(15);

/// A right configuration on free ports, with providers that nobody listens for.
fn yaml() -> String {
    format!(
        "listen: 127.0.0.1:{}\nadmin: 127.0.0.1:{}\nsidecar: {{ listen: 127.0.0.1:{} }}\n\
         providers:\n  openai: {{ kind: openai, api_key: $OPENAI_API_KEY, base_url: \"http://127.0.0.1:9\" }}\n  \
         claude: {{ kind: anthropic, api_key: $ANTHROPIC_API_KEY }}\n  \
         gemini: {{ kind: gemini, api_key: $GEMINI_API_KEY }}\n\
         models:\n  smart: {{ targets: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash], retries: {{ per_target: 1 }} }}\n\
         tenants:\n  team-a: {{ key_sha256: {} }}\n",
        free_port(),
        free_port(),
        free_port(),
        "ab".repeat(32)
    )
}

fn with_keys(mut command: Command) -> Command {
    for target in TARGETS {
        command = command.env(target.variable, target.key);
    }
    command
}

#[tokio::test]
async fn check_tells_every_error_with_path_and_line_and_exits_2() {
    let bad = "\
listen: here
providers:
  openai: { kind: opnai, api_key: sk-not-a-name }
  claude: { kind: anthropic, api_key: $ANTHROPIC_API_KEY, base_url: ftp://x }
models:
  smart: [opennai/gpt-5.6, claude]
  fast: { targets: [claude/x], deadline: soon, retires: { per_target: 1 } }
colour: blue
";
    let done = Command::new(&["check"]).config(bad).run().await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert_eq!(done.stdout, "", "an error is no output");
    for (line, path) in [
        (1, "listen"),
        (3, "providers.openai.kind"),
        (3, "providers.openai.api_key"),
        (4, "providers.claude.base_url"),
        (6, "models.smart.0"),
        (6, "models.smart.1"),
        (7, "models.fast.deadline"),
        (7, "models.fast.retires"),
        (8, "colour"),
    ] {
        let start = format!("weir.yaml:{line}:");
        let told = done.stderr.lines().any(|told| told.starts_with(&start) && told.contains(&format!(" {path}: ")));
        assert!(told, "{path} of line {line} is not told:\n{}", done.stderr);
    }
    assert_eq!(done.stderr.lines().count(), 9, "one line for each error:\n{}", done.stderr);
    assert!(!done.stderr.contains("sk-not-a-name"), "a key is repeated:\n{}", done.stderr);
}

#[tokio::test]
async fn check_is_content_with_a_right_file_and_clear_about_a_missing_one() {
    let done = Command::new(&["check"]).config(&yaml()).run().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("ok"), "{done:?}");
    let done = Command::new(&["check"]).run().await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("weir.yaml") && done.stderr.contains("no such file"), "{done:?}");
    let done = Command::new(&["chekc"]).run().await;
    assert_eq!(done.code, Some(2), "{done:?}");
}

#[tokio::test]
async fn every_command_refuses_a_bad_file_like_check() {
    let bad = "providers:\n  a: { kind: openai }\nmodels: { m: [b/x] }\n";
    let check = Command::new(&["check"]).config(bad).run().await;
    for command in [&["up"][..], &["serve"], &["explain"], &["render"]] {
        let done = Command::new(command).config(bad).run().await;
        assert_eq!((done.code, &done.stderr), (Some(2), &check.stderr), "{command:?}");
    }
}

#[tokio::test]
async fn what_render_writes_envoy_accepts_and_no_secret_is_in_it() {
    let command = with_keys(Command::new(&["render", "--target", "envoy", "--out", "envoy.yaml"]).config(&yaml()));
    let file = command.path("envoy.yaml");
    let mut render = command.start();
    let done = render.finish(SOON).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let text = std::fs::read_to_string(&file).expect("envoy.yaml");
    for target in TARGETS {
        assert!(!text.contains(target.key), "the key of {} is in it", target.name);
        assert!(text.contains(target.variable), "{} is not named", target.variable);
    }
    let mut validate = tokio::process::Command::new(envoy());
    validate.args(["--mode", "validate", "--log-level", "warn", "-c"]).arg(&file).env_clear();
    for target in TARGETS {
        validate.env(target.variable, target.key);
    }
    let validated = validate.output().await.expect("envoy runs");
    let log = String::from_utf8_lossy(&validated.stderr);
    assert!(validated.status.success(), "{log}");
    assert!(!log.to_lowercase().contains("deprecated"), "{log}");

    // Without `--out` the same goes to standard output.
    let done = with_keys(Command::new(&["render"]).config(&yaml())).run().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("static_resources:"), "{done:?}");
}

#[tokio::test]
async fn explain_says_what_a_request_would_do() {
    let done = Command::new(&["explain", "--model", "smart"]).config(&yaml()).run().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let at = |name: &str| done.stdout.find(name).unwrap_or_else(|| panic!("{name} is not named: {}", done.stdout));
    assert!(at("openai/gpt-5.6") < at("claude/claude-sonnet-5-5") && at("claude/") < at("gemini/gemini-3.8-flash"));
    let done = Command::new(&["explain", "--model", "nothing"]).config(&yaml()).run().await;
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.stderr.contains("smart"), "{done:?}");
}

#[tokio::test]
async fn a_missing_key_is_named_before_anything_starts() {
    let done =
        Command::new(&["up"]).config(&yaml()).env("ANTHROPIC_API_KEY", "x").env("GEMINI_API_KEY", "").run().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    for name in ["OPENAI_API_KEY", "GEMINI_API_KEY"] {
        assert!(done.stderr.contains(name), "{name} is not named: {done:?}");
    }
    assert!(!done.stderr.contains("ANTHROPIC_API_KEY"), "{done:?}");
    assert!(!done.stdout.contains("ready"), "{done:?}");
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_name() {
    for key in ["listen", "admin", "sidecar"] {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let config = match key {
            "sidecar" => yaml()
                .lines()
                .map(|line| {
                    if line.starts_with("sidecar") {
                        format!("sidecar: {{ listen: 127.0.0.1:{port} }}\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect(),
            _ => yaml()
                .lines()
                .map(|line| {
                    if line.starts_with(&format!("{key}:")) {
                        format!("{key}: 127.0.0.1:{port}\n")
                    } else {
                        format!("{line}\n")
                    }
                })
                .collect::<String>(),
        };
        let done = with_keys(Command::new(&["up"]).config(&config)).run().await;
        assert_eq!(done.code, Some(1), "{key}: {done:?}");
        assert!(done.stderr.contains(&port.to_string()) && done.stderr.contains(key), "{key}: {done:?}");
    }
}

#[tokio::test]
async fn what_up_needs_and_does_not_find_is_told_with_the_command_that_brings_it() {
    let done = with_keys(Command::new(&["up"]).config(&yaml())).env("ENVOY", "/nowhere/envoy").run().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("/nowhere/envoy"), "{done:?}");
    let done = with_keys(Command::new(&["up"]).config(&yaml())).env("ENVOY", "/bin/true").run().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("make envoy"), "{done:?}");
    let done = with_keys(Command::new(&["up"]).config(&yaml())).env("WEIR_FILTER", "/nowhere/weir.wasm").run().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("/nowhere/weir.wasm"), "{done:?}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_told_and_not_shown() {
    let command = with_keys(Command::new(&["up"]).config(&yaml())).env("OPENAI_API_KEY", "sk-with a space");
    let done = command.run().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("OPENAI_API_KEY"), "{done:?}");
    assert!(!done.stderr.contains("with a space") && !done.stdout.contains("with a space"), "{done:?}");
}

/// Whether a process runs.
fn runs(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// The Envoy of a gateway.
fn envoy_of(gateway: &Gateway) -> Pid {
    let children = gateway.process.children();
    let is_envoy =
        |pid: &Pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.contains("envoy"));
    children.into_iter().find(is_envoy).expect("an Envoy")
}

#[tokio::test]
async fn stopping_up_stops_everything() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut gateway = Setup::smart().start().await;
        let envoy = envoy_of(&gateway);
        gateway.process.signal(signal);
        let done = gateway.process.finish(SOON).await;
        assert_eq!(done.code, Some(0), "{signal}: {done:?}");
        assert!(!runs(envoy), "{signal}: Envoy still runs");
        for address in [gateway.address, gateway.admin, gateway.sidecar] {
            assert!(TcpListener::bind(address).is_ok(), "{signal}: {address} is still taken");
        }
    }
}

#[tokio::test]
async fn stopping_up_does_not_wait_for_a_stream_without_end() {
    let mut gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::hang_after(3)]).await.expect("a fault");
    let mut live = gateway.live(&weir_e2e::stream("smart", "Hi")).await;
    live.first_text().await;
    gateway.process.signal(Signal::SIGINT);
    assert_eq!(gateway.process.finish(SOON).await.code, Some(0));
}

#[tokio::test]
async fn a_killed_up_leaves_no_orphan() {
    let mut gateway = Setup::smart().start().await;
    let envoy = envoy_of(&gateway);
    gateway.process.signal(Signal::SIGKILL);
    gateway.process.finish(SOON).await;
    eventually("Envoy ends with the command that started it", SOON, || (!runs(envoy)).then_some(())).await;
}

#[tokio::test]
async fn the_end_of_envoy_is_the_end_of_up() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut gateway = Setup::smart().start().await;
        let _ = kill(envoy_of(&gateway), signal);
        let done = gateway.process.finish(SOON).await;
        assert_eq!(done.code, Some(1), "{signal}: {done:?}");
        assert!(done.stderr.contains("Envoy ended"), "{signal}: {done:?}");
        assert!(TcpListener::bind(gateway.sidecar).is_ok(), "{signal}: the sidecar still listens");
    }
}

#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let mut gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(401)]).await.expect("a fault");
    let prompt = "the secret of the pyramids";
    assert_eq!(gateway.chat(&chat("smart", prompt)).await.status, 200);
    assert_eq!(gateway.stream(&weir_e2e::stream("smart", prompt)).await.status, 200);
    gateway.chat(&chat("openai/gpt-5.6", prompt)).await.expect_error(502, "a failure");
    let mut shown = Vec::new();
    for path in ["/config_dump?include_eds", "/stats", "/clusters", "/server_info", "/listeners"] {
        let answer = Answer::of(gateway.http.get(format!("http://{}{path}", gateway.admin))).await;
        assert_eq!(answer.status, 200, "{path}");
        shown.push((path, answer.body));
    }
    assert!(
        shown[0].1.contains("OPENAI_API_KEY"),
        "the dump does not show the filter's configuration, so nothing is proved"
    );
    for path in ["/metrics", "/healthz", "/readyz"] {
        shown.push((path, Answer::of(gateway.http.get(format!("http://{}{path}", gateway.sidecar))).await.body));
    }
    let command = std::fs::read(format!("/proc/{}/cmdline", envoy_of(&gateway))).unwrap_or_default();
    shown.push(("Envoy's command line", String::from_utf8_lossy(&command).into_owned()));
    gateway.process.signal(Signal::SIGTERM);
    let Finished { stdout, stderr, .. } = gateway.process.finish(SOON).await;
    shown.extend([("standard output", stdout), ("standard error", stderr)]);
    for (place, text) in shown {
        for secret in TARGETS.map(|target| target.key).into_iter().chain([CLIENT_KEY, prompt, "Hello from"]) {
            assert!(!text.contains(secret), "{secret} is shown in {place}");
        }
    }
}

#[tokio::test]
async fn envoy_gets_no_variable_that_it_does_not_need() {
    let gateway = Setup::smart().env("AWS_SECRET_ACCESS_KEY", "not-for-envoy").start().await;
    let environment = std::fs::read(format!("/proc/{}/environ", envoy_of(&gateway))).expect("its environment");
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("OPENAI_API_KEY="), "this is not its environment: {environment}");
    assert!(!environment.contains("not-for-envoy"), "{environment}");
}

#[tokio::test]
async fn the_sidecar_tells_that_it_lives() {
    let gateway = Setup::smart().start().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = Answer::of(gateway.http.get(format!("http://{}{path}", gateway.sidecar))).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

/// Weir's own ports, which this one test needs: everything else takes free ones.
const DEFAULT_PORTS: [u16; 7] = [10_000, 9_901, 10_001, 10_010, 10_011, 10_012, 10_013];

#[tokio::test]
async fn without_a_file_and_without_keys_the_simulator_answers() {
    let taken: Vec<u16> =
        DEFAULT_PORTS.into_iter().filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_err()).collect();
    assert!(taken.is_empty(), "this test runs `weir up` on its default ports, of which {taken:?} are taken");
    let mut up = Command::new(&["up", "--concurrency", "1"]).start();
    up.line("ready", Duration::from_secs(60)).await;
    let said = up.stdout();
    assert!(said.starts_with("ready  http://127.0.0.1:10000\n"), "{said}");
    assert!(said.contains("simulator"), "it does not say that the answers are simulated: {said}");

    // What it tells the user to type works as it stands.
    for (number, line) in curls(&said).into_iter().enumerate() {
        let done = tokio::process::Command::new("sh").args(["-c", &line]).output().await.expect("a shell");
        let answer = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success() && answer.contains("Hello"), "{line}: {answer}");
        assert_eq!(answer.contains("data: [DONE]"), number == 1, "{line}: {answer}");
    }
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for target in TARGETS {
        let request = http.post("http://127.0.0.1:10000/v1/chat/completions").json(&chat(&target.address(), "Hi"));
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("x-weir-provider"), Some(target.name), "{}", answer.body);
    }
    let journal = Answer::of(http.get("http://127.0.0.1:10010/journal")).await;
    assert_eq!(
        serde_json::from_str::<Value>(&journal.body).ok().and_then(|list| Some(list.as_array()?.len())),
        Some(5)
    );
    up.signal(Signal::SIGINT);
    assert_eq!(up.finish(SOON).await.code, Some(0));
}

/// The commands that start with `curl`, continuation lines included.
fn curls(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| line.starts_with("curl")).map(str::to_owned).collect()
}
