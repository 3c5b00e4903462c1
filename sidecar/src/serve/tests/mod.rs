//! The sidecar over its port, in this process.

mod admin;
mod answers;
mod bad_calls;
mod beats;
mod coalescing;
pub(crate) mod flaky;
mod leases;
mod port;
mod telemetry;

use super::{Options, Sidecar, Socket, serve};
use crate::store::Store;
use flaky::Flaky;
use minicbor::{CborLen, Decode, Encode};
use reqwest::{Client, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weir_core::config::Listen;
use weir_core::wire::{self, Answer, Ask, Beat, Beaten, Found, Lookup, Put, Wait};

/// A sidecar that runs, and a client of it that speaks HTTP/2 as Envoy does.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    client: Client,
    sidecar: Arc<Sidecar>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Running {
    /// With this store, and two tenants.
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        let tenants = vec!["team-a".to_owned(), "team-b".to_owned()];
        Self::with(store, Options { tenants, ..Options::default() }).await
    }

    async fn with(store: Arc<dyn Store>, options: Options) -> Self {
        let sidecar = Sidecar::with(store, options).expect("a sidecar");
        let socket = Socket::bind(&Listen::Tcp("127.0.0.1:0".parse().unwrap())).await.expect("a free port");
        let Socket::Tcp(listener) = &socket else { unreachable!("it was asked for") };
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(socket, sidecar.clone(), async move { drop(stopped.await) }));
        Self { address, client: envoy(), sidecar, stop: Some(stop), serving }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        whole(self.client.get(self.url(path)).send().await.expect("an answer")).await
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client.post(self.url(path)).body(body).send().await.expect("an answer")
    }

    async fn call<T, A>(&self, path: &str, message: &T) -> A
    where
        T: Encode<()> + CborLen<()>,
        A: for<'b> Decode<'b, ()>,
    {
        let response = self.post(path, wire::encode(message)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let bytes = response.bytes().await.expect("a whole answer");
        wire::decode(&bytes).expect("a message")
    }

    async fn ask(&self, ask: &Ask) -> Answer {
        self.call(wire::ASK, ask).await
    }

    /// A look into the cache, by who would ask a provider.
    async fn look(&self, key: u8, token: u64) -> Option<Found> {
        self.ask(&look(key, token)).await.found
    }

    async fn wait(&self, key: u8, token: u64, millis: u64) -> Found {
        self.call(wire::WAIT, &Wait { key: [key; 32].into(), token, millis }).await
    }

    async fn put(&self, key: u8, token: u64, value: Option<&[u8]>) -> StatusCode {
        let put = Put { key: [key; 32].into(), token, value: value.map(<[u8]>::to_vec), ttl: 60_000 };
        self.post(wire::PUT, wire::encode(&put)).await.status()
    }

    async fn beat(&self, beat: &Beat) -> Beaten {
        self.call(wire::BEAT, beat).await
    }
}

/// As Envoy calls the sidecar: HTTP/2 without TLS, by prior knowledge.
fn envoy() -> Client {
    Client::builder().http2_prior_knowledge().no_proxy().build().expect("a client")
}

fn look(key: u8, token: u64) -> Ask {
    Ask { envoy: 1, lookup: Some(Lookup { key: [key; 32].into(), token, leads: true }), leases: vec![] }
}

async fn whole(response: Response) -> (StatusCode, String) {
    (response.status(), response.text().await.expect("a whole answer"))
}

fn flaky() -> Arc<Flaky> {
    Flaky::new()
}
