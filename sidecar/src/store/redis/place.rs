//! Where a Redis is, and how to get there.

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates, TlsMode, Value,
};
use std::time::Duration;
use weir_core::config::{RedisKind, RedisUrl};

/// How long one attempt to connect may take: the handshakes of TCP and TLS, the login.
const CONNECT: Duration = Duration::from_secs(1);
/// After which an unanswered command is given up by the connection. Its caller has long left.
const RESPONSE: Duration = Duration::from_secs(1);

pub(super) enum Place {
    Single(Client),
    /// Asked for the master each time.
    Sentinel(Box<tokio::sync::Mutex<SentinelClient>>),
    Cluster(ClusterClient),
}

/// A connection, of which there are many handles.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    /// It follows the slots, and the nodes, by itself.
    Cluster(ClusterConnection),
}

impl Place {
    /// # Errors
    /// The authorities cannot be read, or are none.
    pub(super) fn new(address: &RedisUrl) -> Result<Self, String> {
        if address.tls {
            // Fails if there is one already, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let certificates = match &address.ca {
            None => None,
            Some(path) => {
                let pem = std::fs::read(path).map_err(|error| format!("{} (ca): {error}", path))?;
                Some(TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
        };
        Self::with(address, certificates).map_err(|error| format!("the store's URL: {}", error.category()))
    }

    fn with(address: &RedisUrl, certificates: Option<TlsCertificates>) -> RedisResult<Self> {
        let mut login = RedisConnectionInfo::default().set_db(address.database);
        if let Some(user) = &address.user {
            login = login.set_username(user);
        }
        if let Some(password) = &address.password {
            login = login.set_password(password);
        }
        let hosts = address.hosts.iter().cloned().map(|(host, port)| match address.tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        });
        match &address.kind {
            RedisKind::Sentinel { master } => {
                let builder = SentinelClientBuilder::new(hosts, master, SentinelServerType::Master)?;
                let client = sentinel(builder, address, certificates).build()?;
                Ok(Self::Sentinel(Box::new(tokio::sync::Mutex::new(client))))
            }
            kind => {
                let nodes = hosts
                    .map(|host| Ok(host.into_connection_info()?.set_redis_settings(login.clone())))
                    .collect::<RedisResult<Vec<_>>>()?;
                match (kind, nodes.first()) {
                    (RedisKind::Single, Some(node)) => match certificates {
                        Some(certificates) => Client::build_with_tls(node.clone(), certificates).map(Self::Single),
                        None => Client::open(node.clone()).map(Self::Single),
                    },
                    _ => {
                        let mut builder = ClusterClient::builder(nodes)
                            .connection_timeout(CONNECT)
                            .response_timeout(RESPONSE)
                            // A call's deadline is short: what does not succeed at once is its caller's to decide.
                            .retries(3)
                            .min_retry_wait(5)
                            .max_retry_wait(50);
                        if let Some(certificates) = certificates {
                            builder = builder.certs(certificates);
                        }
                        builder.build().map(Self::Cluster)
                    }
                }
            }
        }
    }

    pub(super) async fn connect(&self) -> RedisResult<Link> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(RESPONSE));
        let connect = async {
            match self {
                Self::Single(client) => {
                    client.get_multiplexed_async_connection_with_config(&config).await.map(Link::One)
                }
                Self::Sentinel(client) => {
                    client.lock().await.get_async_connection_with_config(&config).await.map(Link::One)
                }
                Self::Cluster(client) => client.get_async_connection().await.map(Link::Cluster),
            }
        };
        // Several hosts may be asked one after the other.
        tokio::time::timeout(CONNECT * 3, connect)
            .await
            .unwrap_or_else(|_| Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))))
    }
}

impl Link {
    pub(super) async fn run(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }
}

fn sentinel(
    mut builder: SentinelClientBuilder,
    address: &RedisUrl,
    certificates: Option<TlsCertificates>,
) -> SentinelClientBuilder {
    builder = builder.set_client_to_redis_db(address.database);
    if let Some(user) = &address.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = &address.password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(user) = &address.sentinel_user {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = &address.sentinel_password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if address.tls {
        builder =
            builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder
}
