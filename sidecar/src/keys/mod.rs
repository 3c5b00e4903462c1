//! `weir keys`: the API keys in the store, through the sidecar that runs.

mod list;
mod new;

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::store::ApiKey;
use crate::{load, output};
use jiff::Timestamp;
use std::path::Path;
use weir_core::config::{Config, Store};

const KEYS: &str = "/admin/v1/keys";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a key and print it. It is shown this once: only its SHA-256 is kept.
    New(New),
    /// Tell what keys there are in the store; those of the configuration are in the configuration.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a key back. All Envoys have heard of it within two seconds.
    Revoke {
        /// As `list` tells it.
        #[arg(value_name = "ID", value_parser = id)]
        id: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct New {
    /// Whose it is.
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// What you call it.
    #[arg(long, value_name = "LABEL", default_value = "")]
    label: String,
    /// In so many days, `90d`, or on a day, `2027-01-31` (its begin, UTC) [default: never].
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(path: Option<&Path>, command: &Command) -> Outcome {
    let config = load::load(path)?;
    let client = Client::new(&config)?;
    match command {
        Command::New(options) => make(&config, &client, options).await,
        Command::List { json } => {
            let keys: Vec<ApiKey> = client.get(KEYS).await?;
            output::say(list::show(keys, *json, Timestamp::now())?);
            Ok(())
        }
        Command::Revoke { id } => client.delete(&format!("{KEYS}/{id}")).await,
    }
}

async fn make(config: &Config, client: &Client, options: &New) -> Outcome {
    let now = Timestamp::now();
    let expires = options.expires.as_deref().map(|when| new::expiry(when, now)).transpose().map_err(Failure::Config)?;
    let made = new::key(new::random()?, options, expires, now);
    client.post(KEYS, &made.kept).await?;
    output::say(&made.key);
    eprintln!("{}", new::note(&made.kept, config.store == Store::Memory));
    Ok(())
}

fn id(text: &str) -> Result<String, &'static str> {
    match text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_hexdigit()) {
        true => Err("an ID is hex digits, as `weir keys list` tells it"),
        false => Ok(text.to_ascii_lowercase()),
    }
}
