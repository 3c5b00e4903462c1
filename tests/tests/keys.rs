//! API keys that are in the store only: they come and go on all Envoys, without a restart.

use futures_util::future::join_all;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use weir_e2e::load::{Load, Schedule, Shot};
use weir_e2e::{Answer, CLIENT_KEY, Gateway, Redis, RedisVersion, Setup, chat, key_sha256};
use weir_sim::{Sim, SimConfig};

const FIRST: &str = "the-first-key-of-team-a";
const SECOND: &str = "the-second-key-of-team-a";
const BRIEF: &str = "a-key-that-expires";
const OTHER: &str = "a-key-of-team-b";
/// All workers of all Envoys know of a key by then.
const KNOWN: Duration = Duration::from_secs(3);
/// Requests at each Envoy, each over a connection of its own: all of its workers are asked.
const ALL_WORKERS: usize = 8;

#[tokio::test]
async fn keys_of_the_store_open_and_close_all_envoys_without_a_restart() {
    let redis = Redis::start(RedisVersion::Seven);
    let sim = Arc::new(Sim::start(SimConfig::free_ports()).await.expect("the simulator starts"));
    let setup = Setup::new(&format!(
        "models:\n  smart: [openai/gpt-5.6]\n  cheap: [openai/gpt-6-astra]\nstore: {}\n\
         tenants:\n  team-a: {{ models: [smart] }}\n  team-b: {{ models: [cheap] }}\n",
        redis.url()
    ));
    let fleet = join_all((0..2).map(|_| setup.start_at(&sim))).await;

    until(&fleet, FIRST, 401, "before there is any key").await;
    let stranger = fleet[0].chat(&chat("smart", "Who am I?")).await;
    assert_eq!(stranger.expect_error(401, CLIENT_KEY)["code"], "invalid_api_key");

    add(&fleet[0], FIRST, "team-a", None).await;
    until(&fleet, FIRST, 200, "a new key").await;
    add(&fleet[1], SECOND, "team-a", None).await;
    add(&fleet[1], OTHER, "team-b", None).await;
    until(&fleet, SECOND, 200, "another key of the same tenant").await;
    until(&fleet, OTHER, 403, "another tenant, which may not use this model").await;
    until(&fleet, FIRST, 200, "the first key still").await;

    let expires = now() + 4;
    add(&fleet[0], BRIEF, "team-a", Some(expires)).await;
    until(&fleet, BRIEF, 200, "a key that expires").await;
    tokio::time::sleep(Duration::from_secs(expires.saturating_sub(now()))).await;
    until(&fleet, BRIEF, 401, "a key that has expired").await;

    let revoked = fleet[1].http.delete(keys(&fleet[1], &format!("/{}", id(FIRST)))).send().await.expect("an answer");
    assert_eq!(revoked.status(), 204);
    until(&fleet, FIRST, 401, "a revoked key").await;
    until(&fleet, SECOND, 200, "the other key").await;
    let again = fleet[0].http.delete(keys(&fleet[0], &format!("/{}", id(FIRST)))).send().await.expect("an answer");
    assert_eq!(again.status(), 404, "it is gone");

    let unknown = Answer::of(fleet[0].http.post(keys(&fleet[0], "")).json(&key(FIRST, "team-c", None))).await;
    assert_eq!(unknown.status, 404, "{}", unknown.body);
    assert!(unknown.body.contains("team-c") && unknown.body.contains("team-a, team-b"), "{}", unknown.body);

    let listed = fleet[1].admin("/admin/v1/keys").await;
    let ids: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|key| key["id"].as_str()).collect();
    assert!(ids.contains(&&*id(SECOND)) && !ids.contains(&&*id(FIRST)), "{listed}");
}

fn keys(gateway: &Gateway, path: &str) -> String {
    format!("http://{}/admin/v1/keys{path}", gateway.sidecar)
}

fn key(key: &str, tenant: &str, expires: Option<u64>) -> serde_json::Value {
    let sha256 = key_sha256(key);
    json!({ "id": id(key), "sha256": sha256, "tenant": tenant, "label": "of a test", "created": now(), "expires": expires })
}

fn id(key: &str) -> String {
    key_sha256(key).chars().take(12).collect()
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

async fn add(gateway: &Gateway, name: &str, tenant: &str, expires: Option<u64>) {
    let added = Answer::of(gateway.http.post(keys(gateway, "")).json(&key(name, tenant, expires))).await;
    assert_eq!(added.status, 204, "{name}: {}", added.body);
}

/// Waits until every worker of every Envoy answers so, which must not take longer than [`KNOWN`].
async fn until(fleet: &[Gateway], key: &'static str, status: u16, what: &str) {
    let begun = Instant::now();
    let shot = Shot::new(&chat("smart", "Hi")).key(key);
    loop {
        let asked = fleet.iter().map(|gateway| {
            let shot = shot.clone();
            async move {
                let load = Load::at(gateway.address).connected(ALL_WORKERS).await;
                load.run(Schedule::at_once(ALL_WORKERS), |_| shot.clone()).await
            }
        });
        let reports = join_all(asked).await;
        if reports.iter().all(|report| report.with_status(status).count() == ALL_WORKERS) {
            return;
        }
        let summaries: Vec<String> = reports.iter().map(|report| report.summary()).collect();
        assert!(begun.elapsed() < KNOWN, "{what}: no {status} after {KNOWN:?}: {summaries:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
