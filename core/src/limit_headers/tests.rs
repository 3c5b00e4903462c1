use super::*;
use crate::headers::encode;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// 2025-08-21T12:40:00Z
const NOW: u64 = 1_755_780_000_000;
const DAY: Millis = Millis(86_400_000);

fn read(list: &[(&str, &str)]) -> Told {
    let list = list.iter().map(|(name, value)| ((*name).to_owned().into(), value.as_bytes().to_vec())).collect();
    super::read(&Headers::decode(encode(&list)), NOW)
}

fn level(limit: u64, remaining: u64, reset: u64) -> Option<Level> {
    Some(Level { limit: Some(limit), remaining, reset: Some(Millis(reset)) })
}

#[test]
fn every_way_to_write_a_time_is_read() {
    for (text, millis) in [
        ("0s", 0),
        ("120ms", 120),
        ("1s", 1_000),
        ("6m0s", 360_000),
        ("1h2m3s", 3_723_000),
        ("1h", 3_600_000),
        ("2h5ms", 7_200_005),
        ("1.5s", 1_500),
        ("1m30.002s", 90_002),
        ("8.64s", 8_640),
        ("1s20.2ms", 1_021),
        ("0.0001s", 1),
        ("20", 20_000),
        ("0.5", 500),
        ("16.1", 16_100),
        ("0", 0),
        ("99h", DAY.0),
        ("99999999999999999999h", DAY.0),
        ("1000000000", DAY.0),
        ("1755780060", 60_000),
        ("1755780060.25", 60_250),
        ("1755779999", 0),
        ("99999999999999999999", DAY.0),
        ("2025-08-21T12:40:59Z", 59_000),
        ("2025-08-21t12:40:59.120z", 59_120),
        ("2025-08-21T14:41:00+02:00", 60_000),
        ("2025-08-21T07:11:00-05:30", 60_000),
        ("2025-08-21T12:39:59Z", 0),
        ("2026-01-01T00:00:00Z", DAY.0),
        ("Thu, 21 Aug 2025 12:41:00 GMT", 60_000),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ] {
        assert_eq!(time::wait(text, NOW), Some(Millis(millis)), "{text}");
    }
}

#[test]
fn every_day_of_the_calendar_is_the_day_after_the_one_before() {
    // From the epoch itself, over leap years, a century that is none and one that is.
    let mut expected = 0_u64;
    for year in 1970..=2104_u64 {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (month, length) in
            [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().enumerate()
        {
            for day in 1..=*length {
                let text = format!("{year}-{:02}-{day:02}T00:00:01Z", month + 1);
                assert_eq!(time::wait(&text, expected), Some(Millis(1_000)), "{text}");
                expected += DAY.0;
            }
        }
    }
}

#[test]
fn what_is_no_time_is_not_read() {
    for text in [
        "",
        "s",
        "ms",
        "-1",
        "-1s",
        "+1",
        "1e3",
        "NaN",
        "inf",
        ".",
        "1.",
        ".5",
        "1.5.5",
        "1d",
        "1s1s",
        "1s1m",
        "1.5h",
        "5m5",
        "soon",
        "1 s",
        "١s",
        "2025-08-21",
        "2025-13-21T12:40:59Z",
        "2025-00-21T12:40:59Z",
        "2025-08-32T12:40:59Z",
        "1969-12-31T23:59:59Z",
        "99999999999999999999-08-21T12:40:59Z",
        "2025-08-21T12:40:59",
        "2025-08-21T12:40:59+2",
        "2025-08-21TZ",
        "T",
        "Thu, 21 Aug 2025 12:41:00",
        "Thu, 21 Foo 2025 12:41:00 GMT",
        "Thu, 21 Aug 2025 GMT",
        ", GMT",
        "Thu, 21-Aug-25 12:41:00 GMT",
        "Thu Aug 21 12:41:00 2025",
    ] {
        assert_eq!(time::wait(text, NOW), None, "{text:?}");
    }
}

#[test]
fn both_families_are_read() {
    let openai = read(&[
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "8.64s"),
        ("x-ratelimit-limit-tokens", "200000"),
        ("x-ratelimit-remaining-tokens", "199984"),
        ("x-ratelimit-reset-tokens", "4ms"),
        ("x-ratelimit-remaining-tokens_usage_based", "1"),
        ("x-ratelimit-remaining-project-tokens", "1"),
        ("x-ratelimit-remaining", "1"),
    ]);
    let expected =
        Told { requests: level(10_000, 9_999, 8_640), tokens: level(200_000, 199_984, 4), retry_after: None };
    assert_eq!(openai, expected);
    let anthropic = read(&[
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2025-08-21T12:40:01Z"),
        ("anthropic-ratelimit-input-tokens-limit", "2000"),
        ("anthropic-ratelimit-input-tokens-remaining", "1"),
        ("anthropic-ratelimit-tokens-limit", "480000"),
        ("anthropic-ratelimit-tokens-remaining", "470000"),
        ("anthropic-ratelimit-tokens-reset", "2025-08-21T12:41:00Z"),
        ("anthropic-ratelimit-unified-status", "allowed"),
        ("anthropic-ratelimit-unified-reset", "1755800000"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.42"),
        ("anthropic-priority-input-tokens-remaining", "5"),
        ("anthropic-ratelimit-", "5"),
    ]);
    let expected =
        Told { requests: level(4_000, 3_999, 1_000), tokens: level(480_000, 470_000, 60_000), retry_after: None };
    assert_eq!(anthropic, expected);
}

#[test]
fn of_input_and_output_the_scarcer_counts() {
    let tokens = |input: [&str; 3], output: [&str; 3]| {
        let fields = ["limit", "remaining", "reset"];
        let named = |kind: &'static str, values: [&str; 3]| {
            let name = move |field| format!("anthropic-ratelimit-{kind}-tokens-{field}");
            fields.map(name).into_iter().zip(values.map(str::to_owned)).collect::<Vec<_>>()
        };
        let list = [named("input", input), named("output", output)].concat();
        read(&list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>()).tokens
    };
    // Half of the output is less than nine tenths of the input, and more tokens would say otherwise.
    assert_eq!(tokens(["1000", "900", "1s"], ["2000", "1000", "2s"]), level(2_000, 1_000, 2_000));
    assert_eq!(tokens(["1000", "100", "1s"], ["2000", "1000", "2s"]), level(1_000, 100, 1_000));
    assert_eq!(tokens(["1000", "0", "1s"], ["2000", "0", "2s"]), level(2_000, 0, 2_000));
    assert_eq!(tokens(["1000", "0", "2s"], ["2000", "0", "1s"]), level(1_000, 0, 2_000));
    let unlimited = Some(Level { limit: None, remaining: 900, reset: Some(Millis(1_000)) });
    assert_eq!(tokens(["?", "900", "1s"], ["2000", "1000", "2s"]), unlimited);
    assert_eq!(tokens(["1000", "?", "1s"], ["2000", "1000", "2s"]), level(2_000, 1_000, 2_000));
    assert_eq!(tokens(["?", "?", "?"], ["?", "?", "?"]), None);
}

#[test]
fn what_azure_does_not_know_is_absent() {
    let tokens = |limit, remaining, reset| {
        let name = |field: &str| format!("x-ratelimit-{field}-tokens");
        read(&[(&name("limit"), limit), (&name("remaining"), remaining), (&name("reset"), reset)]).tokens
    };
    assert_eq!(tokens("150000", "149000", "12"), level(150_000, 149_000, 12_000));
    assert_eq!(tokens("-1", "-1", "0"), None);
    assert_eq!(tokens("-1", "0", "12"), None);
    assert_eq!(tokens("0", "0", "12"), None);
    assert_eq!(tokens("150000", "-1", "12"), None);
    assert_eq!(tokens("150000", "7", "-1"), Some(Level { limit: Some(150_000), remaining: 7, reset: None }));
    assert_eq!(tokens("99999999999999999999", "7", "1s"), level(u64::MAX, 7, 1_000));
}

#[test]
fn milliseconds_win_over_seconds() {
    let of = |list: &[(&str, &str)]| read(list).retry_after;
    assert_eq!(of(&[("retry-after", "20")]), Some(Millis(20_000)));
    assert_eq!(of(&[("retry-after", "Thu, 21 Aug 2025 12:40:07 GMT")]), Some(Millis(7_000)));
    assert_eq!(of(&[("retry-after", "0.5"), ("retry-after-ms", "20.2")]), Some(Millis(21)));
    assert_eq!(of(&[("x-ms-retry-after-ms", "30"), ("retry-after-ms", "20"), ("retry-after", "1")]), Some(Millis(20)));
    assert_eq!(of(&[("retry-after", "1"), ("x-ms-retry-after-ms", "30")]), Some(Millis(30)));
    assert_eq!(of(&[("retry-after-ms", "soon"), ("retry-after", "1")]), Some(Millis(1_000)));
    assert_eq!(of(&[("retry-after", "soon"), ("retry-after", " 2 "), ("retry-after", "3")]), Some(Millis(2_000)));
    assert_eq!(of(&[("retry-after-ms", "99999999999999999999")]), Some(DAY));
    for none in ["-1", "NaN", "1e300", ""] {
        assert_eq!(of(&[("retry-after", none)]), None, "{none}");
    }
    assert_eq!(of(&[]), None);
}

#[test]
fn a_refused_request_waits_for_what_is_used_up() {
    let requests = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")];
    let tokens = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1s")];
    let some_left = [("x-ratelimit-remaining-tokens", "5"), ("x-ratelimit-reset-tokens", "1h")];
    let wait = |parts: &[&[(&str, &str)]]| read(&parts.concat()).wait();
    assert_eq!(wait(&[&requests]), Some(Millis(360_000)));
    assert_eq!(wait(&[&requests, &tokens]), Some(Millis(360_000)));
    assert_eq!(wait(&[&requests, &some_left]), Some(Millis(360_000)));
    assert_eq!(wait(&[&some_left]), None);
    assert_eq!(wait(&[&requests, &[("retry-after", "2")]]), Some(Millis(2_000)));
    assert_eq!(wait(&[&requests[..1]]), None);
    assert_eq!(wait(&[]), None);
}

#[test]
fn bytes_that_are_no_text_are_passed_over() {
    let list = vec![
        ("retry-after".into(), vec![0xFF]),
        ("x-ratelimit-remaining-tokens".into(), vec![b'1', 0xC3]),
        ("retry-after-ms".into(), b"5".to_vec()),
    ];
    let told = super::read(&Headers::decode(encode(&list)), NOW);
    assert_eq!(told, Told { retry_after: Some(Millis(5)), ..Told::default() });
}
