//! A real Prometheus scrapes the gateway under load: every query of the dashboards, the rules and the documentation gives
//! data, and the numbers are those that the simulator and the clients counted.

use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use weir_e2e::load::{Load, Report, Sample, Schedule, Shot};
use weir_e2e::with;
use weir_e2e::{
    CLAUDE, GEMINI, Gateway, OPENAI, Prometheus, Setup, TARGETS, chat, dashboards, key_sha256, root, stream,
};
use weir_sim::{Fault, Reply};

const A: &str = "key-of-team-a";
const B: &str = "key-of-team-b";
const C: &str = "key-of-team-c";
/// Tokens of one answer of each provider, in and out, and its cost in micro-dollars, from dollars per million: rounded once.
const ANSWERS: [(&str, u64, u64, u64); 3] = [
    ("openai", 101, 41, 101 * 4 + 41 * 20),
    ("claude", 211, 31, 211 * 2 + 31 * 10),
    // 103 x 0.75 + 51 x 3.75 = 268.5
    ("gemini", 103, 51, 269),
];
/// Upper bounds of what Weir measures in milliseconds, as `sidecar/src/render/admin.rs` has them.
const BUCKETS: [f64; 20] =
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 350.0, 500.0, 750.0, 1e3, 2e3, 5e3, 1e4, 2e4, 6e4, 12e4, 3e5, 6e5];
const LOAD: usize = 600;

/// What can become of a request, each a model with a provider's fault of its own.
fn setup() -> Setup {
    let tenant = |key: &str, rest: &str| format!("{{ key_sha256: \"{}\"{rest} }}", key_sha256(key));
    Setup::new(&format!(
        "models:\n  \
         smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]\n  \
         kept: {{ targets: [openai/gpt-5.6], cache: {{ exact: {{ ttl: 1h }} }} }}\n  \
         falls: [openai/broken, claude/claude-sonnet-5-5]\n  \
         slow: [openai/slow]\n  slower: [openai/slower]\n  broken: [openai/broken]\n  busy: [openai/busy]\n  \
         silent: {{ targets: [openai/silent], answer_timeout: 300ms }}\n  \
         fragile: [gemini/fragile]\n\
         tenants:\n  team-a: {}\n  team-b: {}\n  team-c: {}\n\
         waiting_room: {{ max_wait: 2s }}\n",
        tenant(A, ", budget: { usd: 50, per: day }"),
        tenant(B, ", limits: { requests_per_minute: 600, burst: 2 }"),
        tenant(C, ", limits: { requests_per_minute: 1 }"),
    ))
}

async fn start() -> Gateway {
    let gateway = setup().start().await;
    let delay = |millis| Fault::delay(Duration::from_millis(millis));
    let faults = [
        Fault::status(500).for_model("broken"),
        Fault::status(429).for_model("busy"),
        Fault::hang().for_model("silent"),
        delay(425).for_model("slow"),
        delay(1_500).for_model("slower"),
    ];
    gateway.sim.set_faults(OPENAI.provider, faults).await.expect("faults");
    let cut = Fault::cut_after(3).for_model("fragile");
    gateway.sim.set_faults(GEMINI.provider, [cut]).await.expect("a fault");
    for (target, (_, prompt, completion, _)) in TARGETS.into_iter().zip(ANSWERS) {
        let reply = Reply { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Reply::words(12) };
        gateway.sim.set_reply(target.provider, reply).expect("a reply");
    }
    gateway
}

/// The model, how the request ends, and the request, of each number of the load. 8 of 100 are slow and 3 slower: that is what
/// its P95 and P99 are.
fn shot(number: usize) -> (&'static str, &'static str, Shot) {
    let ask = |model: &'static str| with(chat(model, "Hello"), json!({ "user": number.to_string() }));
    let (model, outcome, request) = match number % 100 {
        0..8 => ("slow", "ok", ask("slow")),
        8..11 => ("slower", "ok", ask("slower")),
        11 => ("broken", "upstream_5xx", ask("broken")),
        12 => ("busy", "upstream_429", ask("busy")),
        13 => ("silent", "timeout", ask("silent")),
        14 => ("fragile", "cut", stream("fragile", "Tell me more")),
        15 => ("smart", "client_error", json!({ "model": "smart", "messages": "none" })),
        16..21 => ("falls", "ok", ask("falls")),
        21..31 => ("kept", "ok", chat("kept", "What is kept?")),
        31..61 => ("smart", "ok", stream("smart", "Hello")),
        _ => ("smart", "ok", ask("smart")),
    };
    let shot = Shot::new(&request).key(A).tag(outcome);
    let route = [OPENAI.name, CLAUDE.name, GEMINI.name][number % 3];
    (model, outcome, if model == "smart" { shot.header("x-weir-route", route) } else { shot })
}

/// Requests that ended as they were meant to, by model and outcome.
type Ends = BTreeMap<(&'static str, &'static str), u64>;

/// The load, and beside it tenants at their limits.
async fn run(gateway: &Gateway) -> (Report, Ends) {
    let load = Load::at(gateway.address);
    // The first is kept before the others come.
    let mut samples = vec![load.one(Shot::new(&chat("kept", "What is kept?")).key(A).tag("ok")).await];
    let mut ends = Ends::from([(("kept", "ok"), 1)]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let main = load.run(Schedule::rate(60, Duration::from_secs(LOAD as u64 / 60)), |number| shot(number).2);
    let waits = Shot::new(&chat("smart", "Wait")).key(B).header("x-weir-route", "openai").tag("ok");
    let waiting = load.run(Schedule::at_once(14), |_| waits.clone());
    let refused = Shot::new(&chat("smart", "Never")).key(C).header("x-weir-route", "openai");
    let over = async {
        let first = load.one(refused.clone().tag("ok")).await;
        (first, load.run(Schedule::at_once(7), |_| refused.clone().tag("limited")).await)
    };
    let (main, waiting, (first, refused)) = tokio::join!(main, waiting, over);
    for number in 0..LOAD {
        let (model, outcome, _) = shot(number);
        // What is no conversation is refused before it is known for which model.
        let model = if outcome == "client_error" { "-" } else { model };
        *ends.entry((model, outcome)).or_default() += 1;
    }
    *ends.entry(("smart", "ok")).or_default() += 15;
    ends.insert(("smart", "limited"), 7);
    let took = main.took;
    samples.extend([main.samples, waiting.samples, vec![first], refused.samples].into_iter().flatten());
    let all = Report { samples, took };
    for (outcome, status) in [
        ("ok", 200),
        ("upstream_5xx", 502),
        ("upstream_429", 429),
        ("timeout", 504),
        ("client_error", 400),
        ("limited", 429),
    ] {
        let right = |sample: &&Sample| sample.status == status && sample.complete;
        let tagged = all.tagged(outcome);
        let wrong: Vec<&Sample> = tagged.samples.iter().filter(|sample| !right(sample)).collect();
        assert!(wrong.is_empty(), "{outcome}: {}: {:?}", tagged.summary(), wrong.first());
    }
    (all, ends)
}

#[tokio::test]
async fn every_query_gives_data_and_the_numbers_are_the_simulators() {
    let gateway = start().await;
    let prometheus = gateway.prometheus().await;
    let (report, ends) = run(&gateway).await;
    gateway.at_rest().await;
    // Envoy merges histograms every five seconds.
    let all = |stats: &weir_e2e::Stats| {
        stats.value("weir_request_duration_ms_count", &[]) == report.samples.len() as f64
            && stats.find("weir_budget_percent", &[]).is_some()
    };
    gateway.stats_until("all requests are in the histograms", Duration::from_secs(15), all).await;
    let at = prometheus.scraped().await;

    every_query_gives_data(&prometheus, at).await;
    every_rule_is_evaluated_and_has_its_series(&prometheus, at).await;
    requests_are_those_of_the_clients(&prometheus, &ends, at).await;
    attempts_are_those_of_the_simulator(&gateway, &prometheus, at).await;
    tokens_and_cost_are_those_of_the_simulator(&gateway, &prometheus, at).await;
    quantiles_are_those_of_the_clients(&prometheus, &report, at).await;
    the_rest_is_there(&prometheus, at).await;
}

/// Those of all panels, their variables, and the table of the documentation.
async fn every_query_gives_data(prometheus: &Prometheus, at: f64) {
    let mut queries = Vec::new();
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let title = format!("{}, {}", dashboard.name, panel.title);
            queries.extend(panel.queries().into_iter().map(|query| (title.clone(), query)));
        }
        for variable in dashboard.variables() {
            let query = variable["query"].as_str().expect("a query");
            let inner = query.strip_prefix("label_values(").and_then(|query| query.strip_suffix(')'));
            let (metric, label) = inner.and_then(|inner| inner.split_once(", ")).expect("label_values(metric, label)");
            queries.push((
                format!("{}, ${label}", dashboard.name),
                format!("count by ({label}) ({metric}{{{label}!=\"\"}})"),
            ));
        }
    }
    let page = std::fs::read_to_string(root().join("docs/monitoring.md")).expect("the page");
    let table = page.split("| need | query |").nth(1).expect("the table");
    for row in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells = row.replace("\\|", "\u{1}");
        let found =
            cells.split('`').skip(1).step_by(2).map(|query| query.replace('\u{1}', "|").replace("[5m]", "[$__range]"));
        queries.extend(found.map(|query| (format!("docs: {row}"), query)));
    }
    assert!(queries.len() > 100, "{} queries", queries.len());
    for (title, query) in queries {
        let found = prometheus.query(&query, at).await;
        assert!(found.iter().any(|series| !series.value.is_nan()), "{title}: {query}: no data: {found:?}");
    }
}

async fn every_rule_is_evaluated_and_has_its_series(prometheus: &Prometheus, at: f64) {
    let groups = prometheus.get("rules").await;
    let mut count = 0;
    for rule in
        groups["groups"].as_array().expect("groups").iter().flat_map(|group| group["rules"].as_array().expect("rules"))
    {
        count += 1;
        assert_eq!(rule["health"], "ok", "{rule}");
        let query = rule["query"].as_str().expect("a query");
        prometheus.query(query, at).await;
        for metric in metrics(query) {
            let series = prometheus.query(&format!("count({metric})"), at).await;
            assert!(series.iter().any(|series| series.value > 0.0), "{}: there is no {metric}", rule["name"]);
        }
    }
    assert_eq!(count, 18, "rules");
    let ratio = prometheus.query("model:weir_requests_served:ratio_rate5m{model=\"broken\"}", at).await;
    assert_eq!(ratio.first().map(|series| series.value), Some(0.0), "nobody is served");
}

/// The metrics that a query names: what stands before a selector or a range, or by itself.
fn metrics(query: &str) -> Vec<&str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let is_metric = |word: &&str| {
        ["weir_", "envoy_"].iter().any(|prefix| word.starts_with(prefix)) || word.contains(":weir_") || *word == "up"
    };
    let found: Vec<&str> = words.filter(is_metric).collect();
    assert!(!found.is_empty(), "{query} names no metric");
    found
}

/// The queries of a panel.
fn panel(dashboard: &str, title: &str) -> Vec<String> {
    let dashboard = dashboards().into_iter().find(|found| found.name == dashboard).expect("the dashboard");
    let panel = dashboard.panels().into_iter().find(|panel| panel.title == title);
    panel.unwrap_or_else(|| panic!("{} has no {title}", dashboard.name)).queries()
}

/// Fails unless they are the same but for the rounding of floats: to less than a millionth of one.
fn assert_same(found: f64, expected: u64, what: &str) {
    let expected = expected as f64;
    assert!((found - expected).abs() < 1e-6 * expected.max(1.0), "{what}: {found} instead of {expected}");
}

async fn requests_are_those_of_the_clients(prometheus: &Prometheus, ends: &Ends, at: f64) {
    for ((model, outcome), count) in ends {
        let query = format!("sum(increase(weir_requests{{model=\"{model}\", outcome=\"{outcome}\"}}[$__range]))");
        assert_same(prometheus.sum(&query, at).await, *count, &query);
    }
    let of = |outcomes: &[&str]| -> u64 {
        ends.iter().filter(|((_, outcome), _)| outcomes.contains(outcome)).map(|(_, count)| count).sum()
    };
    let all: u64 = ends.values().sum();
    let total = prometheus.total(&panel("overview", "Requests")[0], at).await;
    assert_same(total, all, "overview, Requests");
    let [limited, server, timeout, cut] = panel("overview", "What users are refused").try_into().expect("four queries");
    for (query, outcomes) in [
        (limited, &["limited", "upstream_429"][..]),
        (server, &["upstream_5xx"]),
        (timeout, &["timeout"]),
        (cut, &["cut"]),
    ] {
        assert_same(prometheus.total(&query, at).await, of(outcomes), &query);
    }
    let served = of(&["ok"]) as f64 / (all - of(&["client_error", "aborted"])) as f64;
    let found = prometheus.sum(&panel("overview", "Served")[0], at).await;
    assert!((found - served).abs() < 1e-9, "served: {found} instead of {served}");
    // Of the eleven that were looked up each hundred one was first.
    let hits = ends[&("kept", "ok")] - 1;
    assert_same(prometheus.sum(&panel("cache", "Answers from the cache")[0], at).await, hits, "hits");
    let ratio = prometheus.sum(&panel("cache", "Hit ratio")[0], at).await;
    assert!((ratio - hits as f64 / (hits + 1) as f64).abs() < 1e-9, "hit ratio {ratio}");
}

async fn attempts_are_those_of_the_simulator(gateway: &Gateway, prometheus: &Prometheus, at: f64) {
    let stats = gateway.sim.stats();
    let by_provider = [("openai", &stats.openai), ("claude", &stats.anthropic), ("gemini", &stats.gemini)];
    let attempts = prometheus.query(&panel("providers", "Attempts")[0], at).await;
    let results = prometheus.query(&panel("providers", "Failures")[0], at).await;
    let total = |found: &[weir_e2e::Series], provider: &str, result: &str| -> f64 {
        let of = |series: &&weir_e2e::Series| series.label("provider") == provider && series.label("result") == result;
        found.iter().filter(of).map(|series| series.value * Prometheus::RANGE.as_secs_f64()).sum()
    };
    for (provider, counted) in by_provider {
        assert_same(total(&attempts, provider, ""), counted.requests, &format!("attempts at {provider}"));
        for (result, status) in [("rate_limited", 429), ("server_error", 500)] {
            let count = counted.by_status.get(&status).copied().unwrap_or(0);
            assert_same(total(&results, provider, result), count, &format!("{provider} {status}"));
        }
    }
    let fell = prometheus.query(&panel("providers", "Fallbacks")[0], at).await;
    let fell = fell.iter().find(|series| series.label("from") == "openai" && series.label("to") == "claude");
    let fell = fell.expect("a fallback").value * Prometheus::RANGE.as_secs_f64();
    assert_same(fell, 5 * LOAD as u64 / 100, "fallbacks");
}

async fn tokens_and_cost_are_those_of_the_simulator(gateway: &Gateway, prometheus: &Prometheus, at: f64) {
    let stats = gateway.sim.stats();
    let mut dollars = 0;
    for ((provider, prompt, completion, cost), counted) in
        ANSWERS.into_iter().zip([&stats.openai, &stats.anthropic, &stats.gemini])
    {
        // Those that were cut cost an estimate, and the simulator counts them as answered.
        let model = if provider == "gemini" { ", model!=\"fragile\"" } else { "" };
        let cut = if provider == "gemini" { LOAD as u64 / 100 } else { 0 };
        let tokens = |kind: &str| {
            format!("sum(increase(weir_tokens{{provider=\"{provider}\"{model}, kind=\"{kind}\"}}[$__range]))")
        };
        let answers = counted.tokens_in / prompt - cut;
        assert_eq!(counted.tokens_in % prompt, 0, "{provider}");
        assert_same(prometheus.sum(&tokens("input"), at).await, answers * prompt, provider);
        assert_same(prometheus.sum(&tokens("output"), at).await, answers * completion, provider);
        // The tables know no price for `slow` and `slower`.
        let free = if provider == "openai" { 11 * LOAD as u64 / 100 } else { 0 };
        let query = format!("sum(increase(weir_cost_microusd{{provider=\"{provider}\"{model}}}[$__range]))");
        assert_same(prometheus.sum(&query, at).await, (answers - free) * cost, &query);
        dollars += (answers - free) * cost;
    }
    let fragile = prometheus.sum("sum(increase(weir_cost_microusd{model=\"fragile\"}[$__range]))", at).await;
    assert_same(fragile, 0, "no price is known of it");
    let shown = prometheus.sum(&panel("overview", "Cost")[0], at).await;
    assert_same(shown * 1e6, dollars, "overview, Cost, in micro-dollars");
    let by_tenant = prometheus.query(&panel("tenants", "Cost by tenant and model")[0], at).await;
    assert_same(by_tenant.iter().map(|series| series.value).sum::<f64>() * 1e6, dollars, "by tenant and model");
    let unpriced = prometheus.sum(&panel("tenants", "Answers without a price")[0], at).await;
    assert_same(unpriced, 12 * LOAD as u64 / 100, "answers without a price");
}

async fn quantiles_are_those_of_the_clients(prometheus: &Prometheus, report: &Report, at: f64) {
    let mut times: Vec<f64> =
        report.samples.iter().map(|sample| (sample.total - sample.lag).as_secs_f64() * 1e3).collect();
    times.sort_unstable_by(f64::total_cmp);
    let [_, p95, p99] = panel("overview", "Duration").try_into().expect("three quantiles");
    for (query, part) in [(p95, 0.95), (p99, 0.99)] {
        let rank = (part * times.len() as f64).ceil() as usize;
        let (heard, shown) = (times[rank - 1], prometheus.sum(&query, at).await);
        let bucket = |millis: f64| BUCKETS.iter().position(|bound| millis <= *bound).unwrap_or(BUCKETS.len());
        assert!(
            bucket(heard).abs_diff(bucket(shown)) <= 1,
            "{part}: clients heard {heard} ms, the panel shows {shown} ms"
        );
    }
    let counts =
        ["weir_request_duration_ms", "weir_wait_ms", "weir_first_token_ms", "weir_overhead_us", "weir_event_us"];
    let counts = join_all(counts.map(|name| async move {
        (name, prometheus.sum(&format!("sum(increase({name}_count[$__range]))"), at).await)
    }));
    for (name, count) in counts.await {
        assert!(count >= 1.0, "{name}: {count}");
    }
    let waits = prometheus.sum(&panel("waiting-room", "P95 wait")[0], at).await;
    // The last of fourteen at ten a second, two at once.
    assert!((900.0..=2_000.0).contains(&waits), "{waits} ms");
}

async fn the_rest_is_there(prometheus: &Prometheus, at: f64) {
    let overhead = prometheus.sum(&panel("overview", "Overhead of Weir")[0], at).await;
    assert!(overhead > 0.0 && overhead < 50_000.0, "half of the requests take {overhead} µs");
    let budget = prometheus.query(&panel("tenants", "Budgets")[0], at).await;
    assert_eq!(budget.iter().map(|series| series.label("tenant")).collect::<Vec<_>>(), ["team-a"]);
    let memory = prometheus.sum(&panel("health", "Largest VM")[0], at).await;
    assert!(memory > 1e6 && memory < 1.1e9, "{memory}");
    let limited = prometheus.query(&panel("waiting-room", "Limits that were met")[0], at).await;
    let tenants = limited.iter().find(|series| series.label("scope") == "tenant_requests").expect("a scope").value;
    assert!(tenants * Prometheus::RANGE.as_secs_f64() > 7.0, "{tenants}");
}
