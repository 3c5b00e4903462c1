//! The JSON of a whole answer and of a chunk: they differ in `message` and `delta` only. Any field may be missing or null.

use crate::json::{Raw, Str};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Objects whose unknown fields are noticed, if they say something, but for those that a reader can do without.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $field:ident $key:literal: $kind:ty,)* } without [$($without:literal),*])*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $($(#[$note])* pub(super) $field: Option<$kind>,)*
            /// Another field says something.
            pub(super) has_more: bool,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> Visitor<'de> for Object {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<Str<'de>>()? {
                            match key.as_str() {
                                $($key => object.$field = map.next_value()?,)*
                                $($without => drop(map.next_value::<IgnoredAny>()?),)*
                                _ => object.has_more |= says_something(map.next_value()?),
                            }
                        }
                        Ok(object)
                    }
                }

                deserializer.deserialize_map(Object)
            }
        }
    )*};
}

objects! {
    Answer {
        id "id": Str<'a>,
        created "created": Raw<'a>,
        model "model": Str<'a>,
        choices "choices": Vec<Choice<'a>>,
        usage "usage": Raw<'a>,
        error "error": Raw<'a>,
    } without [
        "object", "system_fingerprint", "service_tier", "obfuscation",
        // What compatible servers tell of the making of an answer, not of the answer.
        "prompt_filter_results", "provider", "request_id", "x_groq", "usage_breakdown", "timings", "time_info",
        "perf_metrics", "metrics", "estimated_cost", "kv_transfer_params"
    ]

    Choice {
        index "index": u32,
        /// Of a whole answer.
        message "message": Message<'a>,
        /// Of a chunk.
        delta "delta": Message<'a>,
        finish_reason "finish_reason": Str<'a>,
        logprobs "logprobs": Raw<'a>,
    } without [
        // Azure's verdicts; what stopped the model at vLLM and SGLang, and its own word for it at OpenRouter.
        "content_filter_results", "content_filter_result", "content_filter_offsets", "stop_reason", "matched_stop",
        "native_finish_reason", "seed"
    ]

    Message {
        content "content": Raw<'a>,
        /// The newer and the older name; some servers send both.
        reasoning_content "reasoning_content": Raw<'a>,
        reasoning "reasoning": Raw<'a>,
        refusal "refusal": Str<'a>,
        tool_calls "tool_calls": Vec<Call<'a>>,
        function_call "function_call": Raw<'a>,
        audio "audio": Raw<'a>,
        annotations "annotations": Raw<'a>,
    } without ["role"]

    Call {
        index "index": u32,
        id "id": Str<'a>,
        kind "type": Str<'a>,
        function "function": Function<'a>,
        extra_content "extra_content": ExtraContent<'a>,
    } without []

    Function {
        name "name": Str<'a>,
        /// JSON in a string by contract.
        arguments "arguments": Raw<'a>,
    } without []

    /// Google's place for what Gemini wants back with its call.
    ExtraContent {
        google "google": Google<'a>,
    } without []

    Google {
        thought_signature "thought_signature": Str<'a>,
    } without []
}

/// Whether there is anything in a value: more than null, false, or nothing in quotes or brackets.
pub(super) fn says_something(raw: Raw<'_>) -> bool {
    let json = raw.get();
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    match json.as_bytes().first() {
        Some(b'{' | b'[') => !inner.trim_ascii().is_empty(),
        Some(b'"') => !inner.is_empty(),
        _ => json != "null" && json != "false",
    }
}
