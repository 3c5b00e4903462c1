//! Takes what exporters send and throws it away: what telling costs is to be measured, not what becomes of it.

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Its address. It ends with the program.
pub(crate) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(async |_: Bytes| {});
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
