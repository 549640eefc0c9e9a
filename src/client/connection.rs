//! The connection: where the registry is, and how we are let in.

use std::path::PathBuf;

use tokio::runtime::Handle;

use super::{Client, Error};
use crate::etcd::{Access, Etcd, FINDS_MEMBERS, Files, SharedClient};
use crate::files::NamedFile;
use crate::names::DEFAULT_REGISTRY;
use crate::registry::RegistryUrl;

/// The options of a connection, named as those of the program `srvd`. All files are read again
/// when they change, and so follow a rotation.
#[derive(Debug, Clone, Default)]
pub struct ClientBuilder {
    /// The connection string, as it was given.
    url: String,
    /// PEM of the authorities.
    ca: Option<PathBuf>,
    /// PEM of the client certificate.
    cert: Option<PathBuf>,
    /// PEM of its key.
    key: Option<PathBuf>,
    user: Option<String>,
    /// The file whose first line is the password.
    password_file: Option<PathBuf>,
}

impl ClientBuilder {
    /// Options for a connection string: see [the module](super#connection).
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// The options that the environment says, as for the program `srvd`: `SRVD_REGISTRY` (default
    /// `http://127.0.0.1:2379`), `SRVD_CA`, `SRVD_CERT`, `SRVD_KEY`, `SRVD_USER`,
    /// `SRVD_PASSWORD_FILE`. A variable that is empty says nothing.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The options that variables say.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| variable(name).filter(|it| !it.is_empty());
        let path = |name| text(name).map(PathBuf::from);
        Self {
            url: text("SRVD_REGISTRY").unwrap_or_else(|| DEFAULT_REGISTRY.to_owned()),
            ca: path("SRVD_CA"),
            cert: path("SRVD_CERT"),
            key: path("SRVD_KEY"),
            user: text("SRVD_USER"),
            password_file: path("SRVD_PASSWORD_FILE"),
        }
    }

    /// The PEM file of the authorities that sign etcd's certificates; default: the system's.
    #[must_use]
    pub fn ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca = Some(file.into());
        self
    }

    /// The PEM file of a client certificate; it needs a [key](Self::key).
    #[must_use]
    pub fn cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.cert = Some(file.into());
        self
    }

    /// The PEM file of the client certificate's key.
    #[must_use]
    pub fn key(mut self, file: impl Into<PathBuf>) -> Self {
        self.key = Some(file.into());
        self
    }

    /// The user of etcd's authentication; it needs a [password file](Self::password_file).
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The file whose first line is the user's password.
    #[must_use]
    pub fn password_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.password_file = Some(file.into());
        self
    }

    /// A client with these options. The files are read; nothing is connected until it is used.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Access`]: what is wrong, and what to write; [`Error::NoRuntime`].
    pub async fn connect(self) -> Result<Client, Error> {
        let runtime = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let url = self.registry()?;
        let files = self.files()?;
        if files.wants_tls() && !url.tls && url.domain.is_none() {
            let text = "ca, cert and key need a registry url with https://";
            return Err(Error::Access(text.to_owned()));
        }
        let read = runtime.spawn_blocking(move || Access::read(files)).await;
        let access = read.map_err(|_| Error::Ended)?;
        let access = access.map_err(|fault| Error::Access(fault.to_string()))?;
        let etcd = Etcd::new(&url, &access);
        Ok(Client { upkeep: SharedClient::new(etcd.clone()), etcd, runtime })
    }

    /// The registry.
    fn registry(&self) -> Result<RegistryUrl, Error> {
        let fault =
            |fault: &str| Error::Url(format!("`{}` {fault}", RegistryUrl::masked(&self.url)));
        let url: RegistryUrl = self.url.parse().map_err(|it| fault(&format!("{it}")))?;
        if url.domain.is_some() && !FINDS_MEMBERS {
            return Err(fault(
                "names a domain, and this client asks no name server; name the members: \
                 http://HOST:PORT,HOST:PORT",
            ));
        }
        Ok(url)
    }

    /// The files that let us in. Nothing is read.
    fn files(&self) -> Result<Files, Error> {
        let named = |path: &PathBuf, origin: &str| NamedFile {
            path: path.clone(),
            origin: origin.to_owned(),
        };
        let access = |text: &str| Err(Error::Access(text.to_owned()));
        let identity = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((named(cert, "cert"), named(key, "key"))),
            (None, None) => None,
            _ => return access("cert and key go together; give both or none"),
        };
        let user = match (&self.user, &self.password_file) {
            (Some(user), _) if user.contains(':') => {
                return access(
                    "user: give the name without a password; that goes into a file, password_file",
                );
            }
            (Some(user), Some(file)) => Some((user.clone(), named(file, "password_file"))),
            (None, None) => None,
            _ => return access("user and password_file go together; give both or none"),
        };
        Ok(Files { ca: self.ca.as_ref().map(|path| named(path, "ca")), identity, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_what_it_says_to_the_program() {
        let said = |name: &str| match name {
            "SRVD_REGISTRY" => Some("https://a".to_owned()),
            "SRVD_USER" => Some("u".to_owned()),
            "SRVD_PASSWORD_FILE" => Some("/p".to_owned()),
            "SRVD_CA" => Some(String::new()),
            _ => None,
        };
        let builder = ClientBuilder::from_variables(said);
        assert_eq!((builder.url.as_str(), builder.ca.clone()), ("https://a", None));
        assert_eq!(builder.files().unwrap().user.unwrap().0, "u");
        assert_eq!(ClientBuilder::from_variables(|_| None).url, DEFAULT_REGISTRY);
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_told_before_anything_is_done() {
        let message = |builder: ClientBuilder| async move {
            builder.connect().await.unwrap_err().to_string()
        };
        let plain = || ClientBuilder::new("http://a");
        let told = message(ClientBuilder::new("http://u:secret@a")).await;
        assert!(told.starts_with("the registry url `http://***@a` has a user"), "{told}");
        for (builder, wanted) in [
            (ClientBuilder::new("etcd://a"), "the registry url `etcd://a` has the scheme"),
            (plain().cert("/c"), "cert and key go together"),
            (plain().user("u"), "user and password_file go together"),
            (plain().user("u:p").password_file("/p"), "user: give the name without a password"),
            (plain().ca("/c"), "ca, cert and key need a registry url with https://"),
            (plain().user("u").password_file("/nowhere"), "password_file /nowhere: "),
        ] {
            let told = message(builder).await;
            assert!(told.starts_with(wanted), "{told}");
        }
    }

    #[test]
    fn outside_of_a_runtime_there_is_no_client() {
        let mut connecting = Box::pin(Client::connect("http://a"));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let end = connecting.as_mut().poll(&mut context);
        assert!(matches!(end, std::task::Poll::Ready(Err(Error::NoRuntime))), "{end:?}");
    }
}
