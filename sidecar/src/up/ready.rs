//! When a request would be served.

use reqwest::Client;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use weir_core::config::Config;

/// Compiling the module takes Envoy a second or two; looking up the providers' names may take longer.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until Envoy says that it is live and the filter says that it is ready; else tells what did not come.
pub(super) async fn wait(config: &Config) -> Result<(), String> {
    // No proxy from the environment: both are on this machine.
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().map_err(|e| e.to_string())?;
    let deadline = Instant::now() + PATIENCE;
    for (what, address, path) in [("Envoy", config.admin, "/ready"), ("the gateway", config.listen, "/readyz")] {
        let url = format!("http://{}{path}", reachable(address));
        let mut last = "no answer".to_owned();
        loop {
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => break,
                Ok(answer) => last = format!("{url} answers {}", answer.status()),
                Err(error) if error.is_timeout() => last = format!("{url} does not answer"),
                Err(_) => {}
            }
            if Instant::now() >= deadline {
                return Err(format!("{what} was not ready after {} seconds: {last}", PATIENCE.as_secs()));
            }
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Where a client on this machine finds what listens on `address`.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
