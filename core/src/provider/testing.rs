//! What the tests of all providers share: one function per boundary, from text to text.

use super::Unsupported;
use super::schema::Tree;
use crate::chat::{ChatEvent, ChatRequest, Delta, Logprob};
use crate::failure::Failure;
use crate::json::Str;
use crate::sse;
use std::fmt::Write;

type Emit<'e> = &'e mut dyn FnMut(ChatEvent<'_>);

/// Parses a request of these `fields`, with one user message unless they hold messages, and shows its translation.
pub(super) fn translated(
    fields: &str,
    translate: impl FnOnce(&ChatRequest<'_>) -> Result<(Vec<u8>, Vec<&'static str>), Unsupported>,
) -> String {
    let fields = match fields.contains(r#""messages""#) {
        true => fields.to_owned(),
        false => format!(r#""messages":[{{"role":"user","content":"Hi"}}],{fields}"#),
    };
    let body = format!(r#"{{"model":"alias",{}}}"#, fields.trim_end_matches([',', ' ', '\n']));
    let chat: ChatRequest<'_> = serde_json::from_str(&body).unwrap();
    match translate(&chat) {
        Ok((body, dropped)) => {
            let tree: Tree<'_> = serde_json::from_slice(&body).unwrap();
            let mut text = pretty(&tree, 0);
            if !dropped.is_empty() {
                write!(text, "\ndropped: {}", dropped.join(", ")).unwrap();
            }
            text
        }
        Err(Unsupported { param, message }) => format!("unsupported: {param}: {message}"),
    }
}

/// JSON with what fits on a line on one.
fn pretty(tree: &Tree<'_>, depth: usize) -> String {
    let flat = serde_json::to_string(tree).unwrap();
    if flat.len() <= 100 {
        return flat;
    }
    let (open, lines, close): (_, Vec<String>, _) = match tree {
        Tree::Object(fields) => {
            let line = |(key, value): &(Str<'_>, Tree<'_>)| format!("{key:?}: {}", pretty(value, depth + 1));
            ('{', fields.iter().map(line).collect(), '}')
        }
        Tree::List(items) => ('[', items.iter().map(|item| pretty(item, depth + 1)).collect(), ']'),
        _ => return flat,
    };
    let margin = "  ".repeat(depth);
    let lines: Vec<String> = lines.into_iter().map(|line| format!("{margin}  {line}")).collect();
    format!("{open}\n{}\n{margin}{close}", lines.join(",\n"))
}

/// What a whole answer is read as.
pub(super) fn answered(read: impl FnOnce(Emit<'_>) -> Result<(), Failure>) -> String {
    let mut lines = Vec::new();
    let outcome = read(&mut |event| lines.push(line(&event)));
    lines.extend(outcome.err().map(|failure| shown(&failure)));
    lines.join("\n")
}

/// What a stream is read as; the same however the network cuts it.
pub(super) fn streamed<R>(
    text: &str,
    new: impl Fn() -> R,
    read: impl Fn(&mut R, &sse::Event<'_>, Emit<'_>) -> Result<(), Failure>,
    end: impl Fn(&mut R, Emit<'_>) -> Result<(), Failure>,
) -> String {
    let run = |pieces: &[&[u8]]| {
        let mut lines = Vec::new();
        let mut emit = |event: ChatEvent<'_>| lines.push(line(&event));
        let (mut cutter, mut reader) = (sse::Reader::new(1 << 20), new());
        let mut outcome = Ok(());
        for piece in pieces {
            outcome = outcome.and_then(|()| {
                cutter
                    .read::<Stopped>(piece, |event| Ok(read(&mut reader, &event, &mut emit)?))
                    .map_err(|stopped| stopped.0)
            });
        }
        let outcome = outcome.and_then(|()| end(&mut reader, &mut emit));
        lines.extend(outcome.err().map(|failure| shown(&failure)));
        lines.join("\n")
    };
    let bytes = text.as_bytes();
    let whole = run(&[bytes]);
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(run(&[head, tail]), whole, "cut at {cut}");
    }
    assert_eq!(run(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    whole
}

/// A failure in one line.
pub(super) fn shown(failure: &Failure) -> String {
    let Failure { class, status, message, code, param, retry_after } = failure;
    let mut text = format!("failure: {class:?}");
    if let Some(status) = status {
        write!(text, " {status}").unwrap();
    }
    for (name, value) in [("code", code), ("param", param)] {
        if let Some(value) = value {
            write!(text, " {name}={value}").unwrap();
        }
    }
    if let Some(delay) = retry_after {
        write!(text, " retry_after={}ms", delay.0).unwrap();
    }
    format!("{text}: {message}")
}

fn line(event: &ChatEvent<'_>) -> String {
    match event {
        ChatEvent::Started { id, model } => format!("started {id:?} {model:?}"),
        ChatEvent::Finished { choice, reason } => format!("{choice} finished {}", reason.as_str()),
        ChatEvent::Logprobs { choice, tokens } => {
            let likely = |one: &Logprob<'_>| format!("{:?} {}", one.token, one.logprob);
            let tokens = tokens.iter().map(|token| {
                let top: Vec<String> = token.top.iter().map(likely).collect();
                format!("{} of [{}]", likely(&token.chosen), top.join(", "))
            });
            format!("{choice} logprobs {}", tokens.collect::<Vec<_>>().join("; "))
        }
        ChatEvent::UnknownFinish { choice } => format!("{choice} finishes for an unknown reason"),
        ChatEvent::Usage(usage) => format!(
            "usage: prompt {} (cached {}, written {}), completion {} (reasoning {})",
            usage.prompt, usage.cached, usage.cache_write, usage.completion, usage.reasoning
        ),
        ChatEvent::Delta { choice, delta } => match delta {
            Delta::Text(text) => format!("{choice} text {text:?}"),
            Delta::Reasoning(text) => format!("{choice} reasoning {text:?}"),
            Delta::Refusal(text) => format!("{choice} refusal {text:?}"),
            Delta::ToolCall { index, id, name, arguments, signature } => {
                let signature = signature.as_ref().map(|text| format!(" signature {text}")).unwrap_or_default();
                format!("{choice} call {index} {id} {name}({arguments}){signature}")
            }
            Delta::Arguments { index, fragment } => format!("{choice} arguments {index} {fragment:?}"),
        },
    }
}

struct Stopped(Failure);

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl From<sse::TooLong> for Stopped {
    fn from(_: sse::TooLong) -> Self {
        panic!("a test's event is larger than the bound")
    }
}
