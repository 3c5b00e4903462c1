use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const STREAM: &str = "event: response.created\r\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\"}}\r\n\r\n\
    : a comment\n\n\
    event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"item\":{\"type\":\"message\"}}\n\n\
    event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2, \"delta\":\"größer\"}\n\n\
    event: response.tomorrow\ndata: {\"type\":\"response.tomorrow\",\"sequence_number\":3,\"x\":[1]}\n\n\
    event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":4,\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":7,\"output_tokens_details\":{\"reasoning_tokens\":3},\"total_tokens\":16}}}\n\n";

/// What `relay` makes of the chunks of a stream.
fn passed(relay: &mut Relay, chunks: &[&[u8]]) -> Result<String, Failure> {
    let mut reader = sse::Reader::new(4 << 20);
    let mut out = Vec::new();
    for chunk in chunks {
        reader.read(chunk, |event| relay.read(&event, &mut out))?;
    }
    Ok(String::from_utf8(out).unwrap())
}

fn plain(stream: &str) -> String {
    stream.replace("\r\n", "\n").replace(": a comment\n\n", "")
}

#[test]
fn events_pass_as_they_are_however_they_are_cut() {
    let bytes = STREAM.as_bytes();
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        let mut relay = Relay::default();
        assert_eq!(passed(&mut relay, &[head, tail]).unwrap(), plain(STREAM), "cut at {cut}");
        assert!(relay.is_complete() && relay.end().is_ok());
        let usage = Usage { prompt: 9, cached: 4, cache_write: 0, completion: 7, reasoning: 3 };
        assert_eq!((relay.usage(), relay.text(), relay.next()), (Some(usage), 8, 5));
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(passed(&mut Relay::default(), &single).unwrap(), plain(STREAM));
}

#[test]
fn an_answer_begins_with_the_first_content_of_whatever_type() {
    let mut relay = Relay::default();
    let head = STREAM.split("event: response.output_text").next().unwrap();
    passed(&mut relay, &[head.as_bytes()]).unwrap();
    assert!(!relay.has_content(), "it may still turn out to be a failure");
    for kind in
        ["response.function_call_arguments.delta", "response.web_search_call.searching", "response.refusal.delta"]
    {
        let mut relay = Relay::default();
        passed(&mut relay, &[format!("data: {{\"type\":\"{kind}\"}}\n\n").as_bytes()]).unwrap();
        assert!(relay.has_content(), "{kind}");
    }
}

#[test]
fn an_event_is_named_by_its_data_where_it_has_no_name() {
    let seen = passed(&mut Relay::default(), &[b"data: {\"type\":\ndata: \"response.queued\"}\n\n"]).unwrap();
    assert_eq!(seen, "event: response.queued\ndata: {\"type\": \"response.queued\"}\n\n");
}

#[test]
fn a_stream_without_its_last_event_is_cut() {
    let mut relay = Relay::default();
    let (head, _) = STREAM.split_at(STREAM.find("event: response.completed").unwrap());
    passed(&mut relay, &[head.as_bytes()]).unwrap();
    assert_eq!(relay.end().unwrap_err().class, Class::Truncated);
    let incomplete = "data: {\"type\":\"response.incomplete\",\"response\":{\"usage\":null}}\n\ndata: [DONE]\n\n";
    passed(&mut relay, &[incomplete.as_bytes()]).unwrap();
    assert!(relay.end().is_ok(), "cut short by its own limit, and said so");
}

#[test]
fn each_form_of_an_error_is_one() {
    for (data, class) in [
        (r#"{"type":"error","code":"server_error","message":"m","param":null}"#, Class::ServerError),
        (r#"{"type":"error","code":"rate_limit_exceeded","message":"m"}"#, Class::RateLimited),
        (r#"{"type":"error","code":null,"message":"m"}"#, Class::ServerError),
        (r#"{"error":{"message":"m","type":"server_error","code":null}}"#, Class::ServerError),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"invalid_prompt","message":"m"}}}"#,
            Class::ContentPolicy,
        ),
        (
            r#"{"type":"response.failed","response":{"error":{"code":"image_too_large","message":"m"}}}"#,
            Class::InvalidRequest,
        ),
        (r#"{"type":"response.failed"}"#, Class::ServerError),
        (r#"{"delta":"no type"}"#, Class::Unreadable),
        ("no JSON", Class::Unreadable),
    ] {
        let failure = passed(&mut Relay::default(), &[format!("data: {data}\n\n").as_bytes()]).unwrap_err();
        assert_eq!(failure.class, class, "{data}");
    }
}

#[test]
fn a_whole_answer_is_read_for_its_usage_and_its_failure() {
    let body = r#"{"object":"response","status":"completed","error":null,"output":[],"usage":{"input_tokens":3,"output_tokens":null}}"#;
    assert_eq!(read(body.as_bytes()).unwrap(), Some(Usage { prompt: 3, ..Usage::default() }));
    assert_eq!(read(br#"{"status":"incomplete","output":[]}"#).unwrap(), None);
    for (body, class) in [
        (r#"{"status":"failed","output":[],"error":{"code":"server_error","message":"m"}}"#, Class::ServerError),
        (r#"{"error":{"code":"rate_limit_exceeded","message":"m"}}"#, Class::RateLimited),
        (r#"{"object":"response"}"#, Class::Unreadable),
        ("[]", Class::Unreadable),
    ] {
        assert_eq!(read(body.as_bytes()).unwrap_err().class, class, "{body}");
    }
}
