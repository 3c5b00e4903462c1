//! OpenAI's API, as clients speak it.

mod collect;
mod embeddings;
mod logprobs;
mod parse;
mod responses;
mod stream;
mod unknown;

pub use collect::Collector;
pub(crate) use embeddings::Encoding;
pub use embeddings::{ParsedEmbeddings, parse as parse_embeddings, write as write_embeddings};
pub use parse::{ParsedChat, parse};
pub use responses::{ParsedResponse, error_frame as response_error_frame, parse as parse_response};
pub use stream::{StreamWriter, error_frame};
