//! Whatever changes in a request changes its key, but for what has no effect.

use super::{full, known, of};
use crate::cache::key::request::WITHOUT_EFFECT;
use crate::dialect::openai;
use serde_json::{Value, json};
use std::collections::HashMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Calls `found` with every place in `value`, as a JSON pointer.
fn places(value: &Value, at: String, found: &mut impl FnMut(&str)) {
    found(&at);
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| places(value, format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// What a value could be instead.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(word) => vec![json!(!word)],
        Value::Number(number) if number.is_f64() => vec![json!(number.as_f64().unwrap() + 0.25)],
        Value::Number(number) => vec![json!(number.as_i64().unwrap() + 1)],
        Value::String(text) => {
            // For fields that know some words only.
            let words = ["user", "function", "required", "auto", "json_object", "text", "high"];
            let mut list = vec![json!(format!("{text}x"))];
            list.extend(words.into_iter().filter(|word| word != text).map(|word| json!(word)));
            list
        }
        Value::Array(items) => {
            let mut more = items.clone();
            more.extend(items.first().cloned());
            vec![json!(items.get(1..)), json!(more)]
        }
        Value::Object(fields) => {
            let mut list = Vec::new();
            for name in fields.keys() {
                let mut less = fields.clone();
                less.remove(name);
                list.push(Value::Object(less));
            }
            for name in fields.keys() {
                let mut renamed = fields.clone();
                let value = renamed.remove(name).unwrap();
                renamed.insert(format!("{name}_"), value);
                list.push(Value::Object(renamed));
            }
            let mut more = fields.clone();
            more.insert("unknown".into(), json!(1));
            list.push(Value::Object(more));
            list
        }
    }
}

/// Every request that differs from `body` in one place, and can be parsed.
fn variants(body: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    places(body, String::new(), &mut |pointer| pointers.push(pointer.to_owned()));
    let mut list = Vec::new();
    for pointer in pointers {
        for other in others(body.pointer(&pointer).unwrap()) {
            let mut body = body.clone();
            *body.pointer_mut(&pointer).unwrap() = other;
            if openai::parse(body.to_string().into_bytes()).is_ok() {
                list.push((pointer.clone(), body));
            }
        }
    }
    list
}

/// What of a body may change the answer.
fn effect(body: &Value) -> Value {
    let mut body = body.clone();
    let fields = body.as_object_mut().unwrap();
    WITHOUT_EFFECT.iter().for_each(|name| drop(fields.remove(*name)));
    // Absent is false, by contract.
    fields.retain(|name, value| name != "logprobs" || *value == json!(true));
    body
}

fn check(body: &Value) {
    let mut seen = HashMap::from([(of(&body.to_string()), effect(body))]);
    for (pointer, variant) in variants(body) {
        match seen.insert(of(&variant.to_string()), effect(&variant)) {
            Some(other) => assert_eq!(effect(&variant), other, "{pointer}: two requests have one key"),
            // A field of `stream_options` that Weir does not know makes the whole body count: another key, no wrong one.
            None if pointer == "/stream_options" && effect(&variant) == effect(body) => {}
            None => assert_ne!(effect(&variant), effect(body), "{pointer}: what has no effect has a key of its own"),
        }
    }
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn each_change_of_what_changes_the_answer_changes_the_key() {
    check(&known());
}

#[test]
fn each_change_of_a_body_with_unknown_fields_changes_the_key() {
    check(&full());
}

#[test]
fn fields_without_effect_change_no_key() {
    for body in [known(), full()] {
        for name in WITHOUT_EFFECT {
            for value in [json!(null), json!("other"), json!(true), json!({"include_usage": false})] {
                let mut changed = body.clone();
                changed[name] = value;
                if openai::parse(changed.to_string().into_bytes()).is_ok() {
                    assert_eq!(of(&changed.to_string()), of(&body.to_string()), "{name}: {}", changed[name]);
                }
            }
        }
    }
}
