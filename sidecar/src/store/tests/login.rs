//! Who may speak to Redis, and who may listen.

use super::fixture::usable_within;
use super::millis;
use super::outages::{BACK, connect};
use super::server::{Server, Version};
use crate::store::{Redis, Store};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/tests/tls");

fn with_tls() -> Server {
    let (certificate, key) = (format!("{TLS}/server.pem"), format!("{TLS}/server.key"));
    let arguments = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    Server::start(Version::Eight, &[&arguments[..], &["--tls-ca-cert-file", &format!("{TLS}/ca.pem")]].concat())
}

async fn error(store: &Redis) -> String {
    millis(300).await;
    store.ping().await.expect_err("it is not let in").0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_trusts_the_given_authority_and_no_other() {
    let server = with_tls();
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let store = connect(&format!("{url}?ca={TLS}/ca.pem"));
    usable_within(&*store, BACK).await;
    let stranger = connect(&url);
    let error = error(&stranger).await;
    assert!(error.contains("certificate") || error.contains("UnknownIssuer"), "{error}");
    let missing = Redis::connect(&format!("{url}?ca={TLS}/nowhere.pem"), BACK).err().expect("there is no such file");
    assert!(missing.contains("nowhere.pem"), "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_opens_and_is_not_told() {
    let server = Server::start(Version::Seven, &["--requirepass", "s3/cr@t"]);
    let at = format!("127.0.0.1:{}", server.port());
    let store = connect(&format!("redis://:s3%2Fcr%40t@{at}"));
    usable_within(&*store, BACK).await;
    let wrong = error(&connect(&format!("redis://:hunter2@{at}"))).await;
    assert!(wrong.contains("WRONGPASS") || wrong.contains("authentication"), "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
    let none = error(&connect(&format!("redis://{at}"))).await;
    assert!(none.contains("NOAUTH"), "{none}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_repeats_a_password_is_not_repeated() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            // Whatever is said, old servers and proxies repeat what they do not know.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            while stream.read(&mut [0; 4_096]).is_ok_and(|count| count > 0) {
                let answer = b"-ERR unknown command `AUTH`, with args beginning with: `hunter2`\r\n";
                if stream.write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    let error = error(&connect(&format!("redis://:hunter2@127.0.0.1:{port}"))).await;
    assert!(!error.contains("hunter2"), "{error}");
    assert!(error.contains("Redis"), "{error}");
}
