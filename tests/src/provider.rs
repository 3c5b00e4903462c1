//! A provider that answers exactly the bytes it is given: for what the simulator is too well-behaved to send.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A part of an answer.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Written at once.
    Bytes(Vec<u8>),
    /// Written byte by byte, each in a TCP segment of its own.
    Dripped(Vec<u8>),
    /// Nothing for a while.
    Pause(Duration),
    /// Nothing for ever.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A running provider. Dropping it closes its listener.
pub struct Scripted {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Answers every request with `script` and then closes the connection.
    pub async fn start(script: Vec<Piece>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let journal = Arc::clone(&received);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, script.clone(), Arc::clone(&journal)));
            }
        });
        Self { url, received, task }
    }

    /// A whole HTTP answer with `body`.
    pub async fn answering(status: u16, headers: &[(&str, &str)], body: Piece) -> Self {
        let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Self::start(vec![Piece::Bytes((head + "\r\n").into_bytes()), body]).await
    }

    /// Its base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, script: Vec<Piece>, journal: Arc<Mutex<Vec<Received>>>) {
    let _ = stream.set_nodelay(true);
    let Some(request) = receive(&mut stream).await else { return };
    journal.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    for piece in script {
        match piece {
            Piece::Bytes(bytes) => drop(stream.write_all(&bytes).await),
            Piece::Dripped(bytes) => {
                for byte in bytes {
                    let _ = stream.write_all(&[byte]).await;
                    tokio::task::yield_now().await;
                }
            }
            Piece::Pause(time) => tokio::time::sleep(time).await,
            Piece::Hang => std::future::pending().await,
        }
    }
    let _ = stream.shutdown().await;
}

/// Head and body of one request that announces its length.
async fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let body = bytes.get(end + 4..)?;
            if body.len() >= length.unwrap_or(0) {
                return Some(Received { head, body: body.to_vec() });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(buffer.get(..count)?),
        }
    }
}
