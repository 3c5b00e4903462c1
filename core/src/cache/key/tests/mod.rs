mod changes;
mod feed;
#[cfg(not(target_arch = "wasm32"))]
mod properties;
mod spelling;
mod tenants;

use super::key;
use crate::chance::Chance;
use crate::dialect::openai;
use expect_test::expect;
use serde_json::{Map, Value};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Filters and sidecars of one version must agree: another form is another [`VERSION`](super::VERSION).
#[test]
fn the_form_of_a_key_is_pinned() {
    let hex = |body: Value| of(&body.to_string()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    expect!["d353ec171bbe74d5a3442a4f71ff6e4556695fb772f2b424072ae3bcb912e595"].assert_eq(&hex(known()));
    expect!["1812e07c1cf3ed5c30ec9586323236e096483ffce78b9dd215cac7d7121dc988"].assert_eq(&hex(full()));
}

/// The key of a body.
fn of(body: &str) -> [u8; 32] {
    *key(
        Some("team-a"),
        "scope",
        &openai::parse(body.as_bytes().to_vec()).unwrap_or_else(|error| panic!("{error:?}: {body}")),
    )
}

/// A request with every field, and some that Weir does not know.
fn full() -> Value {
    serde_json::from_str(include_str!("full.json")).unwrap()
}

/// The same with fields that Weir knows alone: its body says no more than its neutral form.
fn known() -> Value {
    let mut body = full();
    body["tools"].as_array_mut().unwrap().pop();
    body["tool_choice"] = serde_json::json!({"type": "function", "function": {"name": "w"}});
    for name in ["top_k", "chat_template_kwargs"] {
        body.as_object_mut().unwrap().remove(name);
    }
    assert!(!openai::parse(body.to_string().into_bytes()).unwrap().has_unknown());
    body
}

/// The fields that are read as numbers of a fixed form: they have one spelling.
const WHOLE_NUMBERS: [&str; 5] = ["max_completion_tokens", "max_tokens", "n", "seed", "top_logprobs"];

/// Writes a value in one of its many spellings.
fn spell(value: &Value, chance: &mut Chance, out: &mut String) {
    blank(chance, out);
    match value {
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
        Value::Number(number) => spell_number(&number.to_string(), chance, out),
        Value::String(text) => spell_text(text, chance, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                spell(item, chance, out);
            }
            blank(chance, out);
            out.push(']');
        }
        Value::Object(fields) => spell_object(fields, chance, out),
    }
    blank(chance, out);
}

fn spell_object(fields: &Map<String, Value>, chance: &mut Chance, out: &mut String) {
    let mut order: Vec<_> = fields.iter().collect();
    for at in (1..order.len()).rev() {
        order.swap(at, chance.draw() as usize % (at + 1));
    }
    out.push('{');
    for (at, (name, value)) in order.into_iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        blank(chance, out);
        spell_text(name, chance, out);
        blank(chance, out);
        out.push(':');
        match WHOLE_NUMBERS.contains(&name.as_str()) {
            true => out.push_str(&value.to_string()),
            false => spell(value, chance, out),
        }
    }
    blank(chance, out);
    out.push('}');
}

fn blank(chance: &mut Chance, out: &mut String) {
    out.push_str(["", "", "", " ", "\n", "\t\r"][chance.draw() as usize % 6]);
}

fn spell_text(text: &str, chance: &mut Chance, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        let must = matches!(c, '"' | '\\') || c < ' ';
        match chance.draw() % 8 {
            0 => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            1 => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}"))),
            2 if c == '/' => out.push_str("\\/"),
            _ if must => {
                let text = serde_json::to_string(&c).unwrap();
                out.push_str(&text[1..text.len() - 1]);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// `number` is what serde_json writes: digits, at most one point, at most one exponent.
fn spell_number(number: &str, chance: &mut Chance, out: &mut String) {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    match chance.draw() % 5 {
        0 => out.push_str(number),
        1 => out.push_str(&format!("{whole}.{fraction}000e{exponent}")),
        2 => out.push_str(&format!("{whole}.{fraction}0E+0{exponent}").replace("+0-", "-0")),
        // The point one place further left: `-12.5` is `-1.25e1`, `5` is `0.5e1`.
        3 => {
            let (sign, digits) = match whole.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", whole),
            };
            let (head, last) = digits.split_at(digits.len() - 1);
            let head = if head.is_empty() { "0" } else { head };
            out.push_str(&format!("{sign}{head}.{last}{fraction}e{}", exponent + 1));
        }
        // No point at all.
        _ => {
            let digits = format!("{whole}{fraction}");
            let (sign, digits) = match digits.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", digits.as_str()),
            };
            let digits = digits.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            out.push_str(&format!("{sign}{digits}e{}", exponent - fraction.len() as i64));
        }
    }
}
