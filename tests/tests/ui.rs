//! The status page in a headless Chromium, while the gateway has much to do: it says what Envoy counts, everybody can use
//! it, and it asks nobody but the sidecar.

use serde_json::json;
use std::path::Path;
use std::time::Duration;
use weir_e2e::load::{Load, Schedule, Shot};
use weir_e2e::{
    CLAUDE, Command, GEMINI, Gateway, OPENAI, Setup, Stats, TARGETS, alone, chat, key_sha256, stream, with,
};
use weir_sim::{Fault, Reply};

const A: &str = "key-of-team-a";
const B: &str = "key-of-team-b";
const SECRET: &str = "between-the-two";
/// Requests per second, and for how long at most.
const RATE: u32 = 30;
const LONGEST: Duration = Duration::from_secs(170);

/// One provider says now and then that it has too much to do, one of its models is broken, another is slow.
fn setup() -> Setup {
    let targets = TARGETS.map(|target| target.address()).join(", ");
    Setup::new(&format!(
        "models:\n  smart: [{targets}]\n  \
         kept: {{ targets: [openai/gpt-5.6], cache: {{ exact: {{ ttl: 1h }} }} }}\n  \
         falls: [gemini/broken, claude/claude-sonnet-5-5]\n  \
         silent: {{ targets: [openai/silent], answer_timeout: 300ms }}\n\
         tenants:\n  team-a: {{ key_sha256: \"{}\", budget: {{ usd: 6, per: day }} }}\n  \
         team-b: {{ key_sha256: \"{}\", limits: {{ requests_per_minute: 60, burst: 2 }} }}\n\
         waiting_room: {{ max_wait: 2s }}\n",
        key_sha256(A),
        key_sha256(B),
    ))
    .breaker("{ consecutive_failures: 5, max_cooldown: 20s }")
}

async fn start(setup: Setup) -> Gateway {
    let gateway = setup.start().await;
    let busy = Fault { retry_after: Some(6), probability: Some(0.02), ..Fault::status(429).for_model("gpt-5.6") };
    gateway.sim.set_faults(OPENAI.provider, [Fault::hang().for_model("silent"), busy]).await.expect("faults");
    let slow =
        Fault { first_event_delay_ms: Some(250), event_delay_ms: Some(20), probability: Some(0.3), ..Fault::default() };
    gateway.sim.set_faults(CLAUDE.provider, [slow]).await.expect("a fault");
    gateway.sim.set_faults(GEMINI.provider, [Fault::status(503).for_model("broken")]).await.expect("a fault");
    for (target, tokens) in TARGETS.into_iter().zip([410, 1_210, 640]) {
        let reply = Reply { prompt_tokens: Some(tokens), completion_tokens: Some(180), ..Reply::words(12) };
        gateway.sim.set_reply(target.provider, reply).expect("a reply");
    }
    gateway
}

fn shot(number: usize) -> Shot {
    let ask = |model: &str| with(chat(model, "Hello"), json!({ "user": number.to_string() }));
    let request = match number % 30 {
        0 => ask("silent"),
        1 => json!({ "model": "smart", "messages": "none" }),
        2 | 3 => ask("falls"),
        4..12 => chat("kept", "What is kept?"),
        12..20 => ask("smart"),
        _ => stream("smart", "Hello"),
    };
    let shot = Shot::new(&request).key(if number.is_multiple_of(15) { B } else { A });
    if request["model"] == "smart" { shot.header("x-weir-route", ROUTES[number % ROUTES.len()]) } else { shot }
}

const ROUTES: [&str; 4] = ["openai,claude", "openai,claude,gemini", "claude,openai", "gemini,claude"];

/// Load until `work` is done.
async fn meanwhile<T>(gateway: &Gateway, work: impl Future<Output = T>) -> T {
    let load = Load::at(gateway.address);
    let loading = load.run(Schedule::rate(RATE, LONGEST), shot);
    tokio::select! {
        done = work => done,
        _ = loading => panic!("it takes longer than {LONGEST:?}"),
    }
}

/// All that it has begun is counted: Envoy merges histograms every five seconds.
async fn settled(gateway: &Gateway) -> Stats {
    gateway.at_rest().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    gateway.stats().await
}

#[tokio::test]
async fn the_page_is_well_under_load_and_says_what_envoy_counted() {
    let _alone = alone().await;
    let gateway = start(setup()).await;
    meanwhile(&gateway, async {
        gateway.browser("look", None).await;
        picture_of_top(&gateway).await;
    })
    .await;
    let stats = settled(&gateway).await;
    let shown = gateway.browser("read", None).await;
    let shown = shown.as_object().expect("numbers");
    let mut compared = 0;
    for (key, number) in shown {
        if let Some(expected) = counted(key, &stats) {
            let value = number["value"].as_f64().unwrap_or_else(|| panic!("{key} has no value: {number}"));
            // Percentages may be rounded at the last place.
            assert!((value - expected).abs() < 1e-9, "{key}: {value} instead of {expected}");
            compared += 1;
        } else if let Some((lower, upper)) = within(key, &stats) {
            let value = number["value"].as_f64().unwrap_or_else(|| panic!("{key} has no value: {number}"));
            assert!((lower..=upper).contains(&value), "{key}: {value} is not in {lower}..{upper}");
            compared += 1;
        }
    }
    assert!(compared >= 70, "{compared} of {} numbers: {:?}", shown.len(), shown.keys());
    for key in
        ["requests.total", "outcome.timeout.total", "own.total", "cache.hit", "limited.tenant_requests", "cost.total"]
    {
        assert!(shown.get(key).and_then(|number| number["value"].as_f64()) > Some(0.0), "{key}: {:?}", shown.get(key));
    }
    let total = shown["requests.total"]["value"].as_u64().expect("a number");
    let text = shown["requests.total"]["text"].as_str().map(|text| text.replace(',', ""));
    assert_eq!(text, Some(format!("{total} in all")));

    let reached = gateway.browser("keys", None).await;
    assert!(reached.as_array().is_some_and(|reached| reached.len() >= 3), "{reached}");
    gateway.browser("away", None).await;
    top_says_the_same(&gateway, total, &stats).await;
}

/// `weir top`, once.
async fn top_says_the_same(gateway: &Gateway, total: u64, stats: &Stats) {
    let url = format!("http://{}", gateway.sidecar);
    let top = Command::new(&["top", "--once", "--since-start", "--url", &url]).run().await;
    assert_eq!(top.code, Some(0), "{}", top.stderr);
    let text = top.stdout.replace(',', "");
    let misses = stats.value("weir_cache", &[("result", "miss")]);
    for part in [format!("since start {total}"), format!("misses {misses}"), "gemini → claude".to_owned()] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&text).contains(&part), "{part}: {text}");
    }
    let tokens = stats.value("weir_tokens", &[("kind", "input")]);
    assert!(text.contains(&tokens.to_string()), "{tokens}: {text}");
}

/// With `WEIR_SCREENSHOTS`, a folder: while a provider is left alone.
async fn picture_of_top(gateway: &Gateway) {
    let Some(folder) = std::env::var_os("WEIR_SCREENSHOTS") else { return };
    let url = format!("http://{}", gateway.sidecar);
    for _ in 0..30 {
        let top = Command::new(&["top", "--once", "--url", &url]).run().await;
        std::fs::write(Path::new(&folder).join("top.txt"), &top.stdout).expect("a file");
        if top.stdout.contains("cooldown") {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_page_with_a_secret_asks_for_it_and_keeps_it_to_itself() {
    let _alone = alone().await;
    let gateway = start(setup().sidecar("secret: $SHARED").env("SHARED", SECRET)).await;
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.status, 401, "no tenant");
    let shot = Shot::new(&chat("smart", "Hi")).key(A);
    assert!(Load::at(gateway.address).one(shot).await.served());
    gateway.browser("unlock", Some(SECRET)).await;

    let yaml = setup().sidecar("secret: $SHARED").yaml(&gateway.sim, 1, 2, gateway.sidecar.port());
    let top = |secret: &str| Command::new(&["top", "--since-start"]).config(&yaml).env("SHARED", secret).run();
    let (right, wrong) = (top(SECRET).await, top("another").await);
    assert!(right.code == Some(0) && right.stdout.contains("100 % served"), "{right:?}");
    assert!(wrong.code == Some(1) && wrong.stderr.contains("another secret than $SHARED"), "{wrong:?}");
}

/// What Envoy has counted of what stands under a key of the page; None: it is no counter.
fn counted(key: &str, stats: &Stats) -> Option<f64> {
    let sum = |name: &str, labels: &[(&str, &str)]| stats.find(name, labels).unwrap_or(0.0);
    let requests = |outcome: &str| sum("weir_requests", &[("outcome", outcome)]);
    let (head, rest) = key.split_once('.')?;
    Some(match (head, rest) {
        ("requests", "total") => sum("weir_requests", &[]),
        ("own", "total") => requests("client_error") + requests("aborted"),
        ("outcome", rest) => requests(rest.strip_suffix(".total")?),
        ("served", "percent") => {
            let failed = sum("weir_requests", &[]) - requests("ok") - requests("client_error") - requests("aborted");
            100.0 * requests("ok") / (requests("ok") + failed)
        }
        ("provider", rest) => {
            let (provider, rest) = rest.split_once('.')?;
            match rest.split_once('.') {
                None if rest == "in_flight" => sum("weir_inflight", &[("provider", provider)]),
                Some(("result", result)) => sum("weir_attempts", &[("provider", provider), ("result", result)]),
                Some(("tokens", kind)) => sum("weir_tokens", &[("provider", provider), ("kind", kind)]),
                _ => return None,
            }
        }
        ("model", rest) => sum("weir_requests", &[("model", rest.strip_suffix(".requests")?)]),
        ("limited", scope) => sum("weir_limited", &[("scope", scope)]),
        ("tokens", kind) => sum("weir_tokens", &[("kind", kind)]),
        ("cache", result @ ("hit" | "coalesced" | "miss" | "bypass")) => sum("weir_cache", &[("result", result)]),
        ("cache", "bytes") => sum("weir_cache_bytes", &[]),
        ("cost", "total") => sum("weir_cost_microusd", &[]),
        ("cost", "unpriced") => sum("weir_unpriced", &[]),
        ("cost", rest) => {
            let (target, tenant) = rest.strip_suffix(".total")?.rsplit_once('.')?;
            let (provider, model) = target.split_once('/')?;
            sum("weir_cost_microusd", &[("provider", provider), ("model", model), ("tenant", tenant)])
        }
        ("waiting", "now") => sum("weir_waiting", &[]),
        ("budget", tenant) => sum("weir_budget_percent", &[("tenant", tenant)]),
        _ => return None,
    })
}

/// The bucket that a percentile under a key of the page is in; None: it is none, or has no value.
fn within(key: &str, stats: &Stats) -> Option<(f64, f64)> {
    let (rest, part) = key.rsplit_once(".p")?;
    let part = part.parse::<f64>().ok()? / 100.0;
    let buckets =
        if let Some(provider) = rest.strip_prefix("provider.").and_then(|rest| rest.strip_suffix(".first_token")) {
            stats.buckets("weir_first_token_ms", &[("provider", provider)])
        } else if let Some(model) = rest.strip_prefix("model.").and_then(|rest| rest.strip_suffix(".duration")) {
            stats.buckets("weir_request_duration_ms", &[("model", model)])
        } else if rest == "waiting" {
            stats.buckets("weir_wait_ms", &[])
        } else {
            return None;
        };
    let all = buckets.last()?.2;
    let (lower, upper, _) = buckets.into_iter().find(|(_, _, count)| all > 0.0 && *count >= part * all)?;
    Some((lower, upper))
}
