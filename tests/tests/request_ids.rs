//! Every request has an id, and a trace goes on through the gateway.

use serde_json::json;
use weir_e2e::{Answer, Setup, TARGETS, chat, with};
use weir_sim::Fault;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_request_id_is_kept_when_given_and_made_when_not() {
    let gateway = Setup::smart().start().await;
    for target in TARGETS {
        for streamed in [false, true] {
            let request = with(chat(&target.address(), "Hi"), json!({ "stream": streamed }));
            let answer = gateway.chat_with("x-request-id", "mine-4711", &request).await;
            assert_eq!(answer.header("x-request-id"), Some("mine-4711"), "{}", target.name);
            let sent = gateway.journal(target.provider).pop().expect("a request");
            assert_eq!(sent.header("x-request-id"), Some("mine-4711"), "{}", target.name);

            let answer = gateway.chat(&request).await;
            let id = answer.header("x-request-id").expect("an id").to_owned();
            assert!(id.len() >= 16, "{id}");
            let sent = gateway.journal(target.provider).pop().expect("a request");
            assert_eq!(sent.header("x-request-id"), Some(id.as_str()), "{}", target.name);
            let again = gateway.chat(&request).await;
            assert_ne!(again.header("x-request-id"), Some(id.as_str()), "two requests, one id");
        }
    }
}

#[tokio::test]
async fn a_refusal_and_a_failure_have_an_id_too() {
    let gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(500)]).await.expect("a fault");
    for (what, model) in [("a refusal", "nothing"), ("a failure", "openai/gpt-5.6")] {
        let answer = gateway.chat_with("x-request-id", "mine-4712", &chat(model, "Hi")).await;
        assert!(answer.status >= 400, "{what}");
        assert_eq!(answer.header("x-request-id"), Some("mine-4712"), "{what}");
        assert!(gateway.chat(&chat(model, "Hi")).await.header("x-request-id").is_some(), "{what}");
    }
    let health = Answer::of(gateway.http.get(gateway.url("/v1/models"))).await;
    assert!(health.header("x-request-id").is_some());
}

#[tokio::test]
async fn a_trace_goes_on_through_every_attempt() {
    let gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(500)]).await.expect("a fault");
    gateway.sim.set_faults(TARGETS[1].provider, [Fault::status(529)]).await.expect("a fault");
    let request = gateway.post().header("traceparent", TRACE).header("x-request-id", "one");
    let request = request.header("tracestate", "a=b,c=d").header("tracestate", "e=f");
    let answer = Answer::of(request.json(&chat("smart", "Hi"))).await;
    assert_eq!(answer.header("x-weir-attempts"), Some("3"), "{}", answer.body);
    let journal = gateway.sim.journal();
    assert_eq!(journal.len(), 3);
    for entry in journal {
        let trace = entry.header("traceparent").unwrap_or_default();
        assert_eq!(trace.split('-').nth(1), TRACE.split('-').nth(1), "{}: another trace: {trace}", entry.provider);
        assert_eq!(entry.header("tracestate"), Some("a=b,c=d,e=f"), "{}", entry.provider);
        assert_eq!(entry.header("x-request-id"), Some("one"), "{}", entry.provider);
    }
}

#[tokio::test]
async fn the_access_log_tells_who_answered_and_no_word_of_the_talk() {
    let mut gateway = Setup::smart().start().await;
    gateway.sim.set_faults(TARGETS[0].provider, [Fault::status(500)]).await.expect("a fault");
    let post = gateway.http.post(gateway.url("/v1/chat/completions?key=sk-in-the-query"));
    let post = post.bearer_auth(weir_e2e::CLIENT_KEY).header("x-request-id", "logged-1");
    let answer = Answer::of(post.json(&chat("smart", "the secret of the pyramids"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let _ = gateway.chat(&with(chat("smart", "x"), json!({ "stream": true }))).await;
    // Envoy writes its access log every now and then, and when it ends.
    gateway.process.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = gateway.process.finish(std::time::Duration::from_secs(15)).await;
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("logged-1"))
        .unwrap_or_else(|| panic!("no line in {}", ended.stdout));
    let line: serde_json::Value = serde_json::from_str(line).expect("one JSON object per line");
    assert_eq!(line["status"], 200, "{line}");
    assert_eq!(line["provider"], "claude", "{line}");
    assert_eq!(line["attempts"], 2, "{line}");
    assert_eq!(line["path"], "/v1/chat/completions", "{line}");
    for secret in ["pyramids", "sk-in-the-query", weir_e2e::CLIENT_KEY, TARGETS[0].key, TARGETS[1].key] {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{secret} is in a log");
    }
}
