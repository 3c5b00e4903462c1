//! `weir serve`: the sidecar. What many Envoys share, on one port: the filter's calls ([`weir_core::wire`]), the `weir`
//! command's, and what an operator looks at.

mod admin;
mod cache;
mod connections;
mod filter;
mod follow;
mod guard;
mod hex;
mod leases;
mod listen;
mod metrics;
mod newcomers;
mod offer;
mod quiet;
mod telemetry;
#[cfg(test)]
mod tests;
pub(crate) mod ui;

pub(crate) use listen::Socket;

use crate::failure::{Failure, Outcome};
use crate::store::{self, Store, Unavailable};
use crate::{load, log, output, secret, stop};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use follow::Followers;
use guard::{Guard, Room};
use leases::Leases;
use metrics::{Metrics, StoreCall};
use newcomers::Newcomers;
use quiet::Quiet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use telemetry::Telemetry;
use ui::{Names, Watch};
use weir_core::config::{self, Config, Listen};
use weir_core::wire;

/// What is under way when the sidecar is to stop has so long to end.
const DRAIN: Duration = Duration::from_secs(5);
/// Between two looks for Envoys that are gone.
const SWEEP: Duration = Duration::from_secs(1);

#[tokio::main]
pub(crate) async fn run(path: Option<&Path>) -> Outcome {
    let stop = stop::requested()?;
    let config = load::load(path)?;
    log::start();
    let sidecar = Sidecar::new(&config)?;
    let socket = Socket::bind(&config.sidecar.listen).await?;
    match &config.sidecar.listen {
        Listen::Tcp(address) => output::say(format_args!("sidecar  http://{address}")),
        Listen::Unix(path) => output::say(format_args!("sidecar  {path}")),
    }
    serve(socket, sidecar.clone(), stop).await;
    sidecar.finish().await;
    Ok(())
}

/// What all handlers share.
pub(crate) struct Sidecar {
    store: Arc<dyn Store>,
    leases: Leases,
    newcomers: Newcomers,
    followers: Followers,
    guard: Guard,
    metrics: Metrics,
    telemetry: Telemetry,
    quiet: Arc<Quiet>,
    /// Names that `weir keys` may use.
    tenants: Vec<String>,
    watch: Watch,
    begun: Instant,
    store_name: &'static str,
    /// Only loopback keeps others out: [`ui::near`].
    is_for_near: bool,
}

/// What a sidecar is made with, besides its store.
#[derive(Default)]
struct Options {
    secret: Option<String>,
    tenants: Vec<String>,
    room: Room,
    telemetry: Telemetry,
    /// Admin addresses.
    envoys: Vec<String>,
    names: Names,
    store_name: &'static str,
    is_for_near: bool,
}

impl Sidecar {
    /// With the store of `config`, and the secret that its variable holds.
    ///
    /// # Errors
    /// The variable is not set, or the address of the store or the collector is none.
    pub(crate) fn new(config: &Config) -> Outcome<Arc<Self>> {
        let store = store::open(config).map_err(Failure::Runtime)?;
        let secret = secret::read(config)?;
        let store_name = if config.store == config::Store::Memory { "memory" } else { "redis" };
        Self::with(
            store,
            Options {
                // No browser comes by a Unix socket.
                telemetry: Telemetry::new(config)?,
                is_for_near: secret.is_none() && config.sidecar.listen.tcp().is_some(),
                secret,
                tenants: config.tenants.iter().map(|tenant| tenant.name.clone()).collect(),
                room: Room::default(),
                envoys: config.sidecar.envoys.clone(),
                names: Names::of(config),
                store_name,
            },
        )
    }

    fn with(store: Arc<dyn Store>, options: Options) -> Outcome<Arc<Self>> {
        let Options { secret, tenants, room, telemetry, envoys, names, store_name, is_for_near } = options;
        let metrics = Metrics::new(&telemetry);
        let quiet = Arc::new(Quiet::default());
        Ok(Arc::new(Self {
            followers: Followers::new(store.clone()),
            leases: Leases::new(store.clone(), metrics.books.clone()),
            newcomers: Newcomers::default(),
            guard: Guard::new(secret, room, quiet.clone()),
            store,
            metrics,
            telemetry,
            quiet,
            tenants,
            watch: Watch::new(&envoys, names).map_err(Failure::runtime)?,
            begun: Instant::now(),
            store_name,
            is_for_near,
        }))
    }

    /// Tells the collector what it has not been told. For the end, when nothing is answered any more.
    pub(crate) async fn finish(&self) {
        self.telemetry.finish(&self.quiet).await;
    }

    /// A part of a call went without the store. Why is for the log only.
    fn store_failed(&self, call: StoreCall, Unavailable(why): &Unavailable) {
        self.metrics.store_failed(call);
        let call = call.name();
        if self.quiet.tells(call) {
            tracing::warn!(call, "the store does not answer: {why}");
        }
    }
}

/// Answers on `socket` until `stop` is ready; what is under way then has [`DRAIN`] to end.
pub(crate) async fn serve(socket: Socket, sidecar: Arc<Sidecar>, stop: impl Future<Output = ()>) {
    let sweeping = tokio::spawn(sweep(sidecar.clone()));
    let exporting = tokio::spawn({
        let sidecar = sidecar.clone();
        async move { sidecar.telemetry.run(&sidecar.quiet).await }
    });
    connections::serve(socket, router(sidecar), stop, DRAIN).await;
    sweeping.abort();
    exporting.abort();
}

async fn sweep(sidecar: Arc<Sidecar>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        sidecar.leases.sweep();
    }
}

fn router(sidecar: Arc<Sidecar>) -> Router {
    let near = || middleware::from_fn_with_state(sidecar.clone(), ui::near::only);
    let operators = Router::new()
        .route(ui::DATA, get(ui::data))
        .route("/admin/v1/keys", get(admin::keys::list).post(admin::keys::add))
        .route("/admin/v1/keys/{id}", axum::routing::delete(admin::keys::revoke))
        .route("/admin/v1/usage", get(admin::usage::show))
        .layer(near());
    let guarded = Router::new()
        .route(wire::ASK, post(filter::ask))
        .route(wire::WAIT, post(filter::wait))
        .route(wire::PUT, post(filter::put))
        .route(wire::BEAT, post(filter::beat))
        .merge(operators)
        .layer(DefaultBodyLimit::max(wire::MAX_BYTES))
        .layer(middleware::from_fn_with_state(sidecar.clone(), guard::admit));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::show))
        .merge(ui::pages().layer(near()))
        .merge(guarded)
        .fallback(guard::unknown)
        .with_state(sidecar)
}

async fn ready(State(sidecar): State<Arc<Sidecar>>) -> (StatusCode, &'static str) {
    match sidecar.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            sidecar.store_failed(StoreCall::Ping, &error);
            (StatusCode::SERVICE_UNAVAILABLE, "store\n")
        }
    }
}
