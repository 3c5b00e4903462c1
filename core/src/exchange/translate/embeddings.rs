//! Vectors, from whoever makes some.

use super::super::Exchange;
use super::{Lowered, Whole};
use crate::config::{Kind, Target};
use crate::dialect::openai::{ParsedEmbeddings, write_embeddings};
use crate::failure::Failure;
use crate::provider::{Unsupported, gemini, openai};

/// The request for a target of another kind than OpenAI's.
///
/// # Errors
/// What the target's contract has no place for.
pub(super) fn lower<'a>(parsed: &'a ParsedEmbeddings, kind: Kind, model: &str) -> Result<Lowered<'a>, Unsupported> {
    match kind {
        Kind::OpenAi => Ok(Lowered::Relayed),
        Kind::Gemini => gemini::embeddings::translate(parsed.request(), model).map(Lowered::GeminiEmbeddings),
        Kind::Anthropic => Err(Unsupported {
            param: "model".to_owned(),
            message: "the targets that are left have no embeddings".to_owned(),
        }),
    }
}

/// A whole 2xx answer in the client's dialect.
///
/// # Errors
/// The answer is none.
pub(super) fn whole(
    exchange: &Exchange,
    parsed: &ParsedEmbeddings,
    target: &Target,
    body: Vec<u8>,
) -> Result<Whole, Failure> {
    let request = parsed.request();
    let count = request.input.count();
    let (body, usage) = match exchange.gateway.target(target).0 {
        Kind::OpenAi | Kind::Anthropic => {
            let usage = openai::embeddings::read(&body, count)?;
            (body, usage)
        }
        Kind::Gemini => {
            let vectors = gemini::embeddings::read(&body, count)?;
            // Gemini says nothing of tokens: the bill's own estimate (`Permit::served`), which learns from nothing here.
            let tokens = request.input.bytes().div_ceil(4).max(1);
            (write_embeddings(request, &target.model, &vectors, tokens), None)
        }
    };
    Ok(Whole { body, usage, finish: None, text: 0, recorder: None })
}
