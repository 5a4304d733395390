//! Reaches receivers: looks names up, checks what they are, connects to exactly that, and speaks TLS.
//!
//! * Each address is checked after the look-up, and what is connected to is the checked address, not the name: a name
//!   that means something else the next moment changes nothing.
//! * Proxies of the environment are not used. Behind one nobody here could know which address is reached.
//! * What TLS needs is made when the first `https` webhook connects, and gone with the last one.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::is_public;
use super::client::Limits;
use super::target::Target;

/// How many names are looked up at once. The system's look-up blocks a thread, for half a minute when nobody answers,
/// and the threads are needed for reading too.
const LOOK_UPS: usize = 3;

/// How many addresses of one name are tried.
const ADDRESSES: usize = 4;

/// How long one address may take, when there are more.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);

/// The most that is held of an answer's head. hyper takes no less than 8 KiB.
const HEAD_BYTES: usize = 16 << 10;

/// The way to receivers. Share it.
#[derive(Debug)]
pub(super) struct Network {
    allow_private: bool,
    pub(super) limits: Limits,
    look_ups: Arc<Semaphore>,
    tls: Mutex<Weak<ClientConfig>>,
}

/// A connection to a receiver, for one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Also one that hangs in the midst of something.
        self.driver.abort();
    }
}

impl Network {
    /// Private addresses are reached only when that is allowed.
    pub(super) fn new(allow_private: bool, limits: Limits) -> Self {
        Self { allow_private, limits, look_ups: Arc::new(Semaphore::new(LOOK_UPS)), tls: Mutex::default() }
    }

    /// Whether an address may be connected to.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }

    /// Connects to the receiver, or says why not.
    pub(super) async fn connect(
        &self,
        target: &Target,
        tls: &mut Option<Arc<ClientConfig>>,
    ) -> Result<Connection, String> {
        let stream = self.dial(&self.addresses(target).await?).await?;
        // A message is one small piece: waiting to join it with another gains nothing.
        let _ = stream.set_nodelay(true);
        if !target.secure {
            return handshake(stream).await;
        }
        let config = match tls {
            Some(config) => Arc::clone(config),
            None => self.tls().await?,
        };
        let name = ServerName::try_from(target.host.clone()).map_err(|_| "its host is no name for TLS".to_owned())?;
        let connected = TlsConnector::from(Arc::clone(&config)).connect(name, stream).await;
        *tls = Some(config);
        handshake(connected.map_err(|error| format!("there is no TLS with it: {error}"))?).await
    }

    /// The addresses that may be connected to.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, String> {
        let port = target.port;
        let found = match target.literal() {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => self.look_up(target.host.clone(), port).await?,
        };
        let allowed: Vec<_> = found.into_iter().filter(|found| self.allows(found.ip())).take(ADDRESSES).collect();
        if allowed.is_empty() {
            let why = "its host is on this computer or in a private network, which webhooks may not reach; the setting \
                 webhooks_allow_private allows it";
            return Err(why.to_owned());
        }
        Ok(allowed)
    }

    async fn look_up(&self, host: String, port: u16) -> Result<Vec<SocketAddr>, String> {
        let turn = Arc::clone(&self.look_ups).acquire_owned().await.map_err(|error| error.to_string())?;
        let looking = tokio::task::spawn_blocking(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            // Also when nobody waits for it any more, the thread is free only now.
            drop(turn);
            found
        });
        let found: std::io::Result<Vec<_>> = looking.await.map_err(|_| "the gateway is stopping".to_owned())?;
        found.map_err(|error| format!("the name of its host can't be looked up: {error}"))
    }

    async fn dial(&self, addresses: &[SocketAddr]) -> Result<TcpStream, String> {
        let mut last = String::new();
        for address in addresses {
            let dialled = match addresses.len() {
                1 => Ok(TcpStream::connect(address).await),
                _ => tokio::time::timeout(ADDRESS_PATIENCE, TcpStream::connect(address)).await,
            };
            last = match dialled {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => format!("it can't be connected to: {error}"),
                Err(_) => "it does not take connections".to_owned(),
            };
        }
        Err(last)
    }

    /// What TLS needs: the system's certificates, so that an operator's own authority counts.
    async fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        let mut held = self.tls.lock().await;
        if let Some(config) = held.upgrade() {
            return Ok(config);
        }
        let made = tokio::task::spawn_blocking(make_tls).await.map_err(|_| "the gateway is stopping".to_owned())??;
        let config = Arc::new(made);
        *held = Arc::downgrade(&config);
        Ok(config)
    }
}

fn make_tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        let why = "this system has no certificates of authorities; install its ca-certificates, or name a file in the \
             variable SSL_CERT_FILE";
        return Err(why.to_owned());
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let versions = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Connection, String> {
    let made = http1::Builder::new().max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|error| error.to_string())?;
    let driver = tokio::spawn(async move {
        // What goes wrong is told to whoever waits for the answer.
        let _ = connection.await;
    });
    Ok(Connection { sender, driver })
}
