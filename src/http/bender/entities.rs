//! Entities of bender's interface, as they are shown and posted.

use serde::Serialize;
use utoipa::ToSchema;

use crate::registry::document::BenderRegistration;
use crate::registry::{Alias, Instance, Meaning};

/// One place where a version of an app runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppInstance {
    /// `Registration`
    #[schema(value_type = String, example = "Registration")]
    resource: &'static str,
    /// The app: a service's name.
    app: String,
    /// Its version; registrations that other programs made may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.0.0")]
    version: Option<String>,
    /// An address, or a host name.
    #[schema(example = "10.0.0.1")]
    host: String,
    /// The port.
    #[schema(minimum = 1, example = 8080)]
    port: u16,
}

/// A registration as it is posted.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what the registry's readers read")]
pub(super) struct PostedRegistration {
    /// The app: 1 to 62 characters.
    app: String,
    /// Its version: 1 to 62 characters.
    #[schema(example = "1.0.0")]
    version: String,
    /// An address, or a host name.
    #[schema(example = "10.0.0.1")]
    host: String,
    /// The port, 1 to 65535: a number, or its decimal digits.
    #[schema(value_type = u16, minimum = 1, example = 8080)]
    port: u16,
}

/// The registrations of one version of an app, under a name.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Backend {
    /// `Backend`
    #[schema(value_type = String, example = "Backend")]
    resource: &'static str,
    /// Its name.
    name: String,
    /// The app.
    app: String,
    /// The version; all of them where another program wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.0.0")]
    version: Option<String>,
}

/// A backend as it is posted.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what the registry's readers read")]
pub(super) struct PostedBackend {
    /// Its name: 1 to 62 characters without `/`. A PUT may leave it out.
    name: String,
    /// The app: 1 to 62 characters.
    app: String,
    /// The version: 1 to 62 characters.
    #[schema(example = "1.0.0")]
    version: String,
}

/// A name that leads to a backend.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Frontend {
    /// `Frontend`
    #[schema(value_type = String, example = "Frontend")]
    resource: &'static str,
    /// Its name.
    name: String,
    /// The backend, which may not be there yet; without one it has no instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
}

/// A frontend as it is posted.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what the registry's readers read")]
pub(super) struct PostedFrontend {
    /// Its name: 1 to 62 characters without `/`. A PUT may leave it out.
    name: String,
    /// The backend: 1 to 62 characters, or none.
    backend: Option<String>,
}

impl AppInstance {
    /// What an instance is to bender; nothing without a port.
    pub(super) fn of(instance: &Instance) -> Option<Self> {
        Some(Self {
            resource: "Registration",
            app: instance.name.to_string(),
            version: instance.version().map(str::to_owned),
            host: instance.host.to_string(),
            port: instance.port?.get(),
        })
    }

    /// What was posted.
    pub(super) fn posted(posted: &BenderRegistration) -> Self {
        Self {
            resource: "Registration",
            app: posted.app.clone(),
            version: Some(posted.version.clone()),
            host: posted.host.clone(),
            port: posted.port.get(),
        }
    }
}

impl Backend {
    /// What an alias is, if it is a backend.
    pub(super) fn of(alias: &Alias) -> Option<Self> {
        let Meaning::Backend { app, version } = &alias.meaning else { return None };
        let (name, app) = (alias.name.to_string(), app.to_string());
        let version = version.as_ref().map(ToString::to_string);
        Some(Self { resource: alias.resource().as_str(), name, app, version })
    }
}

impl Frontend {
    /// What an alias is, if it is a frontend.
    pub(super) fn of(alias: &Alias) -> Option<Self> {
        let Meaning::Frontend { backend } = &alias.meaning else { return None };
        let backend = backend.as_ref().map(ToString::to_string);
        Some(Self { resource: alias.resource().as_str(), name: alias.name.to_string(), backend })
    }
}
