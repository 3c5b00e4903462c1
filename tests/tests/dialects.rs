//! Clients of Anthropic's and Gemini's dialects, whole and streamed, at each of the three targets.

use serde_json::{Value, json};
use std::time::Duration;
use weir_e2e::{CLIENT_KEY, CLIENTS, Client, GEMINI, Gateway, OPENAI, Setup, TARGETS, Target, assert_no_leaks, with};
use weir_sim::Fault;

async fn start() -> Gateway {
    let targets = "[openai/gpt-5.6, claude/claude-sonnet-5-5, gemini/gemini-3.8-flash]";
    Setup::new(&format!(
        "models:\n  smart: {targets}\n  \
         quick: {{ targets: {targets}, first_token_timeout: 400ms, answer_timeout: 400ms }}\n"
    ))
    .start()
    .await
}

/// The order in which one other target follows `first`.
fn behind(first: Target) -> (Target, String) {
    let second = if first == OPENAI { GEMINI } else { OPENAI };
    (second, format!("{},{}", first.name, second.name))
}

#[tokio::test]
async fn each_target_answers_each_client_in_its_own_dialect() {
    let gateway = start().await;
    for client in CLIENTS {
        for target in TARGETS {
            let what = format!("{client:?} at {}", target.name);
            let heard = client.ask(&gateway, &target.address(), client.chat("How are you?")).await;
            heard.assert_complete(&what);
            assert_eq!(heard.text(), format!("{} You said: \"How are you?\" (12 chars)", target.greeting()), "{what}");
            let (end, whole) = if client.is_anthropic() { ("end_turn", "message") } else { ("STOP", "") };
            assert_eq!(heard.finish().as_deref(), Some(end), "{what}");
            if client == Client::Messages {
                assert_eq!(heard.documents()[0]["type"], whole, "{what}");
            }
            let (input, output) = heard.tokens();
            assert!(input > 0 && output > 1, "{what}: {input} {output}: {}", heard.body);
            assert_eq!(heard.documents().len() > 3, client.is_stream(), "{what}: {}", heard.body);
            assert_eq!(heard.header("x-weir-provider"), Some(target.name), "{what}");
            assert_eq!(heard.header("x-weir-model"), Some(target.model), "{what}");
            assert_eq!(heard.header("x-weir-attempts"), Some("1"), "{what}");
            assert_eq!(heard.header("request-id").is_some(), client.is_anthropic(), "{what}");
        }
    }
    assert_no_leaks(&gateway, "plain chats");
}

#[tokio::test]
async fn its_own_provider_gets_what_the_client_sent_and_the_client_what_it_answered() {
    let gateway = start().await;
    let cached = json!({ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral" } });
    let safety = json!({ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE" });
    for client in CLIENTS {
        gateway.reset().await;
        let target = client.own();
        let own =
            if client.is_anthropic() { json!({ "system": [cached] }) } else { json!({ "safetySettings": [safety] }) };
        let body = with(client.chat("Grüße, 世界 🌍 \"\\\n"), own);
        let heard = client.ask(&gateway, &target.address(), body.clone()).await;
        heard.assert_complete(&format!("{client:?}"));
        assert_eq!(heard.header("x-weir-dropped-params"), None, "{client:?}");
        let entry = gateway.journal(target.provider).pop().expect("a request");
        let mut sent = entry.json().expect("JSON");
        if client.is_anthropic() {
            assert_eq!(sent["model"], target.model);
            for field in ["model", "stream"] {
                sent.as_object_mut().expect("an object").remove(field);
            }
        }
        assert_eq!(sent, body, "{client:?}");
        // Byte for byte the same as from the provider itself, but for its numbers.
        let url = format!("{}{}", gateway.sim.url(target.provider), entry.path);
        let query = entry.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let direct = gateway.http.post(format!("{url}{query}")).header("content-type", "application/json");
        let direct = match client.is_anthropic() {
            true => direct.header("x-api-key", target.key).header("anthropic-version", "2023-06-01"),
            false => direct.header("x-goog-api-key", target.key),
        };
        let direct = direct.body(entry.body.expect("a body")).send().await.expect("an answer");
        let direct = direct.text().await.expect("the whole answer");
        if client != Client::GenerateArray {
            assert_eq!(without_serial(&heard.body), without_serial(&direct), "{client:?}");
        }
    }
    assert_no_leaks(&gateway, "bodies as they came");
}

/// Without the numbers that the simulator counts its answers by; a signature holds one too.
fn without_serial(text: &str) -> String {
    let mut parts = text.split("\"thoughtSignature\"");
    let first = parts.next().unwrap_or_default().to_owned();
    let kept = parts.fold(first, |kept, part| kept + part.splitn(3, '"').last().unwrap_or_default());
    kept.chars().filter(|char| !char.is_ascii_digit()).collect()
}

#[tokio::test]
async fn the_version_that_the_client_was_written_for_reaches_anthropic_alone() {
    let gateway = start().await;
    for target in TARGETS {
        let request = Client::Messages.request(&gateway, &target.address(), Client::Messages.chat("Hi"));
        let (client, request) = request.build_split();
        let mut request = request.expect("a request");
        request.headers_mut().insert("anthropic-version", "2026-10-21".parse().expect("a value"));
        assert_eq!(client.execute(request).await.expect("an answer").status(), 200, "{}", target.name);
        let entry = gateway.journal(target.provider).pop().expect("a request");
        let expect = (target == Client::Messages.own()).then_some("2026-10-21");
        assert_eq!(entry.header("anthropic-version"), expect, "{}", target.name);
    }
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_answered_at_each_target() {
    let gateway = start().await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] });
    for client in CLIENTS {
        let tools = match client.is_anthropic() {
            true => json!({ "tools": [{ "name": "weather", "description": "The weather.", "input_schema": schema }] }),
            false => json!({ "tools": [{ "functionDeclarations": [
                { "name": "weather", "description": "The weather.", "parametersJsonSchema": schema }] }] }),
        };
        for target in TARGETS {
            let what = format!("{client:?} at {}", target.name);
            let question = with(client.chat("Weather?"), tools.clone());
            let asked = client.ask(&gateway, &target.address(), question.clone()).await;
            asked.assert_complete(&what);
            let end = if client.is_anthropic() { "tool_use" } else { "STOP" };
            assert_eq!(asked.finish().as_deref(), Some(end), "{what}");
            let call = asked.call();
            assert_eq!((&call["name"], &call["arguments"]), (&json!("weather"), &json!({ "city": "sim" })), "{what}");

            let field = if client.is_anthropic() { "messages" } else { "contents" };
            let result = match client.is_anthropic() {
                true => json!({ "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": call["id"], "content": "18C and sunny" }] }),
                false => json!({ "role": "user", "parts": [{ "functionResponse":
                    { "id": call["id"], "name": "weather", "response": { "result": "18C and sunny" } } }] }),
            };
            let mut answered = question.clone();
            answered[field].as_array_mut().expect("turns").extend([asked.turn(), result]);
            // Whoever called, each of the three can go on with it.
            for next in TARGETS {
                let what = format!("{what}, then {}", next.name);
                let heard = client.ask(&gateway, &next.address(), answered.clone()).await;
                heard.assert_complete(&what);
                assert!(heard.text().contains("18C and sunny"), "{what}: {}", heard.body);
            }
        }
    }
    assert_no_leaks(&gateway, "tools");
}

#[tokio::test]
async fn whoever_fails_the_client_reads_the_next_ones_answer() {
    let gateway = start().await;
    for client in CLIENTS {
        for first in TARGETS {
            let (second, route) = behind(first);
            let mut faults = vec![
                ("smart", Fault::status(429)),
                ("smart", Fault::status(500)),
                ("smart", Fault::status(401)),
                ("smart", Fault::refuse()),
                ("smart", Fault::reset()),
                ("smart", Fault::body("<html>")),
                ("quick", Fault::hang()),
                ("quick", Fault::hang_after(0)),
            ];
            if client.is_stream() {
                faults.push(("smart", Fault::error_event_after(first.preamble)));
                faults.push(("smart", Fault::close_after(first.preamble)));
                faults.push(("smart", Fault::cut_after(first.preamble)));
            }
            for (model, fault) in faults {
                let what = format!("{client:?}, {fault:?} at {}", first.name);
                gateway.reset().await;
                gateway.sim.set_faults(first.provider, [fault]).await.expect("a fault");
                let request = client.request(&gateway, model, client.chat("Hi")).header("x-weir-route", &route);
                let heard = client.hear(request).await;
                heard.assert_complete(&what);
                assert!(heard.text().starts_with(&second.greeting()), "{what}: {}", heard.body);
                assert_eq!(heard.header("x-weir-provider"), Some(second.name), "{what}");
                assert_eq!(heard.header("x-weir-attempts"), Some("2"), "{what}");
                assert_no_leaks(&gateway, &what);
            }
        }
    }
}

#[tokio::test]
async fn when_all_fail_the_error_is_the_dialects_own() {
    let gateway = start().await;
    let table = [
        (Fault::status(429), "smart", 429, "rate_limit_error", "RESOURCE_EXHAUSTED"),
        (Fault::status(401), "smart", 502, "api_error", "UNAVAILABLE"),
        (Fault::status(404), "smart", 404, "not_found_error", "NOT_FOUND"),
        (Fault::status(500), "smart", 502, "api_error", "UNAVAILABLE"),
        (Fault::status(503), "smart", 503, "overloaded_error", "UNAVAILABLE"),
        (Fault::hang(), "quick", 504, "timeout_error", "DEADLINE_EXCEEDED"),
    ];
    for client in CLIENTS {
        for (fault, model, status, anthropic, gemini) in table.clone() {
            let what = format!("{client:?}, {fault:?}");
            gateway.reset().await;
            for target in TARGETS {
                // Anthropic's word for overload is a status of its own; its 503 is an error of the server.
                let fault = match fault.status {
                    Some(503) if target.name == "claude" => Fault::status(529),
                    _ => fault.clone(),
                };
                gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
            }
            let heard = client.ask(&gateway, model, client.chat("Hi")).await;
            let status = if client.is_anthropic() && status == 503 { 529 } else { status };
            let (kind, message) = heard.expect_error(status, &what);
            assert_eq!(kind, if client.is_anthropic() { anthropic } else { gemini }, "{what}");
            assert!(TARGETS.iter().all(|target| message.contains(&target.address())), "{what}: {message}");
            assert_eq!(heard.header("x-weir-attempts"), Some("3"), "{what}");
            assert!(!heard.body.contains(CLIENT_KEY), "{what}");
        }
    }
}

#[tokio::test]
async fn a_clients_own_mistake_is_told_in_its_own_words() {
    let gateway = start().await;
    for client in CLIENTS {
        let invalid = if client.is_anthropic() { "invalid_request_error" } else { "INVALID_ARGUMENT" };
        let (field, path) =
            if client.is_anthropic() { ("messages", "messages.0.content") } else { ("contents", "contents[0].parts") };
        let wrong = with(client.chat("x"), json!({ field: [{ "role": "user", "content": 7, "parts": 7 }] }));
        let (kind, message) = client.ask(&gateway, "smart", wrong).await.expect_error(400, &format!("{client:?}"));
        assert!(kind == invalid && message.contains(path), "{client:?}: {kind} {message}");

        let unknown = client.ask(&gateway, "nothing", client.chat("x")).await;
        let (kind, message) = unknown.expect_error(404, &format!("{client:?}"));
        assert_eq!(kind, if client.is_anthropic() { "not_found_error" } else { "NOT_FOUND" });
        assert!(message.contains("smart"), "{message}");

        // What the provider complains of, and asks nobody else.
        for target in TARGETS {
            gateway.reset().await;
            let fault = Fault { message: Some("Your thing is wrong.".into()), ..Fault::status(400) };
            gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
            let request = client.request(&gateway, "smart", client.chat("Hi"));
            let heard = client.hear(request.header("x-weir-route", behind(target).1)).await;
            let what = format!("{client:?} at {}", target.name);
            assert_eq!(
                heard.expect_error(400, &what),
                (invalid.to_owned(), "Your thing is wrong.".to_owned()),
                "{what}"
            );
            assert_eq!(gateway.sim.journal().len(), 1, "{what}: asked elsewhere");
        }
    }
}

#[tokio::test]
async fn what_only_its_own_provider_has_goes_to_nobody_else() {
    let gateway = start().await;
    for client in CLIENTS {
        let tool = match client.is_anthropic() {
            true => json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
            false => json!({ "tools": [{ "googleSearch": {} }] }),
        };
        let heard = client.ask(&gateway, "openai/gpt-5.6", with(client.chat("Hi"), tool)).await;
        let (_, message) = heard.expect_error(400, &format!("{client:?}"));
        assert!(message.contains("tools that the provider runs itself"), "{message}");
    }
    assert!(gateway.sim.journal().is_empty(), "what cannot be served was sent");
    let many = json!({ "generationConfig": { "candidateCount": 2 } });
    let heard = Client::Generate
        .hear(
            Client::Generate
                .request(&gateway, "smart", with(Client::Generate.chat("Hi"), many))
                .header("x-weir-route", "claude,gemini"),
        )
        .await;
    heard.assert_complete("two answers");
    assert_eq!(heard.header("x-weir-provider"), Some("gemini"), "Claude is passed over");
    assert_eq!(heard.header("x-weir-attempts"), Some("1"));
}

#[tokio::test]
async fn a_cut_stream_never_looks_complete() {
    let gateway = start().await;
    for client in CLIENTS.into_iter().filter(|client| client.is_stream()) {
        for target in TARGETS {
            let whole = client.ask(&gateway, &target.address(), client.chat("Hi")).await.text();
            let events = target.preamble + 4;
            let overloaded = Some(if target.name == "claude" { 529 } else { 503 });
            for (fault, overload) in [
                (Fault::cut_after(events), false),
                (Fault::close_after(events), false),
                (Fault { status: overloaded, ..Fault::error_event_after(events) }, true),
            ] {
                let what = format!("{client:?}, {fault:?} at {}", target.name);
                gateway.reset().await;
                let fault = Fault { event_delay_ms: Some(20), ..fault };
                let is_cut = fault.cut_after_events.is_some();
                gateway.sim.set_faults(target.provider, [fault]).await.expect("a fault");
                let request = client.request(&gateway, "smart", client.chat("Hi"));
                let heard = client.hear(request.header("x-weir-route", behind(target).1)).await;
                assert_eq!(heard.status, 200, "{what}");
                assert_eq!(heard.broken.is_some(), is_cut, "{what}: {:?}", heard.broken);
                assert_eq!(heard.header("x-weir-attempts"), Some("1"), "{what}");
                if is_cut {
                    // HTTP itself says so.
                    assert!(
                        !heard.body.contains("message_stop") && !heard.body.ends_with(']'),
                        "{what}: {}",
                        heard.body
                    );
                    continue;
                }
                let text = heard.text();
                assert!(!text.is_empty() && text.len() < whole.len() && whole.starts_with(&text), "{what}: {text:?}");
                assert_eq!(heard.finish(), None, "{what}");
                let error = heard.error().unwrap_or_else(|| panic!("{what}: no error in {}", heard.body));
                let expect: Value = match (client.is_anthropic(), overload) {
                    (true, true) => json!("overloaded_error"),
                    (true, false) => json!("api_error"),
                    (false, true) => json!(503),
                    (false, false) => json!(502),
                };
                let kind = if client.is_anthropic() { &error["type"] } else { &error["code"] };
                assert_eq!(*kind, expect, "{what}: {error}");
                let last = heard.documents().pop().expect("events");
                assert_eq!(last["error"], error, "{what}: something follows the error");
            }
        }
    }
}

#[tokio::test]
async fn tokens_are_passed_on_as_they_come() {
    let gateway = start().await;
    for client in CLIENTS.into_iter().filter(|client| client.is_stream()) {
        for target in TARGETS {
            gateway.reset().await;
            let slow = Fault::event_delay(Duration::from_millis(80));
            gateway.sim.set_faults(target.provider, [slow]).await.expect("a fault");
            let request = client.request(&gateway, &target.address(), client.chat("Hi"));
            let mut response = request.send().await.expect("an answer");
            let mut pieces = 0;
            let begun = std::time::Instant::now();
            while response.chunk().await.expect("no break").is_some() {
                pieces += 1;
            }
            assert!(pieces >= 4, "{client:?} at {}: {pieces} pieces", target.name);
            assert!(begun.elapsed() > Duration::from_millis(300), "{client:?} at {}: all at once", target.name);
        }
    }
}

#[tokio::test]
async fn what_an_answer_takes_is_counted_whoever_asks() {
    let gateway = start().await;
    for client in CLIENTS {
        for target in TARGETS {
            let labels = [("provider", target.name), ("kind", "output")];
            let before = gateway.stats().await.find("weir_tokens", &labels).unwrap_or(0.0);
            let heard = client.ask(&gateway, &target.address(), client.chat("Hi")).await;
            let expect = before + f64::from(u32::try_from(heard.tokens().1).expect("few"));
            let what = format!("{client:?} at {}: {expect} tokens", target.name);
            let counted = |stats: &weir_e2e::Stats| stats.find("weir_tokens", &labels) == Some(expect);
            gateway.stats_until(&what, Duration::from_secs(5), counted).await;
        }
    }
}

#[tokio::test]
async fn the_models_are_listed_in_each_sdks_form() {
    let gateway = start().await;
    let get = async |path: &str, header: &str| -> Value {
        let request = gateway.http.get(gateway.url(path)).header(header, "x");
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    };
    let openai = get("/v1/models", "accept-language").await;
    assert_eq!((&openai["object"], &openai["data"][1]["id"]), (&json!("list"), &json!("quick")));
    let anthropic = get("/v1/models", "anthropic-version").await;
    assert_eq!((&anthropic["has_more"], &anthropic["last_id"]), (&json!(false), &json!("quick")));
    for (path, header) in [("/v1/models", "x-goog-api-key"), ("/v1beta/models?pageSize=5", "accept-language")] {
        assert_eq!(get(path, header).await["models"][0]["name"], "models/smart", "{path}");
    }
    assert_eq!(get("/v1/models/smart", "anthropic-version").await["type"], "model");
}
