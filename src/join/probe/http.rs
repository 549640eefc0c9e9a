//! Whether a page answers a GET with 2xx or 3xx: a redirection is an answer, and is not
//! followed. Of the answer only the head is read.

use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::join::options::Place;

/// Octets of an answer's head that are read.
const HEAD_OCTETS: usize = 16 << 10;
/// Header lines that are read.
const HEADERS_MAX: usize = 100;
/// Octets of a url that make sense.
const URL_OCTETS: usize = 2_048;
/// The port of a url that names none.
const HTTP_PORT: u16 = 80;

/// A page to get.
#[derive(Debug)]
pub(super) struct Url {
    /// Where to connect.
    host: String,
    /// At which port.
    port: u16,
    /// `HOST[:PORT]` as it was written.
    authority: String,
    /// Path and query.
    path: String,
}

impl Url {
    /// Reads `http://HOST[:PORT][/PATH][?QUERY]`, in which `$HOST` and `$PORT` are those of
    /// the instance.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(super) fn of(written: &str, place: &Place) -> Result<Self, String> {
        let wrong = |what: &str| format!("--check `{written}` {what}; write http://HOST:PORT/PATH");
        let host = place.location.rsplit_once(':').map_or("", |(host, _)| host);
        let text = written.replace("$HOST", host).replace("$PORT", &place.port.to_string());
        if text.len() > URL_OCTETS {
            return Err(wrong("is longer than 2048 octets"));
        }
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("is no url ({error})")))?;
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it, which checks do not send"));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(HTTP_PORT);
        Ok(Self { host, port, authority: authority.to_string(), path })
    }

    /// Gets the page.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) async fn get(&self) -> Result<(), String> {
        let status = self.status().await;
        let status = status.map_err(|fault| format!("{}: {fault}", self.authority))?;
        if status.is_success() || status.is_redirection() {
            return Ok(());
        }
        Err(format!("{}{} answers {status}", self.authority, self.path))
    }

    /// The status that the page is answered with. The connection ends with this call.
    async fn status(&self) -> Result<hyper::StatusCode, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let mut client = http1::Builder::new();
        client.max_buf_size(HEAD_OCTETS).max_headers(HEADERS_MAX);
        let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await?;
        let request = Request::get(&self.path)
            .header(HOST, &self.authority)
            .header(USER_AGENT, concat!("srvd/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .body(String::new())?;
        let mut answer = std::pin::pin!(sender.send_request(request));
        let answer = tokio::select! {
            answer = &mut answer => answer,
            // It may end with the answer.
            end = connection => {
                end?;
                answer.await
            }
        };
        Ok(answer?.status())
    }
}
