//! `weir explain`: what a configuration means, in words and with every default filled in.

use crate::failure::{Failure, Outcome};
use crate::{load, output};
use std::fmt::Write;
use std::path::Path;
use weir_core::chain::Chain;
use weir_core::config::{BaseUrl, Config, Model, Provider, show};

/// What to explain.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What a request for this model would do; `provider/model` addresses a target directly.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
}

pub(crate) fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let config = load::load(path)?;
    let text = match &options.model {
        None => everything(&config),
        Some(name) => request(&config, name).map_err(Failure::Config)?,
    };
    output::say(text.trim_end());
    Ok(())
}

fn everything(config: &Config) -> String {
    let mut text = format!("gateway  http://{}\nadmin    http://{}\n", config.listen, config.admin);
    let _ = writeln!(text, "callers  {}", callers(config));
    let _ = writeln!(text, "body     at most {} KiB", config.max_request_bytes / 1024);
    for provider in &config.providers {
        let _ = writeln!(text, "\nprovider {}", self::provider(provider));
    }
    for model in &config.models {
        let _ = write!(text, "\n{}", self::model(model));
    }
    text
}

/// What a request for `name` would do.
fn request(config: &Config, name: &str) -> Result<String, String> {
    if let Some(model) = config.model(name) {
        return Ok(self::model(model));
    }
    let direct = name.split_once('/').and_then(|(provider, model)| Some((config.provider(provider)?, model)));
    if let Some((provider, model)) = direct {
        return Ok(format!(
            "model {name}, addressed directly\n  one attempt: {model} at {}\n  chain {}\n",
            self::provider(provider),
            Chain(vec![provider.name.clone()]).cluster(),
        ));
    }
    let known: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    Err(format!("weir: unknown model {name:?}; known: {}, or provider/model", known.join(", ")))
}

fn model(model: &Model) -> String {
    let mut text = format!("model {}\n", model.name);
    let tries = model.retries.per_target.saturating_add(1);
    for (index, target) in model.targets.iter().enumerate() {
        let weight = target.weight.map(|weight| format!(", weight {weight}")).unwrap_or_default();
        let times = if tries == 1 { String::new() } else { format!(", up to {tries} times") };
        let _ = writeln!(text, "  {}. {}/{}{weight}{times}", index + 1, target.provider, target.model);
    }
    let retries = &model.retries;
    let _ = writeln!(text, "  first token within {} of each attempt", show(model.first_token_timeout));
    let _ = writeln!(text, "  answer without streaming within {} of each attempt", show(model.answer_timeout));
    let _ = writeln!(text, "  everything within {}", show(model.deadline));
    let _ = writeln!(text, "  pause between attempts {}..{}", show(retries.backoff_min), show(retries.backoff_max));
    let _ = writeln!(text, "  chain {}", Chain::of(&model.targets, retries.per_target).cluster());
    text
}

fn provider(provider: &Provider) -> String {
    let key = match &provider.api_key {
        Some(name) => format!("key from ${}", name.0),
        None => "no key".to_owned(),
    };
    let breaker = &provider.breaker;
    format!(
        "{} ({:?}) {}, {key}; after {} failures in a row left out for {}",
        provider.name,
        provider.kind,
        url(&provider.base_url),
        breaker.consecutive_failures,
        show(breaker.eject_for),
    )
}

/// A base URL as it is written, the port where it is not the scheme's own.
fn url(url: &BaseUrl) -> String {
    let (scheme, own) = if url.tls { ("https", 443) } else { ("http", 80) };
    let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
    let port = if url.port == own { String::new() } else { format!(":{}", url.port) };
    format!("{scheme}://{host}{port}{}", url.path)
}

fn callers(config: &Config) -> String {
    if config.tenants.is_empty() {
        return "anyone who can reach it".to_owned();
    }
    let names: Vec<&str> = config.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    format!("with the key of one of: {}", names.join(", "))
}
