//! A client of DNS over HTTPS by HTTP/2, many requests on one connection.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::tls::TlsClient;

/// A connection of a client.
#[derive(Clone)]
pub(crate) struct Http2(SendRequest<Full<Bytes>>);

impl Http2 {
    /// Connects.
    pub(crate) async fn connect(client: &TlsClient, at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let connector = TlsConnector::from(client.config());
        let stream = connector.connect(at.ip().into(), stream).await.unwrap();
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request; its response comes without its body.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.0.ready().await?;
        self.0.send_request(request).await
    }

    /// Asks by POST. Gives the reply.
    pub(crate) async fn post(&mut self, message: &[u8]) -> hyper::Result<Bytes> {
        let response = self.send(request("POST", "/dns-query", message)).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// A request for a path, whose body is a message.
pub(crate) fn request(method: &str, path: &str, message: &[u8]) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header("content-type", "application/dns-message")
        .body(Full::new(Bytes::copy_from_slice(message)))
        .unwrap()
}
