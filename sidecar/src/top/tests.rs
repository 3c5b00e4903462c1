//! Frames of every kind, as they are seen.

use super::screen::{Screen, Window, read};
use super::{draw, plain};
use crate::failure::Failure;
use crate::serve::ui::view::View;
use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};
use std::time::Duration;

const NOW: u64 = 1_795_694_400_000;

fn count(total: f64, rate: f64, minute: f64) -> Value {
    json!({ "total": total, "rate": rate, "minute": minute })
}

fn named(name: &str, total: f64, rate: f64, minute: f64) -> Value {
    json!({ "name": name, "total": total, "rate": rate, "minute": minute })
}

fn times(p50: Option<f64>, p95: Option<f64>, p99: Option<f64>) -> Value {
    let percentiles = json!({ "count": 100.0, "p50": p50, "p95": p95, "p99": p99 });
    json!({ "ever": percentiles, "minute": percentiles })
}

fn provider(name: &str, cooldown: f64, ejected: f64, ok_percent: Option<f64>, results: &[Value]) -> Value {
    json!({
        "name": name, "in_flight": 3.0, "cooldown": cooldown, "ejected": ejected, "attempts": count(90_000.0, 41.5, 2_490.0),
        "ok_percent": ok_percent, "results": results, "first_token": times(Some(350.0), Some(1_240.0), Some(2_800.0)),
        "attempt": times(None, None, None), "tokens": [], "microusd": count(0.0, 0.0, 0.0),
    })
}

/// Nobody has asked anything yet.
pub(super) fn empty() -> View {
    let none = || times(None, None, None);
    let nothing = || count(0.0, 0.0, 0.0);
    let view = json!({
        "at": NOW, "rate_seconds": 0.0, "minute_seconds": 0.0,
        "served": { "ok": 0.0, "failed": 0.0, "percent": null, "ever_percent": null },
        "requests": nothing(), "outcomes": [], "history": [], "providers": [], "models": [], "tokens": [],
        "cost": { "microusd": nothing(), "unpriced": nothing(), "rows": [] },
        "cache": { "hit_percent": null, "ever_hit_percent": null, "results": [], "bytes": 0.0 },
        "waiting": { "now": 0.0, "oldest": 0.0, "wait": none(), "limited": [] },
        "budgets": [], "fallbacks": [],
        "overhead": { "request_us": none(), "event_us": none(), "vm_memory_bytes": null },
        "envoys": [{ "address": "127.0.0.1:9901", "state": "live", "why": null, "uptime_seconds": 2.0, "memory_bytes": 3.2e7 }],
        "sidecar": {
            "version": "0.1.0", "uptime_seconds": 3.0, "store": "memory", "store_ms": 0.012, "is_missed": false,
            "followers": 0, "cache_bytes": 0, "cache_entries": 0,
        },
    });
    read(view).expect("a view")
}

/// One provider is dead, another one has too much to do.
fn busy() -> View {
    let mut view = serde_json::to_value(empty()).expect("JSON");
    let history = (0..180_u32).map(|second| {
        let failed = if second % 45 == 0 { 2.0 } else { 0.0 };
        let ok = 60.0 + 50.0 * (f64::from(second) / 20.0).sin();
        json!({ "at": NOW - u64::from(180 - second) * 1_000, "ok": ok, "failed": failed, "other": 0.5 })
    });
    let more = json!({
        "rate_seconds": 10.0, "minute_seconds": 60.0,
        "served": { "ok": 3_412.0, "failed": 14.0, "percent": 99.591_3, "ever_percent": 99.98 },
        "requests": count(181_230.0, 56.8, 3_431.0),
        "outcomes": [
            named("ok", 181_000.0, 56.5, 3_412.0), named("limited", 40.0, 0.1, 3.0), named("upstream_429", 0.0, 0.0, 0.0),
            named("upstream_5xx", 12.0, 0.0, 0.0), named("timeout", 60.0, 0.2, 11.0), named("cut", 1.0, 0.0, 0.0),
            named("client_error", 17.0, 0.1, 5.0), named("aborted", 100.0, 0.0, 0.0),
        ],
        "history": history.collect::<Vec<_>>(),
        "providers": [
            provider("openai", 12.0, 0.0, Some(81.25), &[
                named("ok", 80_000.0, 33.0, 2_000.0), named("rate_limited", 10_000.0, 7.0, 460.0),
            ]),
            provider("claude", 0.0, 0.0, Some(100.0), &[named("ok", 90_000.0, 40.0, 2_490.0)]),
            provider("gemini", 0.0, 1.0, Some(0.0), &[
                named("connection_failure", 400.0, 1.0, 41.0), named("timeout", 30.0, 0.1, 4.0),
            ]),
        ],
        "models": [
            {
                "name": "smart", "requests": count(181_000.0, 56.0, 3_400.0), "ok_percent": 99.59,
                "duration": times(Some(820.0), Some(3_100.0), Some(7_400.0)),
            },
            { "name": "-", "requests": count(17.0, 0.1, 5.0), "ok_percent": null, "duration": times(None, None, None) },
        ],
        "tokens": [named("input", 48_123_000.0, 0.0, 0.0), named("output", 9_331_200.0, 0.0, 0.0)],
        "cost": { "microusd": count(412_337_000.0, 100.0, 6_000_000.0), "unpriced": count(0.0, 0.0, 0.0), "rows": [] },
        "cache": {
            "hit_percent": 22.349, "ever_hit_percent": 30.0, "bytes": 1_200_000.0,
            "results": [named("hit", 900.0, 1.0, 60.0), named("coalesced", 9.0, 0.0, 2.0), named("miss", 3_000.0, 4.0, 210.0)],
        },
        "waiting": {
            "now": 7.0, "oldest": 1_430.0, "wait": times(Some(120.0), Some(900.0), Some(1_900.0)),
            "limited": [named("tenant_requests", 300.0, 1.0, 44.0)],
        },
        "budgets": [{ "tenant": "team-a", "percent": 83.0, "is_warned": true, "microusd": 50_000_000, "per": "day" }],
        "fallbacks": [
            { "since": NOW - 9_000, "at": NOW - 1_000, "from": "openai", "to": "claude", "reason": "rate_limited", "count": 61.0 },
            { "since": NOW - 9_000, "at": NOW - 4_000, "from": "gemini", "to": "claude", "reason": "connection_failure", "count": 9.0 },
        ],
        "overhead": {
            "request_us": times(Some(61.0), Some(120.0), Some(180.0)), "event_us": times(None, None, None),
            "vm_memory_bytes": 1_245_184.0,
        },
    });
    for (name, value) in more.as_object().expect("fields") {
        view[name] = value.clone();
    }
    read(view).expect("a view")
}

fn screen(view: Option<View>) -> Screen {
    let mut screen = Screen::new("127.0.0.1:10001 (sidecar.listen)", Window::Minute, true);
    screen.view = view;
    screen
}

/// A frame of so many columns and lines.
fn check(screen: &Screen, (width, height): (u16, u16), expected: &Expect) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw::draw(screen, frame.area(), frame.buffer_mut())).expect("a frame");
    expected.assert_eq(&terminal.backend().to_string());
}

#[test]
fn a_wide_frame_has_all() {
    check(
        &screen(Some(busy())),
        (120, 40),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                                                                             in the last minute "
            "                                                                                                                        "
            " 99.59 % served   Almost everybody is served.                                                                           "
            " 3,412 served in the last minute, 14 not: 3 limited, 11 timeout.                                                        "
            "                                                                                                                        "
            " Requests         all  429 limit  429 targets  5xx  timeouts  cut  by client                     per second, last 3 min "
            " per second        57        0.1            0    0       0.2    0        0.1  ▁▃▄▅▆▇▇▇▇▇▆▄▃▁               ▂▃▅▆▇▇█▇▇▆▅▄ "
            " since start  181,230         40            0   12        60    1        117  ███████████████▆▅▄▂▂▁▁▁▂▃▄▅▆█████████████ "
            "                                                                                                                        "
            " Providers                 per s   served  in flight  1st token P50     P95     P99  results                            "
            " openai     cooldown 0:12     42  81.25 %          3         350 ms  1.24 s  2.80 s  460 rate limited, 2,000 ok         "
            " claude     ready             42    100 %          3         350 ms  1.24 s  2.80 s  2,490 ok                           "
            " gemini     ejected           42   0.00 %          3         350 ms  1.24 s  2.80 s  41 connection failure, 4 timeout   "
            "                                                                                                                        "
            " Models          per s   served     P50     P95     P99  requests                                                       "
            " smart              56  99.59 %  820 ms  3.10 s  7.40 s     3,400                                                       "
            " no known model    0.1        –       –       –       –         5                                                       "
            "                                                                                                                        "
            " Waiting room                   Cache                         Cost since Envoy’s start       Weir itself                "
            " now                       7    hit ratio          22.34 %    cost                $412.34    per request P50      61 µs "
            " oldest               1.43 s    hits                    60    in the last minute    $6.00    per request P99     180 µs "
            " wait P50             120 ms    shared                   2    tokens in        48,123,000    sidecar             up 3 s "
            " wait P99             1.90 s    misses                 210    tokens out        9,331,200    store, memory        12 µs "
            " limit: tenant requests   44    in the workers     1.1 MiB    budget: team-a         83 %    Envoy’s memory    30.5 MiB "
            "                                                                                                                        "
            " Fallbacks  the last         requests  reason                                                                           "
            " 11:59:59Z  openai → claude        61  rate limited                                                                     "
            " 11:59:56Z  gemini → claude         9  connection failure                                                               "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            " m since start   q quit                                                                                                 "
        "#]],
    );
}

#[test]
fn a_narrow_frame_has_what_matters_first() {
    check(
        &screen(Some(busy())),
        (60, 20),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                 in the last minute "
            "                                                            "
            " 99.59 % served   Almost everybody is served.               "
            " 3,412 served in the last minute, 14 not: 3 limited, 11     "
            " timeout.                                                   "
            "                                                            "
            " Requests         all  429 limit  429 targets  5xx          "
            " per second        57        0.1            0    0          "
            " since start  181,230         40            0   12          "
            " Requests     timeouts  cut  by client                      "
            " per second        0.2    0        0.1                      "
            " since start        60    1        117                      "
            "                                                            "
            " Providers                 per s   served  1st token P95    "
            " openai     cooldown 0:12     42  81.25 %         1.24 s    "
            " claude     ready             42    100 %         1.24 s    "
            " gemini     ejected           42   0.00 %         1.24 s    "
            "                                                            "
            " Models          per s   served     P50     P95             "
            " m since start   q quit                                     "
        "#]],
    );
}

#[test]
fn a_narrow_and_long_frame_has_the_rest_below() {
    check(
        &screen(Some(busy())),
        (60, 46),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                 in the last minute "
            "                                                            "
            " 99.59 % served   Almost everybody is served.               "
            " 3,412 served in the last minute, 14 not: 3 limited, 11     "
            " timeout.                                                   "
            "                                                            "
            " Requests         all  429 limit  429 targets  5xx          "
            " per second        57        0.1            0    0          "
            " since start  181,230         40            0   12          "
            " Requests     timeouts  cut  by client                      "
            " per second        0.2    0        0.1                      "
            " since start        60    1        117                      "
            "                                                            "
            " Providers                 per s   served  1st token P95    "
            " openai     cooldown 0:12     42  81.25 %         1.24 s    "
            " claude     ready             42    100 %         1.24 s    "
            " gemini     ejected           42   0.00 %         1.24 s    "
            "                                                            "
            " Models          per s   served     P50     P95             "
            " smart              56  99.59 %  820 ms  3.10 s             "
            " no known model    0.1        –       –       –             "
            "                                                            "
            " Waiting room                   Cache                       "
            " now                       7    hit ratio           22.34 % "
            " oldest               1.43 s    hits                     60 "
            " wait P50             120 ms    shared                    2 "
            " wait P99             1.90 s    misses                  210 "
            " limit: tenant requests   44    in the workers      1.1 MiB "
            "                                                            "
            " Cost since Envoy’s start       Weir itself                 "
            " cost                $412.34    per request P50       61 µs "
            " in the last minute    $6.00    per request P99      180 µs "
            " tokens in        48,123,000    sidecar              up 3 s "
            " tokens out        9,331,200    store, memory         12 µs "
            " budget: team-a         83 %    Envoy’s memory     30.5 MiB "
            "                                                            "
            " Fallbacks  the last         requests  reason               "
            " 11:59:59Z  openai → claude        61  rate limited         "
            " 11:59:56Z  gemini → claude         9  connection failure   "
            "                                                            "
            "                                                            "
            "                                                            "
            "                                                            "
            "                                                            "
            "                                                            "
            " m since start   q quit                                     "
        "#]],
    );
}

#[test]
fn nothing_has_happened_yet() {
    check(
        &screen(Some(empty())),
        (120, 40),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                                                                             in the last minute "
            "                                                                                                                        "
            " – served   Nobody has asked lately.                                                                                    "
            " 0 served in the last minute.                                                                                           "
            "                                                                                                                        "
            " Requests     all  429 limit  429 targets  5xx  timeouts  cut  by client                         per second, last 3 min "
            " per second     0          0            0    0         0    0          0                                                "
            " since start    0          0            0    0         0    0          0                                                "
            "                                                                                                                        "
            " Providers    per s  served  in flight  1st token P50  P95  P99  results                                                "
            " No provider is configured.                                                                                             "
            "                                                                                                                        "
            " Models  per s  served  P50  P95  P99  requests                                                                         "
            " No model is configured.                                                                                                "
            "                                                                                                                        "
            " Waiting room                   Cache                         Cost since Envoy’s start       Weir itself                "
            " now                       0    hit ratio                –    cost                  $0.00    per request P50          – "
            " oldest                    –    hits                     0    in the last minute    $0.00    per request P99          – "
            " wait P50                  –    shared                   0    tokens in                 0    sidecar             up 3 s "
            " wait P99                  –    misses                   0    tokens out                0    store, memory        12 µs "
            " met a limit          nobody    in the workers       0 KiB    without a price           0    Envoy’s memory    30.5 MiB "
            "                                                                                                                        "
            " Fallbacks  the last  requests  reason                                                                                  "
            " None since somebody looks.                                                                                             "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            "                                                                                                                        "
            " m since start   q quit                                                                                                 "
        "#]],
    );
    check(
        &screen(Some(empty())),
        (60, 20),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                 in the last minute "
            "                                                            "
            " – served   Nobody has asked lately.                        "
            " 0 served in the last minute.                               "
            "                                                            "
            " Requests     all  429 limit  429 targets  5xx              "
            " per second     0          0            0    0              "
            " since start    0          0            0    0              "
            " Requests     timeouts  cut  by client                      "
            " per second          0    0          0                      "
            " since start         0    0          0                      "
            "                                                            "
            " Providers    per s  served  1st token P95                  "
            " No provider is configured.                                 "
            "                                                            "
            " Models  per s  served  P50  P95                            "
            " No model is configured.                                    "
            "                                                            "
            " Waiting room                   Cache                       "
            " m since start   q quit                                     "
        "#]],
    );
}

#[test]
fn a_sidecar_that_was_never_there_is_named() {
    check(
        &screen(None),
        (60, 6),
        &expect![[r#"
        " Weir                                                       "
        "                                                            "
        " asking 127.0.0.1:10001 (sidecar.listen) …                  "
        "                                                            "
        "                                                            "
        " m since start   q quit                                     "
    "#]],
    );
    let mut screen = screen(None);
    screen.take(Err(Failure::Runtime(
        "no sidecar at 127.0.0.1:10001 (sidecar.listen): is `weir up` running?".to_owned(),
    )));
    check(
        &screen,
        (60, 6),
        &expect![[r#"
        " Weir                                                       "
        "                                                            "
        " no sidecar at 127.0.0.1:10001 (sidecar.listen): is `weir   "
        " up` running?                                               "
        "                                                            "
        " m since start   q quit                                     "
    "#]],
    );
}

#[test]
fn while_the_sidecar_is_away_its_last_word_stays_and_clocks_go_on() {
    let mut screen = screen(Some(busy()));
    screen.age = Duration::from_secs(7);
    screen.take(Err(Failure::Runtime("no sidecar at 127.0.0.1:10001 (sidecar.listen): it does not answer".to_owned())));
    check(
        &screen,
        (84, 24),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                                                    7 s old "
            "                                                                                    "
            " no sidecar at 127.0.0.1:10001 (sidecar.listen): it does not answer                 "
            "                                                                                    "
            " 99.59 % served   Almost everybody is served.                                       "
            " 3,412 served in the last minute, 14 not: 3 limited, 11 timeout.                    "
            "                                                                                    "
            " Requests         all  429 limit  429 targets  5xx  timeouts  cut  by client        "
            " per second        57        0.1            0    0       0.2    0        0.1        "
            " since start  181,230         40            0   12        60    1        117        "
            "                                                                                    "
            " Providers                 per s   served  1st token P95  results                   "
            " openai     cooldown 0:05     42  81.25 %         1.24 s  460 rate limited, 2,000 … "
            " claude     ready             42    100 %         1.24 s  2,490 ok                  "
            " gemini     ejected           42   0.00 %         1.24 s  41 connection failure, 4… "
            "                                                                                    "
            " Models          per s   served     P50     P95                                     "
            " smart              56  99.59 %  820 ms  3.10 s                                     "
            " no known model    0.1        –       –       –                                     "
            "                                                                                    "
            " Waiting room                               Cache                                   "
            " now                                   7    hit ratio                       22.34 % "
            " oldest                           1.43 s    hits                                 60 "
            " m since start   q quit                                                             "
        "#]],
    );
}

#[test]
fn since_the_start_there_are_other_numbers() {
    let mut screen = screen(Some(busy()));
    screen.switch();
    check(
        &screen,
        (120, 18),
        &expect![[r#"
            " Weir  1 of 1 Envoy live                                                                            since Envoy’s start "
            "                                                                                                                        "
            " 99.98 % served   Almost everybody is served.                                                                           "
            " 3,412 served in the last minute, 14 not: 3 limited, 11 timeout.                                                        "
            "                                                                                                                        "
            " Requests         all  429 limit  429 targets  5xx  timeouts  cut  by client                     per second, last 3 min "
            " per second        57        0.1            0    0       0.2    0        0.1  ▁▃▄▅▆▇▇▇▇▇▆▄▃▁               ▂▃▅▆▇▇█▇▇▆▅▄ "
            " since start  181,230         40            0   12        60    1        117  ███████████████▆▅▄▂▂▁▁▁▂▃▄▅▆█████████████ "
            "                                                                                                                        "
            " Providers                 per s   served  in flight  1st token P50     P95     P99  results                            "
            " openai     cooldown 0:12     42  81.25 %          3         350 ms  1.24 s  2.80 s  10,000 rate limited, 80,000 ok     "
            " claude     ready             42    100 %          3         350 ms  1.24 s  2.80 s  90,000 ok                          "
            " gemini     ejected           42   0.00 %          3         350 ms  1.24 s  2.80 s  400 connection failure, 30 timeout "
            "                                                                                                                        "
            " Models          per s   served     P50     P95     P99  requests                                                       "
            " smart              56  99.59 %  820 ms  3.10 s  7.40 s   181,000                                                       "
            " no known model    0.1        –       –       –       –        17                                                       "
            " m last minute   q quit                                                                                                 "
        "#]],
    );
}

#[test]
fn an_envoy_that_is_away_is_said() {
    let mut view = empty();
    view.envoys[0].state = crate::serve::ui::view::State::Unreachable;
    view.envoys[0].why = Some("cannot be reached".to_owned());
    check(
        &screen(Some(view)),
        (100, 8),
        &expect![[r#"
            " Weir  0 of 1 Envoy live                                                         in the last minute "
            "                                                                                                    "
            " – served   No Envoy can be read.                                                                   "
            " 0 served in the last minute.                                                                       "
            " Envoy 127.0.0.1:9901 cannot be reached.                                                            "
            "                                                                                                    "
            " Requests     all  429 limit  429 targets  5xx  timeouts  cut  by client     per second, last 3 min "
            " m since start   q quit                                                                             "
        "#]],
    );
}

#[test]
fn one_frame_as_text_has_all_and_no_keys() {
    let mut screen = screen(Some(busy()));
    screen.has_keys = false;
    let text = plain::text(&screen);
    assert!(text.starts_with(" Weir  1 of 1 Envoy live") && text.ends_with("connection failure"), "{text}");
    assert!(!text.contains("quit") && text.lines().all(|line| line.trim_end() == line));
}

#[test]
fn no_size_is_too_small_and_no_number_too_large() {
    let mut view = busy();
    for model in &mut view.models {
        model.name = "\u{6a21}".repeat(400);
        model.requests.rate = f64::MAX;
        model.duration.minute.p99 = Some(f64::INFINITY);
    }
    view.providers[0].cooldown = f64::MAX;
    view.history[0].ok = f64::MAX;
    let screen = screen(Some(view));
    for width in [0, 1, 2, 3, 10, 33, 59, 99, 100, 101, 140] {
        for height in [0, 1, 2, 3, 5, 8, 12, 19, 30, 45] {
            let area = Rect::new(0, 0, width, height);
            draw::draw(&screen, area, &mut Buffer::empty(area));
        }
    }
}

#[test]
fn no_name_steers_the_terminal() {
    let mut answer = serde_json::to_value(busy()).expect("JSON");
    answer["providers"][0]["name"] = "evil\u{1b}]0;title\u{7}\u{202e}".into();
    let view = read(answer).expect("a view");
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a terminal");
    terminal.draw(|frame| draw::draw(&screen(Some(view)), frame.area(), frame.buffer_mut())).expect("a frame");
    let shown = terminal.backend().to_string();
    assert!(shown.contains("evil\u{fffd}]0;title\u{fffd}\u{fffd}"), "{shown}");
    assert!(!shown.chars().any(|char| char.is_control() && char != '\n'));
}
