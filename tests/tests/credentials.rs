//! Who may call, what they may use, and what no one else gets to see.

use serde_json::{Value, json};
use weir_e2e::{Answer, Gateway, RawClient, Setup, TARGETS, assert_no_leaks, chat, key_sha256, with};
use weir_sim::Fault;

const ALICE: &str = "key-of-team-a";
const BOB: &str = "key-of-team-b";

async fn start() -> Gateway {
    Setup::new(&format!(
        "models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5]\n  cheap: [gemini/gemini-3.8-flash]\n\
         tenants:\n  team-a: {{ key_sha256: \"{}\", models: [smart] }}\n  team-b: {{ key_sha256: \"{}\" }}\n",
        key_sha256(ALICE),
        key_sha256(BOB)
    ))
    .start()
    .await
}

/// A chat with this header and no other that could carry a key.
async fn ask(gateway: &Gateway, header: Option<(&str, &str)>, request: &Value) -> Answer {
    let mut post = gateway.http.post(gateway.url("/v1/chat/completions")).json(request);
    if let Some((name, value)) = header {
        post = post.header(name, value);
    }
    Answer::of(post).await
}

#[tokio::test]
async fn only_a_known_key_opens_the_gateway() {
    let gateway = start().await;
    let request = chat("smart", "Hi");
    for (header, what) in [
        (None, "no key"),
        (Some(("authorization", "Bearer wrong")), "a wrong key"),
        (Some(("authorization", "Bearer ")), "an empty key"),
        (Some(("authorization", "Basic a2V5LW9mLXRlYW0tYQ==")), "another scheme"),
        (Some(("x-api-key", "wrong")), "a wrong key in x-api-key"),
        (Some(("x-other-key", ALICE)), "a header that carries no keys"),
        (Some(("authorization", "Bearer key-of-team-a2")), "a key and a bit"),
        (Some(("authorization", "Bearer sk-sim-openai")), "the provider's own key"),
    ] {
        let answer = ask(&gateway, header, &request).await;
        let error = answer.expect_error(401, what);
        assert_eq!(error["code"], "invalid_api_key", "{what}");
        assert_eq!(error["type"], "authentication_error", "{what}");
        assert!(!answer.body.contains("wrong"), "{what}: the key is repeated: {}", answer.body);
    }
    assert!(gateway.sim.journal().is_empty(), "a provider was asked for a stranger");

    for (name, value) in [
        ("authorization", format!("Bearer {ALICE}")),
        ("authorization", format!("bearer {ALICE}")),
        ("authorization", format!("Bearer  {ALICE} ")),
        ("x-api-key", ALICE.to_owned()),
        ("x-goog-api-key", ALICE.to_owned()),
        ("api-key", ALICE.to_owned()),
    ] {
        let answer = ask(&gateway, Some((name, &value)), &request).await;
        assert_eq!(answer.status, 200, "{name}: {value:?}: {}", answer.body);
    }
    let query =
        Answer::of(gateway.http.post(gateway.url(&format!("/v1/chat/completions?key={ALICE}"))).json(&request)).await;
    assert_eq!(query.status, 200, "?key=: {}", query.body);
    assert_tenant_keys_stay(&gateway);
}

#[tokio::test]
async fn a_tenant_uses_its_models_and_no_other() {
    let gateway = start().await;
    let alice = format!("Bearer {ALICE}");
    let alice = Some(("authorization", alice.as_str()));
    for model in ["cheap", "gemini/gemini-3.8-flash", "openai/gpt-5.6", "nothing"] {
        let answer = ask(&gateway, alice, &chat(model, "Hi")).await;
        let error = answer.expect_error(403, model);
        assert_eq!(error["type"], "permission_error", "{model}");
    }
    assert!(gateway.sim.journal().is_empty(), "a provider was asked all the same");
    assert_eq!(ask(&gateway, alice, &chat("smart", "Hi")).await.status, 200);

    let bob = format!("Bearer {BOB}");
    for model in ["smart", "cheap", "openai/gpt-6-astra"] {
        assert_eq!(ask(&gateway, Some(("authorization", &bob)), &chat(model, "Hi")).await.status, 200, "{model}");
    }
}

#[tokio::test]
async fn a_route_header_opens_no_model_that_the_tenant_may_not_use() {
    let gateway = start().await;
    for route in ["openai/gpt-6-astra", "gemini/gemini-3.8-flash", "claude,openai/gpt-6-astra"] {
        let request =
            gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(ALICE).header("x-weir-route", route);
        let answer = Answer::of(request.json(&chat("smart", "Hi"))).await;
        assert!(
            matches!(answer.status, 400 | 403),
            "{route}: {} by {:?}",
            answer.status,
            answer.header("x-weir-model")
        );
    }
    assert!(gateway.sim.journal().is_empty(), "a provider was asked");
    let request =
        gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(ALICE).header("x-weir-route", "claude");
    assert_eq!(Answer::of(request.json(&chat("smart", "Hi"))).await.header("x-weir-provider"), Some("claude"));
}

#[tokio::test]
async fn the_list_of_models_needs_a_key_and_health_does_not() {
    let gateway = start().await;
    let models = |key: Option<&'static str>| {
        let request = gateway.http.get(gateway.url("/v1/models"));
        Answer::of(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    };
    models(None).await.expect_error(401, "no key");
    models(Some("wrong")).await.expect_error(401, "a wrong key");
    assert_eq!(models(Some(ALICE)).await.status, 200);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(Answer::of(gateway.http.get(gateway.url(path))).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_key_said_twice_is_refused() {
    let gateway = start().await;
    let body = chat("smart", "Hi").to_string();
    for name in ["authorization", "x-api-key", "x-goog-api-key", "api-key"] {
        for (first, second) in [(ALICE, ALICE), (ALICE, "wrong"), ("wrong", ALICE)] {
            let request = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{name}: {first}\r\n{name}: {second}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = RawClient::exchange(gateway.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{name}: {first}, {second}: {answer}");
            assert!(answer.contains(name) && answer.contains("once"), "{name}: {answer}");
            assert!(!answer.contains(ALICE), "{name}: the key is repeated: {answer}");
        }
    }
    assert!(gateway.sim.journal().is_empty(), "a provider was asked");
}

#[tokio::test]
async fn a_tenants_key_reaches_no_provider_whatever_happens() {
    let gateway = start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(500)]).await.expect("a fault");
    for streamed in [false, true] {
        for name in ["authorization", "x-api-key", "x-goog-api-key", "api-key"] {
            let request = with(chat("smart", "Hi"), json!({ "stream": streamed }));
            let post = gateway.http.post(gateway.url(&format!("/v1/chat/completions?key={ALICE}&x={ALICE}")));
            let answer =
                Answer::of(post.header(name, ALICE).header("cookie", ALICE).header("x-own", ALICE).json(&request))
                    .await;
            assert_eq!(answer.header("x-weir-provider"), Some("claude"), "{name}: {}", answer.body);
        }
    }
    assert_tenant_keys_stay(&gateway);
}

fn assert_tenant_keys_stay(gateway: &Gateway) {
    let journal = gateway.sim.journal();
    assert!(!journal.is_empty(), "nothing was sent, so nothing is proved");
    for entry in journal {
        for key in [ALICE, BOB] {
            assert!(!format!("{entry:?}").contains(key), "{} was shown a tenant's key: {entry:?}", entry.provider);
        }
    }
    assert_no_leaks(gateway, "tenants");
}

#[tokio::test]
async fn nothing_of_a_providers_head_reaches_the_client() {
    let gateway = Setup::smart().start().await;
    let known = [
        "content-type",
        "content-length",
        "date",
        "server",
        "transfer-encoding",
        // Envoy's own: it closes an HTTP/1 connection after a 400 that it writes itself.
        "connection",
        "x-request-id",
        "x-weir-provider",
        "x-weir-model",
        "x-weir-attempts",
        "x-weir-cache",
        "x-weir-cost-usd",
        "x-weir-dropped-params",
        "x-should-retry",
        "retry-after",
        "retry-after-ms",
    ];
    for target in TARGETS {
        for fault in [None, Some(Fault::status(429)), Some(Fault::status(400)), Some(Fault::status(500))] {
            for streamed in [false, true] {
                let what = format!("{} {fault:?} streamed={streamed}", target.name);
                gateway.sim.set_faults(target.provider, fault.clone()).await.expect("a fault");
                let answer = gateway.chat(&with(chat(&target.address(), "Hi"), json!({ "stream": streamed }))).await;
                for (name, value) in &answer.headers {
                    assert!(known.contains(&name.as_str()), "{what}: {name}: {value:?} is not ours");
                }
                assert_eq!(answer.header("server"), Some("weir"), "{what}");
                let id = answer.header("x-request-id").unwrap_or_default();
                assert!(!id.is_empty() && !id.starts_with("req_sim"), "{what}: the provider's id {id:?}");
            }
        }
    }
}
