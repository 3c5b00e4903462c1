//! A provider's whole answer, and the answer that each client reads.

use crate::cases::{cases, expect, folder};
use crate::pretty::pretty;
use weir_core::chat::ChatEvent;
use weir_core::dialect::{anthropic, gemini, openai};
use weir_core::failure::Failure;
use weir_core::provider;

const FALLBACK_ID: &str = "id-of-the-gateway";

fn read(kind: &str, body: &[u8], emit: &mut dyn FnMut(ChatEvent<'_>)) -> Result<(), Failure> {
    match kind {
        "openai" => provider::openai::events::read(body, 7, emit).map(drop),
        "anthropic" => provider::anthropic::answer::read(body, 7, emit),
        "gemini" => provider::gemini::answer::read(body, 7, emit),
        other => panic!("no reader for {other}"),
    }
}

/// The answer in each client's form.
pub(crate) fn seen(kind: &str, body: &[u8]) -> Result<[(&'static str, Vec<u8>); 3], Failure> {
    let mut to_openai = openai::Collector::default();
    let mut to_anthropic = anthropic::Collector::new(true);
    let mut to_gemini = gemini::Collector::new(true);
    read(kind, body, &mut |event| {
        to_openai.take(event.clone());
        to_anthropic.take(event.clone());
        to_gemini.take(event);
    })?;
    Ok([
        ("openai", to_openai.finish(FALLBACK_ID, 1_800_000_000)),
        ("anthropic", to_anthropic.finish(FALLBACK_ID)),
        ("gemini", to_gemini.finish(FALLBACK_ID)),
    ])
}

fn check(kind: &str) {
    let folder = folder("answers").join(kind);
    for (name, body) in cases(&folder, ".json") {
        match seen(kind, body.as_bytes()) {
            Ok(list) => {
                for (client, answer) in list {
                    let answer = String::from_utf8(answer).unwrap();
                    expect(&folder, &format!("{name}.{client}.json"), &pretty(&answer));
                }
            }
            Err(failure) => expect(&folder, &format!("{name}.failure.txt"), &format!("{failure:?}\n")),
        }
    }
}

#[test]
fn what_openai_answers_reaches_every_client() {
    check("openai");
}

#[test]
fn what_anthropic_answers_reaches_every_client() {
    check("anthropic");
}

#[test]
fn what_gemini_answers_reaches_every_client() {
    check("gemini");
}
