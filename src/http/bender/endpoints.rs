//! `/backends`, the versions of apps that run, and `/frontends`, names that lead to a backend
//! each, and to another when they are told.

use super::aliases::{AliasKind, Posted};

/// Makes the endpoints of a kind of aliases: what the OpenAPI document says of them is read
/// from functions, so that a generic one could not say it of each.
macro_rules! endpoints {
    (
        $module:ident: $entity:ident, $posted:ident,
        $path:tt, $path_of_one:tt,
        $list:tt, $show:tt, $create:tt, $replace:tt, $remove:tt $(,)?
    ) => {
        pub(super) mod $module {
            use axum::extract::State;
            use axum::http::StatusCode;
            use axum::response::Response;
            use axum::{Extension, Json};

            use super::super::entities::{$entity, $posted};
            use super::{AliasKind, Posted};
            use crate::http::Subject;
            use crate::http::server::access::Author;
            use crate::http::server::extract::{Body, Segments};
            use crate::http::server::refusal::Refusal;
            use crate::registry::Resource;

            /// The kind, as HTTP has it.
            const KIND: AliasKind<$entity> =
                AliasKind { resource: Resource::$entity, path: stringify!($module), show: $entity::of };

            #[doc = $list]
            #[utoipa::path(get, path = $path, tag = "bender", responses(
                (status = 200, body = Vec<$entity>),
                (status = 503, body = Refusal, description = "the registry has not been listed yet"),
            ))]
            pub(in super::super) async fn list(
                State(subject): State<Subject>,
            ) -> Result<Response, Refusal> {
                KIND.list(&subject).await
            }

            #[doc = $show]
            #[utoipa::path(get, path = $path_of_one, tag = "bender", responses(
                (status = 200, body = $entity),
                (status = 404, body = Refusal),
            ))]
            pub(in super::super) async fn show(
                State(subject): State<Subject>,
                Segments(name): Segments<String>,
            ) -> Result<Json<$entity>, Refusal> {
                KIND.show(&subject, &name)
            }

            #[doc = $create]
            #[utoipa::path(post, path = $path, tag = "bender", request_body = $posted, responses(
                (status = 201, body = $entity, headers(("Location" = String))),
                (status = 400, body = Refusal),
                (status = 403, body = Refusal, description = "srvd may not write the registry"),
                (status = 409, body = Refusal, description = "there is one of this name"),
                (status = 503, body = Refusal, description = "the registry is away"),
            ))]
            pub(in super::super) async fn create(
                State(subject): State<Subject>,
                Extension(author): Extension<Author>,
                Body(posted): Body<Posted>,
            ) -> Result<Response, Refusal> {
                KIND.create(&subject, &author, &posted).await
            }

            #[doc = $replace]
            #[utoipa::path(put, path = $path_of_one, tag = "bender", request_body = $posted, responses(
                (status = 200, body = $entity),
                (status = 400, body = Refusal),
                (status = 403, body = Refusal, description = "srvd may not write the registry"),
                (status = 404, body = Refusal),
                (status = 503, body = Refusal, description = "the registry is away"),
            ))]
            pub(in super::super) async fn replace(
                State(subject): State<Subject>,
                Extension(author): Extension<Author>,
                Segments(name): Segments<String>,
                Body(posted): Body<Posted>,
            ) -> Result<Json<Option<$entity>>, Refusal> {
                KIND.replace(&subject, &author, &name, &posted).await
            }

            #[doc = $remove]
            #[utoipa::path(delete, path = $path_of_one, tag = "bender", responses(
                (status = 204),
                (status = 403, body = Refusal, description = "srvd may not write the registry"),
                (status = 404, body = Refusal),
                (status = 503, body = Refusal, description = "the registry is away"),
            ))]
            pub(in super::super) async fn remove(
                State(subject): State<Subject>,
                Extension(author): Extension<Author>,
                Segments(name): Segments<String>,
            ) -> Result<StatusCode, Refusal> {
                KIND.remove(&subject, &author, &name).await
            }
        }
    };
}

endpoints!(
    backends: Backend, PostedBackend,
    "/backends", "/backends/{name}",
    " All backends, by name.",
    " One backend.",
    " Makes a backend.",
    " Replaces a backend: names that lead to it are answered otherwise from the reply on.",
    " Removes a backend.",
);

endpoints!(
    frontends: Frontend, PostedFrontend,
    "/frontends", "/frontends/{name}",
    " All frontends, by name.",
    " One frontend.",
    " Makes a frontend.",
    " Replaces a frontend: names that lead to it are answered otherwise from the reply on.",
    " Removes a frontend.",
);
