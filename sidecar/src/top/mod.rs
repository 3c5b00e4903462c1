//! `weir top`: the status page in a terminal. It asks the sidecar for the page's own data ([`view`](crate::serve::ui::view)).
//!
//! [`screen`] is what there is to show, [`draw`] makes a frame of it, [`terminal`] shows frames and hears keys, [`plain`]
//! writes one as text. Whatever the sidecar says is cleaned before ([`clean`]).

mod clean;
mod draw;
mod numbers;
mod plain;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

use crate::client::Client;
use crate::failure::{Failure, Outcome};
use crate::serve::ui::{DATA, view::View};
use crate::{load, output, secret, stop, up};
use screen::{Screen, Window};
use serde_json::Value;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use terminal::Heard;
use weir_core::config::{self, Millis};

/// What is asked, how often, and how it is shown.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the sidecar is, http://127.0.0.1:10001 [default: sidecar.listen].
    #[arg(long, value_name = "URL", value_parser = url)]
    url: Option<String>,
    /// Time between two looks, 1s to 1h.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = every)]
    every: Duration,
    /// Write one frame as text and end; so it is without a terminal.
    #[arg(long)]
    once: bool,
    /// Begin with counts and percentiles since Envoy's start instead of those of the last minute.
    #[arg(long)]
    since_start: bool,
}

/// No TLS: the sidecar has none.
fn url(text: &str) -> Result<String, String> {
    let is_url = text.strip_prefix("http://").is_some_and(|rest| !rest.is_empty());
    if is_url && clean::clean(text) == text { Ok(text.to_owned()) } else { Err("write http://HOST:PORT".to_owned()) }
}

fn every(text: &str) -> Result<Duration, String> {
    let time = config::duration(text).filter(|Millis(time)| (1_000..=3_600_000).contains(time));
    let Millis(time) = time.ok_or("write a time between 1s and 1h")?;
    Ok(Duration::from_millis(time))
}

pub(crate) fn run(path: Option<&Path>, options: &Options) -> Outcome {
    let client = client(path, options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(Failure::runtime)?;
    let window = if options.since_start { Window::Ever } else { Window::Minute };
    if options.once || !std::io::stdout().is_terminal() {
        let view = runtime.block_on(once(&client, options.every))?;
        let mut screen = Screen::new(client.place(), window, false);
        screen.take(Ok(view));
        output::say(plain::text(&screen));
        return Ok(());
    }
    let screen = Screen::new(client.place(), window, true);
    let (tell, hear) = mpsc::channel();
    let _inside = runtime.enter();
    let stop = stop::requested()?;
    runtime.spawn({
        let tell = tell.clone();
        async move {
            stop.await;
            let _ = tell.send(Heard::Stop);
        }
    });
    runtime.spawn(ask(client, options.every, tell));
    terminal::run(screen, &hear)
}

/// The sidecar of the configuration, or of `--url`, with the configuration's secret. Without a file it is that of `weir up`
/// without one.
fn client(path: Option<&Path>, options: &Options) -> Outcome<Client> {
    let config = if load::is_there(path) { load::load_quietly(path)?.0 } else { up::built_in()? };
    match &options.url {
        Some(url) => Client::named(url, config.sidecar.secret.clone().zip(secret::read(&config)?)),
        None => Client::new(&config),
    }
}

async fn look(client: &Client) -> Outcome<View> {
    screen::read(client.get::<Value>(DATA).await?)
}

/// A view with rates: where nobody has looked for long there is nothing to compare with, and a second look is needed.
async fn once(client: &Client, every: Duration) -> Outcome<View> {
    let view = look(client).await?;
    if view.rate_seconds > 0.0 {
        return Ok(view);
    }
    tokio::time::sleep(every).await;
    look(client).await
}

/// Asks for as long as somebody hears.
async fn ask(client: Client, every: Duration, tell: mpsc::Sender<Heard>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if tell.send(Heard::Answer(Box::new(look(&client).await))).is_err() {
            return;
        }
    }
}
