//! A client's body, and the body that each kind of provider gets.

use crate::cases::{cases, expect, folder};
use crate::pretty::pretty;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use weir_core::capability::Table;
use weir_core::chat::{ChatRequest, Content, Part};
use weir_core::config::{Kind, OnUnsupported};
use weir_core::dialect::{Dialect, Parsed, anthropic, gemini, openai as openai_dialect};
use weir_core::provider::{self, Unsupported};
use weir_core::refusal::Refusal;

/// One case: a body, and what stands around it. The models are those of the targets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case<'a> {
    /// What is to be seen here.
    #[serde(rename = "about")]
    _about: String,
    #[serde(borrow)]
    body: &'a RawValue,
    /// Of a Gemini client.
    #[serde(default = "path")]
    path: String,
    #[serde(default = "openai")]
    openai: String,
    #[serde(default = "anthropic")]
    anthropic: String,
    #[serde(default = "gemini")]
    gemini: String,
}

fn path() -> String {
    "/v1/models/smart:generateContent".to_owned()
}

fn openai() -> String {
    "gpt-4.1".to_owned()
}

fn anthropic() -> String {
    "claude-sonnet-4-6".to_owned()
}

fn gemini() -> String {
    "gemini-3.8-flash".to_owned()
}

pub(crate) fn parse(dialect: Dialect, path: &str, body: &[u8]) -> Result<Parsed, Refusal> {
    match dialect {
        Dialect::Anthropic => anthropic::parse(body.to_vec()),
        Dialect::Gemini => gemini::parse(body.to_vec(), &gemini::Call::parse(path).unwrap()),
        Dialect::OpenAi => unreachable!("OpenAI's clients have a parser of their own"),
    }
}

/// The body for a target, and what it does not get.
pub(crate) fn translate(parsed: &Parsed, kind: Kind, model: &str) -> Result<(Vec<u8>, Vec<&'static str>), Unsupported> {
    translate_chat(parsed.chat(), kind, model)
}

pub(crate) fn translate_chat(
    chat: &ChatRequest<'_>,
    kind: Kind,
    model: &str,
) -> Result<(Vec<u8>, Vec<&'static str>), Unsupported> {
    let capabilities = Table::builtin().unwrap().of(kind, model);
    match kind {
        Kind::OpenAi => {
            let request = provider::openai::translate::translate(chat, model, &capabilities, OnUnsupported::Error)?;
            Ok((request.write(true), request.dropped))
        }
        Kind::Anthropic => {
            let request = provider::anthropic::request::translate(chat, model, &capabilities, OnUnsupported::Error)?;
            Ok((request.write(), request.dropped))
        }
        Kind::Gemini => {
            let request = provider::gemini::request::translate(chat, model, &capabilities, OnUnsupported::Error)?;
            Ok((request.write(false), request.dropped))
        }
    }
}

/// What becomes of the case at a target, as JSON.
fn outcome(parsed: &Parsed, kind: Kind, model: &str) -> String {
    if let Some(own) = parsed.own_kind().first() {
        let Unsupported { param, message } = own.unsupported();
        return json!({ "own_kind": { "param": param, "message": message } }).to_string();
    }
    let translated = translate(parsed, kind, model).map_err(|unsupported| parsed.locate(unsupported));
    shown(translated, model, |dropped| {
        let mut names: Vec<String> = parsed.hints().iter().map(|hint| (*hint).to_owned()).collect();
        names.extend(dropped.into_iter().map(|name| parsed.name(name)));
        names
    })
}

/// A translation, as JSON.
fn shown(
    translated: Result<(Vec<u8>, Vec<&'static str>), Unsupported>,
    model: &str,
    names: impl FnOnce(Vec<&'static str>) -> Vec<String>,
) -> String {
    match translated {
        Err(Unsupported { param, message }) => {
            json!({ "unsupported": { "param": param, "message": message } }).to_string()
        }
        Ok((body, dropped)) => {
            let (model, names) = (json!(model), json!(names(dropped)));
            let body = String::from_utf8(body).unwrap();
            format!(r#"{{"model":{model},"dropped":{names},"body":{body}}}"#)
        }
    }
}

/// All cases of a dialect at all kinds of target but its own, where the body goes as it is.
fn check(dialect: Dialect, name: &str, targets: &[(Kind, &str)]) {
    let folder = folder("requests").join(name);
    for (case_name, text) in cases(&folder, ".json") {
        let case: Case<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case_name}: {error}"));
        let parsed = match parse(dialect, &case.path, case.body.get().as_bytes()) {
            Ok(parsed) => parsed,
            Err(refusal) => {
                let json = String::from_utf8(dialect.error_json(&refusal.error())).unwrap();
                expect(&folder, &format!("{case_name}.refused.json"), &pretty(&json));
                continue;
            }
        };
        assert_eq!(parsed.body(), case.body.get().as_bytes());
        for (kind, ending) in targets {
            let model = match kind {
                Kind::OpenAi => &case.openai,
                Kind::Anthropic => &case.anthropic,
                Kind::Gemini => &case.gemini,
            };
            expect(&folder, &format!("{case_name}.{ending}.json"), &pretty(&outcome(&parsed, *kind, model)));
        }
    }
}

#[test]
fn what_an_openai_client_asks_reaches_the_others() {
    let folder = folder("requests").join("openai");
    for (case_name, text) in cases(&folder, ".json") {
        let case: Case<'_> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case_name}: {error}"));
        let parsed = match openai_dialect::parse(case.body.get().as_bytes().to_vec()) {
            Ok(parsed) => parsed,
            Err(refusal) => {
                let json = String::from_utf8(Dialect::OpenAi.error_json(&refusal.error())).unwrap();
                expect(&folder, &format!("{case_name}.refused.json"), &pretty(&json));
                continue;
            }
        };
        for (kind, model, ending) in
            [(Kind::Anthropic, &case.anthropic, "anthropic"), (Kind::Gemini, &case.gemini, "gemini")]
        {
            let translated = translate_chat(parsed.chat(), kind, model);
            let seen = shown(translated, model, |dropped| dropped.into_iter().map(str::to_owned).collect());
            expect(&folder, &format!("{case_name}.{ending}.json"), &pretty(&seen));
        }
    }
}

#[test]
fn what_an_anthropic_client_asks_reaches_the_others() {
    check(Dialect::Anthropic, "anthropic", &[(Kind::OpenAi, "openai"), (Kind::Gemini, "gemini")]);
}

#[test]
fn what_a_gemini_client_asks_reaches_the_others() {
    check(Dialect::Gemini, "gemini", &[(Kind::OpenAi, "openai"), (Kind::Anthropic, "anthropic")]);
}

#[test]
fn a_prompt_its_images_and_its_arguments_are_not_copied() {
    let bodies = [
        (
            Dialect::Anthropic,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"prompt"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0K"}}]},
            {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":{"a":"arguments"}}]}]}"#,
        ),
        (
            Dialect::Gemini,
            r#"{"contents":[{"parts":[{"text":"prompt"},{"inlineData":{"mimeType":"image/png","data":"iVBORw0K"}}]},
            {"role":"model","parts":[{"functionCall":{"name":"n","args":{"a":"arguments"}}}]}]}"#,
        ),
    ];
    for (dialect, body) in bodies {
        let parsed = parse(dialect, &path(), body.as_bytes()).unwrap();
        let place = parsed.body().as_ptr_range();
        let mut texts: Vec<&str> = Vec::new();
        for message in &parsed.chat().messages {
            for part in message.content.iter().flat_map(Content::list) {
                match part {
                    Part::Text(text) => texts.push(text),
                    Part::Media(media) => texts.push(media.source.as_str()),
                    other => panic!("{other:?}"),
                }
            }
            let calls = message.tool_calls.iter().flatten();
            texts.extend(calls.map(|call| call.function.as_ref().unwrap().arguments.as_str()));
        }
        assert_eq!(texts, ["prompt", "iVBORw0K", r#"{"a":"arguments"}"#]);
        assert!(texts.iter().all(|text| place.contains(&text.as_ptr())), "{dialect:?}");
    }
}

#[test]
fn thoughts_are_shown_to_who_asked_for_them() {
    let anthropic = |thinking: &str| {
        let messages = r#""messages":[{"role":"user","content":"Hi"}]"#;
        let body = format!(r#"{{"model":"m","max_tokens":1,{messages}{thinking}}}"#);
        parse(Dialect::Anthropic, "", body.as_bytes()).unwrap().shows_thoughts()
    };
    assert!(!anthropic(""));
    assert!(!anthropic(r#","output_config":{"effort":"high"}"#));
    assert!(!anthropic(r#","thinking":{"type":"disabled"}"#));
    assert!(!anthropic(r#","thinking":{"type":"adaptive","display":"omitted"}"#));
    assert!(anthropic(r#","thinking":{"type":"adaptive"}"#));
    assert!(anthropic(r#","thinking":{"type":"enabled","budget_tokens":1024}"#));
    let gemini = |config: &str| {
        let body = format!(
            r#"{{"contents":[{{"parts":[{{"text":"Hi"}}]}}],"generationConfig":{{"thinkingConfig":{config}}}}}"#
        );
        parse(Dialect::Gemini, &path(), body.as_bytes()).unwrap().shows_thoughts()
    };
    assert!(!gemini("{}"));
    assert!(!gemini(r#"{"thinkingLevel":"LOW"}"#));
    assert!(gemini(r#"{"include_thoughts":true}"#));
}

#[test]
fn a_deep_nest_is_refused() {
    let nest = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (dialect, body) in [
        (Dialect::Anthropic, format!(r#"{{"model":"m","max_tokens":1,"messages":{nest}}}"#)),
        (Dialect::Gemini, format!(r#"{{"contents":{nest}}}"#)),
    ] {
        assert_eq!(parse(dialect, &path(), body.as_bytes()).unwrap_err().error().status, 400);
    }
}
