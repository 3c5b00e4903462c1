//! What the `weir` command asks.

use super::{Options, Running, flaky, whole};
use crate::client::Client;
use crate::failure::Failure;
use crate::store::{ApiKey, Memory};
use reqwest::{Method, StatusCode};
use std::sync::Arc;
use weir_core::config::{EnvVar, Listen};

fn key(tenant: &str) -> ApiKey {
    ApiKey { id: "ab".repeat(6), sha256: "ab".repeat(32), tenant: tenant.to_owned(), ..ApiKey::default() }
}

async fn send(sidecar: &Running, method: Method, path: &str, body: &impl serde::Serialize) -> (StatusCode, String) {
    whole(sidecar.client.request(method, sidecar.url(path)).json(body).send().await.expect("an answer")).await
}

async fn add(sidecar: &Running, key: &ApiKey) -> (StatusCode, String) {
    send(sidecar, Method::POST, "/admin/v1/keys", key).await
}

#[tokio::test]
async fn a_key_is_added_listed_and_revoked() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    assert_eq!(add(&sidecar, &key("team-a")).await.0, StatusCode::NO_CONTENT);
    let (_, text) = sidecar.get("/admin/v1/keys").await;
    assert_eq!(serde_json::from_str::<Vec<ApiKey>>(&text).unwrap(), [key("team-a")]);
    let path = format!("/admin/v1/keys/{}", key("").id);
    assert_eq!(send(&sidecar, Method::DELETE, &path, &()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(&sidecar, Method::DELETE, &path, &()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(sidecar.get("/admin/v1/keys").await.1, "[]");
}

#[tokio::test]
async fn a_key_of_an_unknown_tenant_is_refused_with_those_that_are_known() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let (status, text) = add(&sidecar, &key("team-c")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("team-c") && text.contains("team-a, team-b"), "{text}");
}

#[tokio::test]
async fn what_is_no_digest_or_too_long_is_no_key() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    let good = key("team-a");
    for bad in [
        ApiKey { sha256: "AB".repeat(32), ..good.clone() },
        ApiKey { sha256: "ab".repeat(31), ..good.clone() },
        ApiKey { id: "cd".repeat(6), ..good.clone() },
        ApiKey { id: String::new(), ..good.clone() },
        ApiKey { label: "x".repeat(201), ..good.clone() },
        ApiKey { label: "\u{1b}[2J".to_owned(), ..good.clone() },
    ] {
        assert_eq!(add(&sidecar, &bad).await.0, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    assert_eq!(send(&sidecar, Method::POST, "/admin/v1/keys", &"garbage").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn usage_is_asked_for_by_days_and_not_for_ages() {
    let sidecar = Running::start(Arc::new(Memory::new(1 << 20))).await;
    assert_eq!(sidecar.get("/admin/v1/usage?from=2026-11-26&to=2026-11-26").await, (StatusCode::OK, "[]".to_owned()));
    for days in [
        "",
        "?from=2026-11-26",
        "?from=soon&to=later",
        "?from=2026-02-30&to=2026-03-01",
        "?from=2026-11-27&to=2026-11-26",
        "?from=0001-01-01&to=9999-12-31",
    ] {
        let (status, text) = sidecar.get(&format!("/admin/v1/usage{days}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{days}: {text}");
    }
}

#[tokio::test]
async fn without_the_store_it_says_so() {
    let store = flaky();
    let sidecar = Running::start(store.clone()).await;
    store.fail(&["keys", "add_key", "revoke_key", "usage"]);
    assert_eq!(sidecar.get("/admin/v1/keys").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(add(&sidecar, &key("team-a")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(send(&sidecar, Method::DELETE, "/admin/v1/keys/x", &()).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let usage = sidecar.get("/admin/v1/usage?from=2026-11-26&to=2026-11-26").await;
    assert_eq!(usage, (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n".to_owned()));
}

fn says<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    match outcome {
        Err(Failure::Runtime(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_command_reaches_it_with_the_secret_and_tells_what_is_wrong_without() {
    let options =
        Options { secret: Some("s3cret".to_owned()), tenants: vec!["team-a".to_owned()], ..Options::default() };
    let sidecar = Running::with(Arc::new(Memory::new(1 << 20)), options).await;
    let listen = Listen::Tcp(sidecar.address);
    let with =
        |secret: &str| Client::at(listen.clone(), Some((EnvVar("SHARED".to_owned()), secret.to_owned()))).unwrap();
    let client = with("s3cret");
    client.post("/admin/v1/keys", &key("team-a")).await.unwrap();
    assert_eq!(client.get::<Vec<ApiKey>>("/admin/v1/keys").await.unwrap(), [key("team-a")]);
    let unknown = says(client.post("/admin/v1/keys", &key("team-z")).await);
    assert_eq!(unknown, "the configuration has no tenant 'team-z'; known: team-a");
    client.delete(&format!("/admin/v1/keys/{}", key("").id)).await.unwrap();
    assert_eq!(says(client.delete("/admin/v1/keys/abc").await), "there is no key abc");
    let wrong = says(with("other").get::<Vec<ApiKey>>("/admin/v1/keys").await);
    assert_eq!(wrong, format!("the sidecar at {listen} (sidecar.listen) has another secret than $SHARED"));
    let without = Client::at(listen.clone(), None).unwrap();
    let missing = says(without.get::<Vec<ApiKey>>("/admin/v1/keys").await);
    assert_eq!(missing, "the secret is missing or wrong (sidecar.secret)");
}

#[tokio::test]
async fn the_command_says_where_no_sidecar_is() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = says(Client::at(Listen::Tcp(free), None).unwrap().get::<Vec<ApiKey>>("/admin/v1/keys").await);
    assert_eq!(text, format!("no sidecar at {free} (sidecar.listen): is `weir up` or `weir serve` running?"));
    let folder = tempfile::tempdir().unwrap();
    let socket = Listen::Unix(folder.path().join("none.sock").to_str().unwrap().to_owned());
    let text = says(Client::at(socket, None).unwrap().get::<Vec<ApiKey>>("/admin/v1/keys").await);
    assert!(text.starts_with("no sidecar at unix:/") && text.ends_with("running?"), "{text}");
}

#[tokio::test]
async fn the_command_repeats_nothing_that_another_server_says() {
    let page = || async { (StatusCode::NOT_FOUND, "<html>\n\u{1b}[2J nothing here\n</html>") };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(axum::serve(listener, axum::Router::new().fallback(page)).into_future());
    let text = says(Client::at(Listen::Tcp(address), None).unwrap().get::<Vec<ApiKey>>("/admin/v1/keys").await);
    assert_eq!(text, format!("what is at {address} (sidecar.listen) answers 404 Not Found: is it the sidecar?"));
    serving.abort();
}
