//! The control API over HTTP.

use serde_json::json;
use weir_sim::{Provider, Sim, SimConfig};

use crate::common::Rig;

#[tokio::test]
async fn faults_are_set_one_or_many_and_removed() {
    let rig = Rig::start().await;
    let status = async || rig.hello(Provider::OpenAi).send().await.unwrap().status().as_u16();
    assert_eq!(rig.control("PUT", "/faults/openai", r#"{"times":1,"status":429}"#).await.0, 200);
    assert_eq!((status().await, status().await), (429, 200));
    rig.control("PUT", "/faults/openai", r#"[{"times":1,"status":500},{"status":503}]"#).await;
    assert_eq!((status().await, status().await, status().await), (500, 503, 503));
    rig.control("DELETE", "/faults/openai", "").await;
    assert_eq!(status().await, 200);
    rig.control("PUT", "/faults/openai", r#"{"refuse":true}"#).await;
    assert!(rig.hello(Provider::OpenAi).send().await.is_err());
    rig.control("DELETE", "/faults", "").await;
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn replies_limits_and_settings_are_set_and_reset() {
    let rig = Rig::start().await;
    let said = async || rig.send(rig.hello(Provider::OpenAi)).await.1["choices"][0]["message"].clone();
    rig.control("PUT", "/reply/openai", r#"{"text":"fixed","prompt_tokens":7}"#).await;
    assert_eq!(said().await["content"], "fixed");
    rig.control("PUT", "/reply/openai", r#"{"tool_call":{"name":"f","arguments":{"a":1}}}"#).await;
    assert_eq!(said().await["tool_calls"][0]["function"], json!({"name": "f", "arguments": "{\"a\":1}"}));
    rig.control("DELETE", "/reply/openai", "").await;
    assert!(said().await["content"].as_str().unwrap().starts_with("Hello"));
    rig.control("PUT", "/limits/openai", r#"{"requests_per_minute":1}"#).await;
    rig.control("PUT", "/settings", r#"{"journal":false}"#).await;
    let statuses = [(); 2].map(|()| rig.hello(Provider::OpenAi).send());
    let mut codes = Vec::new();
    for status in statuses {
        codes.push(status.await.unwrap().status().as_u16());
    }
    assert_eq!(codes, [200, 429]);
    assert_eq!(rig.control("POST", "/reset", "").await.0, 200);
    assert_eq!(rig.sim.stats().openai.requests, 0);
    assert_eq!(rig.hello(Provider::OpenAi).send().await.unwrap().status(), 200, "no limits");
    assert_eq!(rig.sim.journal().len(), 1, "the journal is on again");
}

#[tokio::test]
async fn the_journal_is_read_by_provider_and_limit() {
    let rig = Rig::start().await;
    for provider in Provider::ALL {
        rig.hello(provider).send().await.unwrap();
        rig.hello(provider).send().await.unwrap();
    }
    let (_, entries) = rig.control("GET", "/journal?provider=gemini&limit=1", "").await;
    let [entry] = entries.as_array().unwrap().as_slice() else { panic!("{entries}") };
    assert_eq!(
        (&entry["provider"], &entry["outcome"], &entry["status"]),
        (&json!("gemini"), &json!("complete"), &json!(200))
    );
    assert!(entry["headers"].as_array().unwrap().contains(&json!(["content-type", "application/json"])));
    assert_eq!(rig.control("GET", "/journal", "").await.1.as_array().unwrap().len(), 6);
    rig.control("DELETE", "/journal", "").await;
    assert_eq!(rig.control("GET", "/journal", "").await.1, json!([]));
    assert_eq!(rig.control("GET", "/stats", "").await.1["gemini"]["by_status"], json!({"200": 2}));
    assert_eq!(rig.control("GET", "/healthz", "").await.1["status"], "ok");
}

#[tokio::test]
async fn mistakes_are_named_in_json() {
    let rig = Rig::start().await;
    for (method, path, body, status, message) in [
        ("PUT", "/faults/openai", r#"{"statsu":500}"#, 400, "fault 0: unknown field `statsu`"),
        ("PUT", "/faults/openai", r#"[{"status":500},{"status":200}]"#, 400, "status must be 400 to 599"),
        ("PUT", "/faults/mistral", "{}", 400, "unknown provider \"mistral\""),
        ("PUT", "/faults/openai", "nonsense", 400, "expected"),
        ("PUT", "/reply/openai", r#"{"text":"a","words":1}"#, 400, "set text or words"),
        ("PUT", "/limits/openai", r#"{"rpm":1}"#, 400, "unknown field `rpm`"),
        ("PUT", "/limits/openai", r#"{"requests_per_minute":0}"#, 400, "a limit of 0"),
        ("GET", "/journal?limit=x", "", 400, "limit must be a number"),
        ("GET", "/journal?since=1", "", 400, "unknown parameter \"since\""),
        ("GET", "/nothing", "", 404, "no such control path"),
        ("POST", "/stats", "", 405, "method not allowed"),
    ] {
        let (got, answer) = rig.control(method, path, body).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(got, status, "{method} {path}: {answer}");
        assert!(error.contains(message), "{method} {path}: {error}");
    }
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let rig = Rig::start().await;
    let taken = rig.sim.addr(Provider::OpenAi);
    let error = Sim::start(SimConfig { gemini: taken, ..SimConfig::free_ports() }).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot bind gemini to {taken}"));
}

#[tokio::test]
async fn run_ends_on_shutdown_and_frees_its_ports() {
    let config = SimConfig::free_ports();
    weir_sim::run(config, async {}).await.unwrap();
    let rig = Rig::start().await;
    let addr = rig.sim.addr(Provider::OpenAi);
    rig.sim.shutdown().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    let rig = Rig::start().await;
    let addr = rig.sim.addr(Provider::OpenAi);
    drop(rig);
    tokio::task::yield_now().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "a drop closes the sockets");
}
