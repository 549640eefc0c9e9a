//! The HTTP probe: a page answers a GET with 2xx or 3xx. A redirection is an answer, and is not
//! followed. Of the answer only the head is read.

use hyper::{StatusCode, Uri};
use tokio::net::TcpStream;

use crate::join::Registrant;
use crate::remote::{Boxed, exchange};

/// Octets of a url that make sense.
const URL_OCTETS: usize = 2_048;
/// The port of a url that names none.
const HTTP_PORT: u16 = 80;

/// A page to get.
#[derive(Debug)]
pub struct CheckUrl {
    /// Where to connect.
    host: String,
    /// At which port.
    port: u16,
    /// `HOST[:PORT]` as it was written.
    authority: String,
    /// Path and query.
    path: String,
}

impl CheckUrl {
    /// Reads `http://HOST[:PORT][/PATH][?QUERY]`, in which `$HOST` and `$PORT` are those of
    /// the instance.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn of(written: &str, registrant: &Registrant) -> Result<Self, String> {
        let wrong = |what: &str| format!("--check `{written}` {what}; write http://HOST:PORT/PATH");
        let host = registrant.location.rsplit_once(':').map_or("", |(host, _)| host);
        let text = written.replace("$HOST", host).replace("$PORT", &registrant.port.to_string());
        if text.len() > URL_OCTETS {
            return Err(wrong("is longer than 2048 octets"));
        }
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("is no url ({error})")))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("is no url"));
        }
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it, which checks do not send"));
        }
        let is_whole = authority.as_str().len() == authority.host().len();
        if authority.port_u16().is_none() && !is_whole {
            return Err(wrong("has a port that is not a number up to 65535"));
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
    async fn status(&self) -> Result<StatusCode, Boxed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        exchange(stream, &self.authority, &self.path, async |answer| Ok(answer.status())).await
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    /// The url for an instance at a location.
    fn url(written: &str, location: &str) -> Result<CheckUrl, String> {
        let (host, port) = location.rsplit_once(':').unwrap();
        let port: NonZeroU16 = port.parse().unwrap();
        let (hostname, location) = (host.trim_matches(['[', ']']).to_owned(), location.to_owned());
        let [name, id, key, document] = Default::default();
        CheckUrl::of(written, &Registrant { name, id, key, document, location, hostname, port })
    }

    #[test]
    fn host_and_port_are_the_instances() {
        let at = url("http://$HOST:$PORT/a?b", "[2001:db8::1]:81").unwrap();
        assert_eq!((at.host.as_str(), at.port, at.path.as_str()), ("2001:db8::1", 81, "/a?b"));
        assert_eq!(at.authority, "[2001:db8::1]:81");
        let plain = url("http://10.0.0.9", "10.0.0.1:81").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.path.as_str()), ("10.0.0.9", 80, "/"));
    }

    #[test]
    fn what_is_no_url_is_told() {
        for (written, message) in [
            ("http://", "is no url"),
            ("http:///path", "is no url"),
            ("http:path", "is no url"),
            ("http://a:99999/", "has a port that is not a number up to 65535"),
            ("http://u:p@a/", "has a user in it"),
            (&format!("http://a/{}", "x".repeat(URL_OCTETS)), "is longer than 2048 octets"),
        ] {
            let fault = url(written, "10.0.0.1:81").unwrap_err();
            assert!(fault.contains(message), "{written}: {fault}");
        }
    }
}
