//! A client that writes what it likes: bytes no HTTP library would send.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// One TCP connection.
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream }
    }

    /// Writes; a peer that has closed already is no failure.
    pub async fn send(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.stream.write_all(bytes).await;
        self
    }

    /// Reads until `mark` has come or the peer closes, and gives all that came.
    pub async fn read_until(&mut self, mark: &str) -> String {
        self.read(|all| String::from_utf8_lossy(all).contains(mark)).await
    }

    /// Reads one whole answer, or until the peer closes. Envoy keeps a connection open for a second after a refusal.
    pub async fn read_answer(&mut self) -> String {
        self.read(is_answer).await
    }

    async fn read(&mut self, enough: impl Fn(&[u8]) -> bool) -> String {
        let mut all = Vec::new();
        let read = async {
            let mut buffer = [0; 4096];
            while !enough(&all) {
                match self.stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                }
            }
        };
        let _ = timeout(PATIENCE, read).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The answer to one request on a connection of its own.
    pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
        Self::connect(address).await.send(request).await.read_answer().await
    }

    /// Closes with a reset, as a crashed client does.
    pub fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}

/// Whether this is a head and all of the body that the head announces.
fn is_answer(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| bytes.len() >= head.len().saturating_add(4).saturating_add(length))
}
