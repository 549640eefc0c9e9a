//! A running server, asked over its HTTP API: without etcd's credentials, and without etcd. And
//! the exchange itself, by which checks get a page, too.

mod events;

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::error::Failure;

pub use self::events::{ServerEvent, Severed};

/// How long a whole exchange may take: a page of a large zone is made in a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a server that has too much to do is asked again for a part of something long.
const RETRIES: u32 = 5;
/// The longest wait that a server is granted before it is asked again, whatever it says.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Octets of a reply that are read: far more than the longest page of the API.
const REPLY_MAX: usize = 64 << 20;
/// Octets of a url that make sense.
const URL_OCTETS: usize = 2_048;
/// Octets of an answer's head that are read.
const HEAD_OCTETS: usize = 16 << 10;
/// Header lines that are read.
const HEADERS_MAX: usize = 100;

/// Whatever went wrong below.
pub type Boxed = Box<dyn std::error::Error + Send + Sync>;

/// The url of a server's HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// Whether it speaks TLS.
    is_https: bool,
    /// Where to connect.
    host: String,
    /// At which port.
    port: u16,
    /// Who signs its certificate, beside the system's authorities.
    authorities: Vec<CertificateDer<'static>>,
}

/// A reply of a server's.
struct ApiReply {
    /// Its status.
    status: StatusCode,
    /// When to ask again, where it has too much to do now.
    later: Option<Duration>,
    /// What it says.
    body: Bytes,
}

/// Whatever octets go over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |what: &str| format!("`{text}` {what}; write http://127.0.0.1:5380");
        if text.len() > URL_OCTETS {
            return Err("it is longer than 2048 octets; write http://127.0.0.1:5380".to_owned());
        }
        let url: Uri = text.parse().map_err(|_| fault("is not a url"))?;
        let is_https = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fault("does not begin with http:// or https://")),
        };
        let host =
            url.host().filter(|host| !host.is_empty()).ok_or_else(|| fault("has no host"))?;
        if url.authority().is_some_and(|it| it.as_str().contains('@')) {
            return Err("a server is asked without a user; write http://127.0.0.1:5380".to_owned());
        }
        if url.path_and_query().is_some_and(|path| path != "/") {
            return Err(fault("has a path"));
        }
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, host, port, authorities: Vec::new() })
    }
}

impl Display for ServerUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl ServerUrl {
    /// The server that listens on an address; on loopback where that stands for all.
    #[must_use]
    pub fn on(address: SocketAddr, is_https: bool) -> Self {
        let host = match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.to_string(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.to_string(),
            other => other.to_string(),
        };
        Self { is_https, host, port: address.port(), authorities: Vec::new() }
    }

    /// The same, whose certificate may be signed by one of these, too.
    #[must_use]
    pub fn trusting(mut self, authorities: Vec<CertificateDer<'static>>) -> Self {
        self.authorities = authorities;
        self
    }

    /// The value that a path of the API answers with.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] where nobody answers; [`Failure::NotFound`] and
    /// [`Failure::Failed`] with what the server says.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.read(path, &self.once(path).await?)
    }

    /// The same, and asked again as long as the server wants to be asked later: what came before
    /// is not lost because another is served just now.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_patiently(&self, path: &str) -> Result<Value, Failure> {
        let mut reply = self.once(path).await?;
        for _ in 0..RETRIES {
            let Some(wait) = reply.later else { break };
            tokio::time::sleep(wait.min(RETRY_MAX)).await;
            reply = self.once(path).await?;
        }
        self.read(path, &reply)
    }

    /// What a path is answered with, in time.
    async fn once(&self, path: &str) -> Result<ApiReply, Failure> {
        let silent = |_| Failure::Unreachable(format!("the server {self} said nothing for 10 s"));
        timeout(PATIENCE, self.ask(path)).await.map_err(silent)?.map_err(|fault| self.away(&fault))
    }

    /// The value in a reply.
    fn read(&self, path: &str, reply: &ApiReply) -> Result<Value, Failure> {
        let value: Result<Value, _> = serde_json::from_slice(&reply.body);
        match (reply.status, value) {
            (StatusCode::OK, Ok(value)) => Ok(value),
            (status, Ok(value)) => Err(refusal(self, status, &value)),
            (status, Err(_)) => Err(Failure::failed(format!(
                "{self}{path} answers {status}, and not as srvd does; name a server with --server"
            ))),
        }
    }

    /// Nobody answers, and why.
    #[must_use]
    pub fn away(&self, fault: &Boxed) -> Failure {
        Failure::Unreachable(format!(
            "the server {self} cannot be reached: {fault}; check that it runs, and --server"
        ))
    }

    /// What a path is answered with.
    async fn ask(&self, path: &str) -> Result<ApiReply, Boxed> {
        let stream = self.connect().await?;
        exchange(stream, &self.authority(), path, async |answer| {
            let (status, later) = (answer.status(), later(&answer));
            let body = Limited::new(answer.into_body(), REPLY_MAX).collect().await?;
            Ok(ApiReply { status, later, body: body.to_bytes() })
        })
        .await
    }

    /// A connection to it.
    async fn connect(&self) -> Result<Box<dyn Stream>, Boxed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        Ok(match self.is_https {
            true => Box::new(self.secured(stream).await?),
            false => Box::new(stream),
        })
    }

    /// TLS over a stream, with the system's authorities and those that are named.
    async fn secured(&self, stream: TcpStream) -> Result<impl Stream + use<>, Boxed> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from(self.host.clone())?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }

    /// `HOST:PORT`.
    fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Gets a page over a stream, whose connection ends with that. Of its answer the head is read, and
/// what `read` reads.
///
/// # Errors
/// Why there is none.
pub(crate) async fn exchange<T>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    authority: &str,
    path: &str,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Boxed>,
) -> Result<T, Boxed> {
    let mut client = http1::Builder::new();
    client.max_buf_size(HEAD_OCTETS).max_headers(HEADERS_MAX);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("srvd/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(String::new())?;
    let mut answer = pin!(async { read(sender.send_request(request).await?).await });
    tokio::select! {
        answer = &mut answer => answer,
        // It may end with the answer; where there is none, it knows best why.
        end = connection => match answer.await {
            Err(error) => Err(end.err().map_or(error, Boxed::from)),
            answer => answer,
        },
    }
}

/// When a server wants to be asked again that has too much to do; in seconds, as srvd writes it.
fn later(answer: &Response<Incoming>) -> Option<Duration> {
    let wait = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then(|| Duration::from_secs(wait))
}

/// What a server says in place of what was asked for.
fn refusal(server: &ServerUrl, status: StatusCode, said: &Value) -> Failure {
    let message = said["message"].as_str().unwrap_or_default();
    match status {
        StatusCode::NOT_FOUND => Failure::NotFound(message.to_owned()),
        _ => Failure::failed(format!("{server} answers {status}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_a_host_and_a_port() {
        for (written, shown) in [
            ("http://127.0.0.1:5380", "http://127.0.0.1:5380"),
            ("http://[::1]:5380/", "http://[::1]:5380"),
            ("https://ops.example", "https://ops.example:443"),
        ] {
            assert_eq!(written.parse::<ServerUrl>().unwrap().to_string(), shown);
        }
        let any = ServerUrl::on("0.0.0.0:80".parse().unwrap(), true);
        assert_eq!(any.to_string(), "https://127.0.0.1:80");
        for (written, fault) in [
            ("127.0.0.1:5380", "does not begin with http://"),
            ("ftp://a", "does not begin with http://"),
            ("http://a/v1", "has a path"),
            ("http://u:s3cret@a", "without a user"),
            ("http:// ", "is not a url"),
        ] {
            let told = written.parse::<ServerUrl>().unwrap_err();
            assert!(told.contains(fault) && !told.contains("s3cret"), "{written}: {told}");
        }
    }
}
