//! A stream is passed on as it comes, and one that was cut never looks complete.

use futures_util::future::join_all;
use serde_json::json;
use std::time::{Duration, Instant};
use weir_e2e::{CLAUDE, GEMINI, Gateway, OPENAI, Piece, Scripted, Setup, TARGETS, Target, stream, with};
use weir_sim::Fault;

/// Events of a stream in which some of the text has been sent.
fn midway(target: Target) -> u32 {
    target.preamble + 4
}

/// One model for each target with the other two behind it, so that a wrong fallback would be seen.
async fn start() -> Gateway {
    let mut yaml = "models:\n".to_owned();
    for target in TARGETS {
        let others = TARGETS.into_iter().filter(|other| *other != target).map(Target::address);
        let all: Vec<String> = [target.address()].into_iter().chain(others).collect();
        yaml.push_str(&format!("  {}: [{}]\n", target.provider, all.join(", ")));
        yaml.push_str(&format!(
            "  {}-quick: {{ targets: [{}], first_token_timeout: 600ms, deadline: 3s }}\n",
            target.provider,
            all.join(", ")
        ));
    }
    Setup::new(&yaml).start().await
}

#[tokio::test]
async fn a_cut_stream_never_looks_complete() {
    let gateway = start().await;
    for target in TARGETS {
        let whole = gateway.stream(&stream(target.provider.name(), "Hi")).await.text();
        for (what, fault) in [
            ("a reset", Fault::cut_after(midway(target))),
            ("an orderly end", Fault::close_after(midway(target))),
            ("an error event", Fault::error_event_after(midway(target))),
        ] {
            // The text is on its way before the trouble begins.
            for fault in [fault.clone(), Fault { event_delay_ms: Some(30), ..fault }] {
                let what = format!("{what} at {}, {:?} ms", target.name, fault.event_delay_ms);
                gateway.reset().await;
                gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
                let stream = gateway.stream(&stream(target.provider.name(), "Hi")).await;
                assert_eq!(stream.status, 200, "{what}");
                assert!(!stream.looks_complete(), "{what}: looks complete: {:?}", stream.events);
                assert_eq!(stream.finish(), None, "{what}: has a finish reason");
                assert_eq!(stream.header("x-weir-attempts"), Some("1"), "{what}: fell back after the first token");
                assert_eq!(gateway.sim.journal().len(), 1, "{what}: another target was asked after the first token");
                let text = stream.text();
                assert!(!text.is_empty() && text.len() < whole.len() && whole.starts_with(&text), "{what}: {text:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_ends_with_an_error_frame() {
    let gateway = start().await;
    for target in TARGETS {
        for (fault, code) in [
            (Fault::close_after(midway(target)), "stream_interrupted"),
            (
                Fault {
                    status: Some(if target == CLAUDE { 529 } else { 503 }),
                    ..Fault::error_event_after(midway(target))
                },
                "overloaded",
            ),
        ] {
            let what = format!("{fault:?} at {}", target.name);
            gateway.reset().await;
            gateway
                .sim
                .set_faults(target.provider, [Fault { event_delay_ms: Some(20), ..fault }])
                .await
                .expect("a fault");
            let stream = gateway.stream(&stream(target.provider.name(), "Hi")).await;
            assert_eq!(stream.broken, None, "{what}: HTTP itself is in order");
            let error = stream.error().unwrap_or_else(|| panic!("{what}: no error frame in {:?}", stream.events));
            assert_eq!(error["code"], code, "{what}: {error}");
            assert_eq!(error["type"], "upstream_error", "{what}: {error}");
            assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {error}");
            assert!(error.get("param").is_some(), "{what}: {error}");
            assert_eq!(stream.events.last().map(String::as_str), Some("[DONE]"), "{what}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_broken_off_at_the_deadline() {
    let gateway = start().await;
    for target in TARGETS {
        gateway.reset().await;
        gateway.sim.set_faults(target.provider, [Fault::hang_after(midway(target))]).await.expect("a fault");
        let begun = Instant::now();
        let stream = gateway.stream(&stream(&format!("{}-quick", target.provider), "Hi")).await;
        let took = begun.elapsed();
        assert!(!stream.looks_complete(), "{}: {:?}", target.name, stream.events);
        assert!(!stream.text().is_empty(), "{}", target.name);
        assert!(took > Duration::from_millis(2_500) && took < Duration::from_secs(5), "{}: {took:?}", target.name);
    }
}

#[tokio::test]
async fn the_first_token_timeout_does_not_end_a_stream_that_has_begun() {
    let gateway = start().await;
    for target in TARGETS {
        gateway.reset().await;
        gateway
            .sim
            .set_faults(target.provider, [Fault::event_delay(Duration::from_millis(60))])
            .await
            .expect("a fault");
        let model = format!("{}-quick", target.provider);
        let begun = Instant::now();
        let stream = gateway.stream(&stream(&model, "This takes longer than the first token may")).await;
        stream.assert_complete(target.name);
        assert!(begun.elapsed() > Duration::from_millis(800), "{}: too fast to prove it", target.name);
        assert_eq!(stream.header("x-weir-attempts"), Some("1"), "{}", target.name);
        assert_eq!(stream.header("x-weir-provider"), Some(target.name));
    }
}

#[tokio::test]
async fn tokens_are_passed_on_as_they_come() {
    let gateway = start().await;
    for target in TARGETS {
        gateway.reset().await;
        gateway
            .sim
            .set_faults(target.provider, [Fault::event_delay(Duration::from_millis(100))])
            .await
            .expect("a fault");
        let mut live = gateway.live(&stream(target.provider.name(), "Hi")).await;
        live.first_text().await;
        let first = Instant::now();
        let mut arrivals = vec![first];
        while live.next().await.expect("no break").is_some() {
            arrivals.push(Instant::now());
        }
        let spread = first.elapsed();
        assert!(spread > Duration::from_millis(500), "{}: all at once, {spread:?} after the first", target.name);
        let gaps =
            arrivals.windows(2).filter(|pair| pair[1].duration_since(pair[0]) > Duration::from_millis(50)).count();
        assert!(gaps >= 4, "{}: held back and let go in lumps: {gaps} gaps", target.name);
    }
}

#[tokio::test]
async fn a_hundred_streams_at_once_do_not_mix() {
    let gateway = start().await;
    for target in TARGETS {
        gateway.sim.set_faults(target.provider, [Fault::event_delay(Duration::from_millis(5))]).await.expect("a fault");
    }
    let streams = (0..100).map(|number| {
        let (gateway, target) = (&gateway, TARGETS[number % 3]);
        async move {
            let what = format!("stream {number}");
            let text = format!("{what}: Grüße 🌍 {}", "x".repeat(number % 17));
            let stream = gateway.stream(&stream(target.provider.name(), &text)).await;
            stream.assert_complete(&what);
            assert_eq!(stream.header("x-weir-provider"), Some(target.name), "{what}");
            let chars = text.chars().count();
            assert_eq!(stream.text(), format!("{} You said: \"{text}\" ({chars} chars)", target.greeting()), "{what}");
        }
    });
    join_all(streams).await;
}

const SAID: &str = "Grüße, 世界 🌍👩‍👩‍👧 \"quoted\" \\ und\ttab";

/// A stream of each provider as no simulator sends it.
fn odd_stream(kind: &str, text: &str) -> String {
    let text = serde_json::Value::from(text);
    match kind {
        "openai" => format!(
            ": welcome\r\n\r\ndata: {{\"id\":\"\",\"choices\":[],\"model\":\"\",\"prompt_filter_results\":[]}}\n\n\
             data:{{\"id\":\"c1\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":{text}}}}}]}}\r\n\r\n\
             id: 7\ndata: {{\"id\":\"c1\",\"model\":\"m\",\"object\":\"chat.completion.chunk\",\"created\":1,\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
             data: [DONE]\n\n"
        ),
        "anthropic" => format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{{\"input_tokens\":3,\"output_tokens\":1}}}}      }}\n\n\
             event: of_tomorrow\ndata: {{\"type\":\"of_tomorrow\",\"index\":0}}\n\n\
             event: content_block_start\r\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\r\n\r\n\
             event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{text}}}}}\n\n\
             : ping\n\nevent: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"delta_of_tomorrow\"}}}}\n\n\
             event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
             event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{{\"output_tokens\":9}}}}\n\n\
             event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ),
        _ => format!(
            "data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":{text}}}]}}}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}}\n\n\
             data: {{\"candidates\":[{{\"content\":{{\"role\":\"model\",\"parts\":[{{\"text\":\"\",\"thoughtSignature\":\"AA==\"}}]}},\"finishReason\":\"STOP\"}}],\"usageMetadata\":{{\"promptTokenCount\":3,\"candidatesTokenCount\":9,\"totalTokenCount\":12}}}}\r\n\r\n"
        ),
    }
}

#[tokio::test]
async fn bytes_may_come_one_by_one_and_characters_in_halves() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    for kind in ["openai", "anthropic", "gemini"] {
        let script = vec![Piece::Bytes(head.into()), Piece::Dripped(odd_stream(kind, SAID).into_bytes())];
        let server = Scripted::start(script).await;
        let gateway = Setup::new("models:\n  smart: [odd/m]\n").provider("odd", kind, server.url()).start().await;
        let stream = gateway.stream(&stream("smart", "x")).await;
        stream.assert_complete(kind);
        assert_eq!(stream.text(), SAID, "{kind}");
        assert_eq!(stream.finish().as_deref(), Some("stop"), "{kind}");
        let usage = stream.chunks().into_iter().find(|chunk| chunk.get("usage").is_some());
        assert_eq!(usage, None, "{kind}: usage that nobody asked for");
    }
}

#[tokio::test]
async fn one_event_may_be_larger_than_any_window_on_the_way() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let text: String = (0..300_000).map(|number| format!("{number:x} ")).collect();
    for kind in ["openai", "anthropic", "gemini"] {
        let script = vec![Piece::Bytes(head.into()), Piece::Bytes(odd_stream(kind, &text).into_bytes())];
        let server = Scripted::start(script).await;
        let gateway = Setup::new("models:\n  smart: [odd/m]\n").provider("odd", kind, server.url()).start().await;
        let stream = gateway.stream(&stream("smart", "x")).await;
        stream.assert_complete(kind);
        assert!(stream.text() == text, "{kind}: another text");
    }
}

#[tokio::test]
async fn a_first_event_that_never_ends_is_bounded() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {\"x\":\"";
    let flood = Piece::Bytes(vec![b'x'; 4 << 20]);
    let server = Scripted::start(vec![Piece::Bytes(head.into()), flood, Piece::Hang]).await;
    let gateway = Setup::new("max_response_bytes: 1MiB\nmodels:\n  smart: [odd/m, gemini/gemini-3.8-flash]\n")
        .provider("odd", "openai", server.url())
        .start()
        .await;
    let stream = gateway.stream(&stream("smart", "Hi")).await;
    stream.assert_complete("the next target's");
    assert_eq!(stream.header("x-weir-provider"), Some(GEMINI.name));
}

#[tokio::test]
async fn usage_hidden_from_one_client_is_shown_to_the_next() {
    let gateway = start().await;
    for (options, shown) in [
        (json!({}), false),
        (json!({ "stream_options": { "include_usage": false } }), false),
        (json!({ "stream_options": { "include_usage": true } }), true),
        (json!({ "stream_options": null }), false),
    ] {
        for target in TARGETS {
            let what = format!("{} {options}", target.name);
            let stream = gateway.stream(&with(stream(&target.address(), "Hi"), options.clone())).await;
            stream.assert_complete(&what);
            assert_eq!(stream.usage().is_some(), shown, "{what}");
        }
        // Weir itself always asks: what it cannot count, it cannot limit.
        let sent = gateway.journal(OPENAI.provider).pop().and_then(|entry| entry.json()).expect("a request");
        assert_eq!(sent["stream_options"]["include_usage"], true, "{options}");
    }
}
