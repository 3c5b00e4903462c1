//! Which targets a request goes to: the model's name, and `x-weir-route`.

use serde_json::json;
use weir_e2e::{Answer, CLAUDE, GEMINI, Gateway, OPENAI, Setup, TARGETS, chat, key_sha256, with};
use weir_sim::Fault;

async fn start() -> Gateway {
    Setup::new(
        "models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]\n  pair: [claude/claude-haiku-5-5, openai/gpt-5.6]\n",
    )
    .start()
    .await
}

#[tokio::test]
async fn a_route_header_decides_who_is_asked_first() {
    let gateway = start().await;
    for (model, route, provider, used) in [
        ("smart", "claude", "claude", "claude-sonnet-5-5"),
        ("smart", "gemini,openai", "gemini", "gemini-3.8-flash"),
        ("smart", " gemini , openai ", "gemini", "gemini-3.8-flash"),
        ("smart", "claude,claude", "claude", "claude-sonnet-5-5"),
        ("smart", "openai/gpt-6-astra", "openai", "gpt-6-astra"),
        ("pair", "openai,claude", "openai", "gpt-5.6"),
        ("pair", "gemini/gemini-3.8-flash,claude", "gemini", "gemini-3.8-flash"),
        ("openai/gpt-5.6", "openai", "openai", "gpt-5.6"),
    ] {
        for streamed in [false, true] {
            let request = with(chat(model, "Hi"), json!({ "stream": streamed }));
            let answer = gateway.chat_with("x-weir-route", route, &request).await;
            assert_eq!(answer.status, 200, "{model} {route}: {}", answer.body);
            assert_eq!(answer.header("x-weir-provider"), Some(provider), "{model} {route}");
            assert_eq!(answer.header("x-weir-model"), Some(used), "{model} {route}");
            assert_eq!(answer.header("x-weir-attempts"), Some("1"), "{model} {route}");
        }
    }
}

#[tokio::test]
async fn a_route_header_is_an_order_of_fallback_and_nobody_else_is_asked() {
    let gateway = start().await;
    gateway.sim.set_faults(weir_sim::Provider::Gemini, [Fault::status(500)]).await.expect("a fault");
    let answer = gateway.chat_with("x-weir-route", "gemini,openai", &chat("smart", "Hi")).await;
    assert_eq!(answer.header("x-weir-provider"), Some("openai"), "{}", answer.body);
    assert_eq!(answer.header("x-weir-attempts"), Some("2"));
    assert!(gateway.journal(CLAUDE.provider).is_empty(), "claude was not named");

    let answer = gateway.chat_with("x-weir-route", "gemini", &chat("smart", "Hi")).await;
    answer.expect_error(502, "the only target fails");
    assert_eq!(gateway.journal(OPENAI.provider).len(), 1, "openai was not named this time");
}

#[tokio::test]
async fn equals_share_by_weight_and_stand_in_for_each_other() {
    let gateway = Setup::new(
        "models:\n  shared: [{ target: openai/gpt-5.6, weight: 3 }, { target: claude/claude-sonnet-5-5, weight: 1 }, gemini/gemini-3.8-flash]\n",
    )
    .start()
    .await;
    let mut first = [0; 3];
    for _ in 0..200 {
        let answer = gateway.chat(&chat("shared", "Hi")).await;
        assert_eq!((answer.status, answer.header("x-weir-attempts")), (200, Some("1")), "{}", answer.body);
        let at =
            TARGETS.iter().position(|target| Some(target.name) == answer.header("x-weir-provider")).expect("a target");
        first[at] += 1;
    }
    // Three in four, with five standard deviations to either side.
    assert!((120..=180).contains(&first[0]) && first[2] == 0, "{first:?}");
    gateway.sim.set_faults(OPENAI.provider, [Fault::status(500)]).await.expect("a fault");
    for _ in 0..20 {
        assert_eq!(gateway.chat(&chat("shared", "Hi")).await.header("x-weir-provider"), Some("claude"));
    }
}

#[tokio::test]
async fn two_tenants_are_answered_by_different_providers_under_one_name() {
    let own = "{ model: smart, targets: [claude/claude-haiku-5-5, gemini/gemini-3.8-flash] }";
    let gateway = Setup::new(&format!(
        "models:\n  smart: [openai/gpt-5.6, claude/claude-sonnet-5-5]\ntenants:\n  \
         team-a: {{ key_sha256: \"{}\", models: [smart] }}\n  team-b: {{ key_sha256: \"{}\", models: [{own}] }}\n",
        key_sha256("key-of-a"),
        key_sha256("key-of-b")
    ))
    .start()
    .await;
    let ask = async |key: &str, route: Option<&str>| {
        let mut request = gateway.http.post(gateway.url("/v1/chat/completions")).bearer_auth(key);
        if let Some(route) = route {
            request = request.header("x-weir-route", route);
        }
        Answer::of(request.json(&chat("smart", "Hi"))).await
    };
    for (key, route, used) in [
        ("key-of-a", None, "gpt-5.6"),
        ("key-of-b", None, "claude-haiku-5-5"),
        ("key-of-a", Some("claude"), "claude-sonnet-5-5"),
        ("key-of-b", Some("gemini,claude"), "gemini-3.8-flash"),
    ] {
        let answer = ask(key, route).await;
        assert_eq!((answer.status, answer.header("x-weir-model")), (200, Some(used)), "{key}: {}", answer.body);
    }
    let asked = gateway.journal(OPENAI.provider).len();
    for provider in [CLAUDE.provider, GEMINI.provider] {
        gateway.sim.set_faults(provider, [Fault::status(500)]).await.expect("a fault");
    }
    ask("key-of-b", None).await.expect_error(502, "both of its own fail");
    assert_eq!(gateway.journal(OPENAI.provider).len(), asked, "the model's own targets are not its fallback");
    assert_eq!(ask("key-of-b", Some("openai")).await.expect_error(400, "not listed")["code"], "unknown_route");
    assert_eq!(ask("key-of-b", Some("openai/gpt-5.6")).await.status, 403);
    assert_eq!(ask("key-of-a", None).await.header("x-weir-model"), Some("gpt-5.6"));
}

#[tokio::test]
async fn an_unknown_name_in_a_route_is_a_400_that_lists_the_known_ones() {
    let gateway = start().await;
    for route in ["clod", "openai,clod", "", ",", "clod/model", "smart", "openai/", "OPENAI", "openai;claude", "../x"] {
        let answer = gateway.chat_with("x-weir-route", route, &chat("smart", "Hi")).await;
        let error = answer.expect_error(400, route);
        assert_eq!(error["code"], "unknown_route", "{route}");
        for known in ["openai", "claude", "gemini"] {
            assert!(answer.message().contains(known), "{route}: {known} is not listed: {}", answer.message());
        }
    }
    // A provider that the model has no target at.
    let answer = gateway.chat_with("x-weir-route", "gemini", &chat("pair", "Hi")).await;
    assert_eq!(answer.expect_error(400, "gemini for pair")["code"], "unknown_route");
    assert!(answer.message().contains("claude/claude-haiku-5-5"), "{}", answer.message());
    assert!(gateway.sim.journal().is_empty(), "nobody was to be asked");
}

#[tokio::test]
async fn an_unknown_model_is_a_404_that_lists_the_known_ones() {
    let gateway = start().await;
    for model in ["smarter", "nobody/gpt-5.6", "openai/", "/gpt-5.6", "openai/../gpt-5.6", "openai/a?key=x", "SMART"] {
        let answer = gateway.chat(&chat(model, "Hi")).await;
        let error = answer.expect_error(404, model);
        assert_eq!(error["code"], "model_not_found", "{model}");
        assert_eq!(error["param"], "model", "{model}");
        for known in ["smart", "pair"] {
            assert!(answer.message().contains(known), "{model}: {}", answer.message());
        }
    }
    assert!(gateway.sim.journal().is_empty(), "nobody was to be asked");
}
