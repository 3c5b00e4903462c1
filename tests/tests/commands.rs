//! Keys that are made, used and taken back while the gateway runs, and what was used with them.

use serde_json::Value;
use std::time::Duration;

use weir_e2e::{Answer, Command, Finished, Gateway, Setup, alone, chat};

const TENANTS: &str =
    "models:\n  smart: [openai/gpt-5.6]\ntenants:\n  team-a: { models: [smart] }\n  team-b: { models: [smart] }\n";

fn setup() -> Setup {
    Setup::new(TENANTS).sidecar("secret: $SHARED").env("SHARED", "between-the-two")
}

/// Runs `weir` against the gateway's own sidecar.
async fn weir(gateway: &Gateway, arguments: &[&str]) -> Finished {
    let yaml = setup().yaml(&gateway.sim, 1, 2, gateway.sidecar.port());
    Command::new(arguments).config(&yaml).env("SHARED", "between-the-two").run().await
}

async fn status(gateway: &Gateway, key: &str) -> u16 {
    let request = gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(key);
    Answer::of(request.json(&chat("smart", "Hi"))).await.status
}

/// Each worker hears by itself: eight in a row have met them all.
async fn becomes(gateway: &Gateway, key: &str, expected: u16) {
    let heard = async {
        let mut row = 0;
        while row < 8 {
            row = if status(gateway, key).await == expected { row + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("all workers hear of it");
}

#[tokio::test]
async fn a_key_opens_and_closes_without_a_restart_and_what_it_used_is_told() {
    let _alone = alone().await;
    let gateway = setup().start().await;
    let made = weir(&gateway, &["keys", "new", "--tenant", "team-a", "--label", "ci", "--expires", "90d"]).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let key = made.stdout.trim();
    assert!(key.starts_with("weir_") && key.len() == 48 && made.stdout.lines().count() == 1, "{key}");
    becomes(&gateway, key, 200).await;

    let listed = weir(&gateway, &["keys", "list", "--json"]).await;
    let keys: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!((&keys[0]["tenant"], &keys[0]["label"]), (&"team-a".into(), &"ci".into()));
    assert!(!listed.stdout.contains(key) && !gateway.process.stderr().contains(key));

    let id = keys[0]["id"].as_str().expect("an id");
    assert_eq!(weir(&gateway, &["keys", "revoke", id]).await.code, Some(0));
    becomes(&gateway, key, 401).await;

    let told = async {
        loop {
            let usage = weir(&gateway, &["usage", "--days", "1", "--by", "tenant", "--json"]).await;
            let rows: Value = serde_json::from_str(&usage.stdout).expect("JSON");
            if rows[0]["requests"].as_u64().is_some_and(|requests| requests >= 8) {
                return rows;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let rows = tokio::time::timeout(Duration::from_secs(10), told).await.expect("it is counted");
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!(rows[0]["tenant"], "team-a");
    assert!(rows[0]["cost_microusd"].as_u64().is_some_and(|cost| cost > 0), "{rows}");
}

#[tokio::test]
async fn a_tenant_that_is_not_known_gets_no_key() {
    let _alone = alone().await;
    let gateway = setup().start().await;
    let refused = weir(&gateway, &["keys", "new", "--tenant", "team-z"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("team-a, team-b"), "{}", refused.stderr);
}
