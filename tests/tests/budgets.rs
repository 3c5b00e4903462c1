//! What a tenant may spend in a day, over two gateways: to the micro-dollar, in all places that tell it.

use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use weir_e2e::{Answer, Gateway, Redis, RedisVersion, Setup, chat, key_sha256};
use weir_sim::{Provider, Reply, Sim, SimConfig};

const KEY: &str = "key-of-team-a";
/// Tokens of one answer, in and out, and the micro-dollars that they cost at 4 and 20 dollars per million.
const TOKENS: (u64, u64) = (101, 41);
const COST: u64 = 101 * 4 + 41 * 20;
/// So many answers spend the budget.
const ANSWERS: u64 = 20;
/// All workers of all Envoys know by then what was spent.
const KNOWN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_budget_is_served_warned_of_and_refused_and_all_books_say_the_same() {
    let redis = Redis::start(RedisVersion::Seven);
    let sim = Arc::new(Sim::start(SimConfig::free_ports()).await.expect("the simulator starts"));
    let usage = Reply { prompt_tokens: Some(TOKENS.0), completion_tokens: Some(TOKENS.1), ..Reply::text("Yes.") };
    sim.set_reply(Provider::OpenAi, usage).expect("a reply");
    let dollars = (ANSWERS * COST) as f64 / 1e6;
    let setup = Setup::new(&format!(
        "models:\n  smart: [openai/gpt-5.6]\n  \
         kept: {{ targets: [openai/gpt-5.6], cache: {{ exact: {{ ttl: 1h }} }} }}\nstore: {}\n\
         tenants:\n  team-a: {{ key_sha256: \"{}\", budget: {{ usd: {dollars}, per: day }} }}\n",
        redis.url(),
        key_sha256(KEY)
    ))
    .sidecar("call_deadline: 200ms");
    let fleet = join_all((0..2).map(|_| setup.start_at(&sim))).await;
    not_at_midnight().await;
    let mut headers = 0;

    // What is cached costs nothing, at either gateway.
    headers += served(&fleet[0], "kept", "miss").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for gateway in &fleet {
        assert_eq!(served(gateway, "kept", "hit").await, 0);
    }
    for number in 1..ANSWERS * 3 / 4 {
        headers += served(&fleet[number as usize % 2], "smart", "").await;
    }
    assert_eq!(headers, COST * ANSWERS * 3 / 4);
    all_say(&fleet, "weir_budget_percent", 75.0).await;
    all_say(&fleet, "weir_budget_warning", 0.0).await;

    headers += served(&fleet[0], "smart", "").await;
    all_say(&fleet, "weir_budget_percent", 80.0).await;
    all_say(&fleet, "weir_budget_warning", 1.0).await;

    for number in 0..ANSWERS / 5 {
        headers += served(&fleet[number as usize % 2], "smart", "").await;
    }
    all_say(&fleet, "weir_budget_percent", 100.0).await;
    let begun = Instant::now();
    for gateway in &fleet {
        // What is said of all workers was heard by one: the others hear of it within the second.
        let mut refused = 0;
        while refused < 6 {
            let answer = ask(gateway, "smart").await;
            if answer.status == 200 {
                (headers, refused) = (headers + cost(&answer), 0);
                assert!(begun.elapsed() < KNOWN, "still served");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let error = answer.expect_error(429, "the budget is spent");
            assert_eq!((&error["type"], &error["code"]), (&"insufficient_quota".into(), &"insufficient_quota".into()));
            assert_eq!(answer.header("x-should-retry"), Some("false"));
            let again = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            assert!(again.is_some_and(|seconds| (1..=86_400).contains(&seconds)), "{answer:?}");
            refused += 1;
        }
    }
    let most = COST * (ANSWERS + 8);
    assert!((COST * ANSWERS..=most).contains(&headers), "{headers}");
    all_books_say(&fleet, headers).await;
}

async fn ask(gateway: &Gateway, model: &str) -> Answer {
    // A connection of its own, so that any worker may be asked.
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = client.post(gateway.url("/v1/chat/completions")).bearer_auth(KEY);
    Answer::of(post.json(&chat(model, "What does it cost?"))).await
}

/// Micro-dollars that the answer says it cost.
fn cost(answer: &Answer) -> u64 {
    let dollars: f64 = answer.header("x-weir-cost-usd").and_then(|cost| cost.parse().ok()).expect("a cost");
    (dollars * 1e6).round() as u64
}

async fn served(gateway: &Gateway, model: &str, cache: &str) -> u64 {
    let answer = ask(gateway, model).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-weir-cache").unwrap_or_default(), cache);
    cost(&answer)
}

async fn all_say(fleet: &[Gateway], stat: &str, value: f64) {
    for gateway in fleet {
        let says = |stats: &weir_e2e::Stats| stats.value(stat, &[("tenant", "team-a")]) == value;
        gateway.stats_until(&format!("{stat} is {value}"), KNOWN, says).await;
    }
}

/// Headers, Envoys and the store.
async fn all_books_say(fleet: &[Gateway], microusd: u64) {
    let of_envoys = join_all(fleet.iter().map(Gateway::stats)).await;
    let of_envoys: f64 =
        of_envoys.iter().filter_map(|stats| stats.find("weir_cost_microusd", &[("tenant", "team-a")])).sum();
    assert_eq!(of_envoys, microusd as f64);
    let calls = fleet[0].journal(Provider::OpenAi).len() as u64;
    assert_eq!(calls * COST, microusd);

    let begun = Instant::now();
    let rows = loop {
        let usage = fleet[1].admin(&usage_of_today()).await;
        let rows = usage.as_array().expect("a list").clone();
        let sum = |field: &str| rows.iter().filter_map(|row| row[field].as_u64()).sum::<u64>();
        if sum("cost_microusd") == microusd && sum("cache_hits") == 2 {
            break rows;
        }
        assert!(begun.elapsed() < KNOWN, "{microusd} is not in {rows:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(rows.iter().all(|row| row["tenant"] == "team-a"), "{rows:?}");
    let sum = |field: &str| rows.iter().filter_map(|row| row[field].as_u64()).sum::<u64>();
    assert_eq!((sum("input_tokens"), sum("output_tokens")), (calls * TOKENS.0, calls * TOKENS.1), "{rows:?}");
    assert_eq!(sum("unpriced"), 0);
}

/// At midnight (UTC) a budget begins anew.
async fn not_at_midnight() {
    let left = 86_400 - SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() % 86_400;
    if left < 30 {
        tokio::time::sleep(Duration::from_secs(left + 1)).await;
    }
}

/// Yesterday and tomorrow are asked for too: the test may run at midnight.
fn usage_of_today() -> String {
    let now = jiff::Timestamp::now();
    let day = |at: Result<jiff::Timestamp, jiff::Error>| {
        jiff::tz::Offset::UTC.to_datetime(at.expect("a day")).date().to_string()
    };
    let a_day = jiff::SignedDuration::from_hours(24);
    format!("/admin/v1/usage?from={}&to={}", day(now.checked_sub(a_day)), day(now.checked_add(a_day)))
}
