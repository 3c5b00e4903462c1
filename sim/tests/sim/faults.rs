//! Every fault, seen by a real TCP client.

use std::time::{Duration, Instant};

use crate::common::{Rig, hello};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use weir_sim::{Fault, OPENAI_KEY, Outcome, Provider};

/// Sends a streamed chat to OpenAI over a plain socket.
async fn raw(rig: &Rig) -> TcpStream {
    let mut body = hello(Provider::OpenAi);
    body["stream"] = json!(true);
    let body = body.to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer {OPENAI_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(rig.sim.addr(Provider::OpenAi)).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream
}

/// Everything up to the end or the reset of the connection.
async fn drain(stream: &mut TcpStream) -> (String, std::io::Result<()>) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => return (String::from_utf8(received).unwrap(), Ok(())),
            Ok(bytes) => received.extend_from_slice(&chunk[..bytes]),
            Err(error) => return (String::from_utf8(received).unwrap(), Err(error)),
        }
    }
}

#[tokio::test]
async fn a_status_fault_answers_in_the_providers_shape() {
    let rig = Rig::start().await;
    let cases = [
        (Provider::OpenAi, Fault::status(429), json!({"type": "requests", "code": "rate_limit_exceeded"}), Some("1")),
        (
            Provider::OpenAi,
            Fault { code: Some("credit_balance_exhausted".into()), ..Fault::status(429) },
            json!({"type": "insufficient_quota", "code": "credit_balance_exhausted"}),
            None,
        ),
        (Provider::OpenAi, Fault::status(500), json!({"type": "server_error", "code": null}), None),
        (Provider::OpenAi, Fault::status(503), json!({"type": "server_error", "code": "server_is_overloaded"}), None),
        (
            Provider::OpenAi,
            Fault { message: Some("m".into()), error_type: Some("t".into()), ..Fault::status(418) },
            json!({"message": "m", "type": "t", "param": null, "code": null}),
            None,
        ),
        (Provider::Anthropic, Fault::status(429), json!({"type": "rate_limit_error", "details": null}), Some("1")),
        (
            Provider::Anthropic,
            Fault { retry_after: Some(30), ..Fault::status(429) },
            json!({"type": "rate_limit_error"}),
            Some("30"),
        ),
        (
            Provider::Anthropic,
            Fault { code: Some("enforced_spend_limit_reached".into()), ..Fault::status(429) },
            json!({"details": {"error_code": "enforced_spend_limit_reached"}}),
            None,
        ),
        (Provider::Anthropic, Fault::status(529), json!({"type": "overloaded_error", "message": "Overloaded"}), None),
        (Provider::Anthropic, Fault::status(402), json!({"type": "billing_error"}), None),
        (Provider::Gemini, Fault::status(503), json!({"code": 503, "status": "UNAVAILABLE"}), None),
        (Provider::Gemini, Fault::status(504), json!({"status": "DEADLINE_EXCEEDED"}), None),
    ];
    for (provider, fault, expected, retry_after) in cases {
        let status = fault.status.unwrap();
        rig.sim.set_faults(provider, [fault.clone()]).await.unwrap();
        let response = rig.hello(provider).send().await.unwrap();
        assert_eq!(response.status(), status, "{fault:?}");
        assert_eq!(response.headers().get("retry-after").map(|v| v.to_str().unwrap()), retry_after, "{fault:?}");
        let answer: Value = response.json().await.unwrap();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&answer["error"][name], value, "{provider} {status}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_gemini_429_says_when_to_retry_in_its_details() {
    let rig = Rig::start().await;
    let fault = Fault { retry_after_ms: Some(34_400), ..Fault::status(429) };
    rig.sim.set_faults(Provider::Gemini, [fault]).await.unwrap();
    let response = rig.hello(Provider::Gemini).send().await.unwrap();
    assert!(!response.headers().contains_key("retry-after"));
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["status"], "RESOURCE_EXHAUSTED");
    assert!(error["message"].as_str().unwrap().ends_with("Please retry in 34.4s."));
    let details = error["details"].as_array().unwrap();
    assert!(details[0]["violations"][0]["quotaId"].as_str().unwrap().contains("PerMinute"));
    assert_eq!(details.last().unwrap()["retryDelay"], "34.4s");
}

#[tokio::test]
async fn an_openai_429_carries_milliseconds_if_asked() {
    let rig = Rig::start().await;
    let fault = Fault { retry_after_ms: Some(1500), ..Fault::status(429) };
    rig.sim.set_faults(Provider::OpenAi, [fault]).await.unwrap();
    let response = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!(
        (&response.headers()["retry-after"], &response.headers()["retry-after-ms"]),
        (&"2".parse().unwrap(), &"1500".parse().unwrap())
    );
}

#[tokio::test]
async fn faults_are_applied_in_order_and_used_up() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::status(429).times(2), Fault::status(500).times(1)]).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(rig.hello(Provider::OpenAi).send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [429, 429, 500, 200]);
}

#[tokio::test]
async fn a_cut_resets_the_connection_after_exactly_its_events() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::cut_after(2)]).await.unwrap();
    let (received, end) = drain(&mut raw(&rig).await).await;
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(received.matches("data: ").count(), 2, "{received}");
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && !received.contains("[DONE]"));
    let entry = rig.journaled(|entry| entry.outcome.is_some()).await;
    assert_eq!((entry.outcome, entry.events_sent), (Some(Outcome::Cut), 2));
}

#[tokio::test]
async fn a_cut_before_the_first_event_still_sends_the_headers() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::cut_after(0)]).await.unwrap();
    let (received, end) = drain(&mut raw(&rig).await).await;
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && !received.contains("data: "));
}

#[tokio::test]
async fn a_reset_sends_nothing() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::reset()]).await.unwrap();
    let (received, end) = drain(&mut raw(&rig).await).await;
    assert_eq!((received.as_str(), end.unwrap_err().kind()), ("", std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_cut_answer_that_is_not_streamed_breaks_in_its_middle() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::Anthropic, [Fault::cut_after(1)]).await.unwrap();
    let response = rig.hello(Provider::Anthropic).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_close_ends_the_body_in_good_order_without_the_last_events() {
    let rig = Rig::start().await;
    for provider in Provider::ALL {
        rig.sim.set_faults(provider, [Fault::close_after(3)]).await.unwrap();
        let text = rig.hello_stream(provider).send().await.unwrap().text().await.unwrap();
        assert_eq!(text.matches("data: ").count(), 3, "{text}");
        rig.journaled(|entry| entry.outcome == Some(Outcome::Cut) && entry.events_sent == 3).await;
        let short = rig.hello(provider).send().await.unwrap().text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&short).is_err(), "half of a document: {short}");
    }
}

#[tokio::test]
async fn an_error_event_is_the_providers_own_and_ends_the_stream() {
    let rig = Rig::start().await;
    for (provider, expected) in [
        (
            Provider::OpenAi,
            "data: {\"error\":{\"message\":\"The server had an error while processing your request. Sorry about that!\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
        ),
        (
            Provider::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"details\":null,\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        ),
        (
            Provider::Gemini,
            "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again later.\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
        ),
    ] {
        rig.sim.set_faults(provider, [Fault::error_event_after(3)]).await.unwrap();
        let text = rig.hello_stream(provider).send().await.unwrap().text().await.unwrap();
        assert!(text.ends_with(expected), "{text}");
        assert_eq!(text.matches("data: ").count(), 4, "{text}");
    }
}

#[tokio::test]
async fn an_early_error_event_of_anthropic_follows_message_start_and_ping() {
    let rig = Rig::start().await;
    let fault = Fault { status: Some(429), ..Fault::error_event_after(0) };
    rig.sim.set_faults(Provider::Anthropic, [fault]).await.unwrap();
    let text = rig.hello_stream(Provider::Anthropic).send().await.unwrap().text().await.unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["message_start", "ping", "error"]);
    assert!(text.contains("rate_limit_error"), "the status names the kind of error");
}

#[tokio::test]
async fn an_error_event_on_an_answer_that_is_not_streamed_is_its_status() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::Anthropic, [Fault::error_event_after(0)]).await.unwrap();
    assert_eq!(rig.hello(Provider::Anthropic).send().await.unwrap().status(), 529);
}

#[tokio::test]
async fn a_hang_never_answers_and_sees_the_client_leave() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::hang()]).await.unwrap();
    let mut stream = raw(&rig).await;
    assert!(timeout(Duration::from_millis(200), stream.read(&mut [0; 1])).await.is_err());
    rig.journaled(|entry| entry.outcome == Some(Outcome::Hung) && entry.status.is_none()).await;
    drop(stream);
    rig.journaled(|entry| entry.outcome == Some(Outcome::ClientClosed)).await;
}

#[tokio::test]
async fn a_hang_in_the_stream_leaves_the_connection_open() {
    let rig = Rig::start().await;
    rig.sim.set_faults(Provider::OpenAi, [Fault::hang_after(2)]).await.unwrap();
    let mut stream = raw(&rig).await;
    assert!(timeout(Duration::from_millis(200), drain(&mut stream)).await.is_err());
    rig.journaled(|entry| entry.outcome == Some(Outcome::Hung) && entry.events_sent == 2).await;
}

#[tokio::test]
async fn delays_hold_the_status_line_the_first_event_and_the_others() {
    let rig = Rig::start().await;
    let begin = Instant::now();
    rig.sim.set_faults(Provider::OpenAi, [Fault::delay(Duration::from_millis(150))]).await.unwrap();
    rig.hello(Provider::OpenAi).send().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(150));

    let fault = Fault { first_event_delay_ms: Some(200), event_delay_ms: Some(20), ..Fault::default() };
    rig.sim.set_faults(Provider::OpenAi, [fault]).await.unwrap();
    let begin = Instant::now();
    let mut response = rig.hello_stream(Provider::OpenAi).send().await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(150), "headers at once: {:?}", begin.elapsed());
    let first = response.chunk().await.unwrap().unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert_eq!(first.windows(6).filter(|window| window == b"data: ").count(), 1);
    while response.chunk().await.unwrap().is_some() {}
    // 1 role, 10 words, 1 finish, 1 [DONE]: twelve gaps.
    assert!(begin.elapsed() >= Duration::from_millis(200 + 12 * 20), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn refused_connects_are_refused_until_the_fault_is_removed() {
    let rig = Rig::start().await;
    let addr = rig.sim.addr(Provider::OpenAi);
    // A kept-alive connection must not outlive its listener.
    rig.hello(Provider::OpenAi).send().await.unwrap();
    rig.sim.set_faults(Provider::OpenAi, [Fault::refuse()]).await.unwrap();
    assert_eq!(TcpStream::connect(addr).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(rig.hello(Provider::OpenAi).send().await.unwrap_err().is_connect());
    assert_eq!(rig.hello(Provider::Gemini).send().await.unwrap().status(), 200, "the others still listen");
    rig.sim.clear().await.unwrap();
    assert_eq!(rig.hello(Provider::OpenAi).send().await.unwrap().status(), 200, "on the same port");
}

#[tokio::test]
async fn a_body_fault_answers_200_with_it() {
    let rig = Rig::start().await;
    let fault = Fault { content_type: Some("text/html".into()), ..Fault::body("<html>") };
    rig.sim.set_faults(Provider::OpenAi, [fault]).await.unwrap();
    let response = rig.hello(Provider::OpenAi).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"text/html".parse().unwrap()));
    assert_eq!(response.text().await.unwrap(), "<html>");
}

#[tokio::test]
async fn a_model_filter_spares_the_other_models() {
    let rig = Rig::start().await;
    for (provider, model) in [(Provider::OpenAi, "gpt-5.6"), (Provider::Gemini, "gemini-3.8-flash")] {
        rig.sim.set_faults(provider, [Fault::status(503).for_model("another")]).await.unwrap();
        assert_eq!(rig.hello(provider).send().await.unwrap().status(), 200);
        rig.sim.set_faults(provider, [Fault::status(503).for_model(model)]).await.unwrap();
        assert_eq!(rig.hello(provider).send().await.unwrap().status(), 503);
    }
}
