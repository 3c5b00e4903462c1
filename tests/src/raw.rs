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

    /// Reads until `mark` has come, and gives all that came.
    pub async fn read_until(&mut self, mark: &str) -> String {
        let mut all = Vec::new();
        let read = async {
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&all).contains(mark) {
                match self.stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                }
            }
        };
        let _ = timeout(PATIENCE, read).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads until the peer closes, and gives all that came.
    pub async fn read_all(&mut self) -> String {
        let mut all = Vec::new();
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The answer to one request that asks for the connection to be closed.
    pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
        Self::connect(address).await.send(request).await.read_all().await
    }

    /// Closes with a reset, as a crashed client does.
    pub fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}
