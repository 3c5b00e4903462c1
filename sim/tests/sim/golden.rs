//! The bodies that the gateway's core makes of other dialects' requests (its golden files): the strict simulator takes
//! each of them.

use crate::common::Rig;
use serde_json::Value;
use std::fs;
use std::path::Path;
use weir_sim::Provider;

async fn check(dialect: &str, ending: &str, provider: Provider) {
    let rig = Rig::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/golden/requests").join(dialect);
    let mut taken = 0;
    let mut refused = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(&format!(".{ending}.json")) {
            continue;
        }
        let outcome: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let Some(body) = outcome.get("body") else { continue };
        let request_path = match provider {
            Provider::OpenAi => "/v1/chat/completions".to_owned(),
            Provider::Anthropic => "/v1/messages".to_owned(),
            Provider::Gemini => format!("/v1beta/models/{}:generateContent", outcome["model"].as_str().unwrap()),
        };
        let response = rig.post(provider, &request_path).json(body).send().await.unwrap();
        let status = response.status();
        match status.is_success() {
            true => taken += 1,
            false => refused.push(format!("{name}: {status} {}", response.text().await.unwrap())),
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(taken >= 20, "only {taken} cases of {dialect} for {ending}");
}

#[tokio::test]
async fn openai_takes_what_an_anthropic_client_asks() {
    check("anthropic", "openai", Provider::OpenAi).await;
}

#[tokio::test]
async fn gemini_takes_what_an_anthropic_client_asks() {
    check("anthropic", "gemini", Provider::Gemini).await;
}

#[tokio::test]
async fn openai_takes_what_a_gemini_client_asks() {
    check("gemini", "openai", Provider::OpenAi).await;
}

#[tokio::test]
async fn anthropic_takes_what_a_gemini_client_asks() {
    check("gemini", "anthropic", Provider::Anthropic).await;
}
