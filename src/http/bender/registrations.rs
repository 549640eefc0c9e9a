//! `/registrations`: who runs where, and saying so.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use serde_json::{Map, Value, json};

use super::created;
use super::entities::{AppInstance, PostedRegistration};
use crate::http::Subject;
use crate::http::server::access::Author;
use crate::http::server::extract::{Body, Segments};
use crate::http::server::heavy::{Array, Gone};
use crate::http::server::refusal::Refusal;
use crate::index::Zone;
use crate::names::folded;
use crate::registry::Instance;
use crate::registry::document::BenderRegistration;

/// All registrations.
///
/// They are sorted by app, version, host and port; a long list comes while it is made.
/// Instances that other programs registered are among them, if they have a port.
#[utoipa::path(get, path = "/registrations", tag = "bender", responses(
    (status = 200, body = Vec<AppInstance>),
    (status = 503, body = Refusal, description = "the registry has not been listed yet"),
))]
pub(super) async fn list(State(subject): State<Subject>) -> Result<Response, Refusal> {
    let zone = subject.registered()?;
    subject
        .heavy
        .array(move |array| {
            let mut labels: Vec<_> = zone.labels().collect();
            labels.sort_unstable();
            let mut services = labels.into_iter().filter_map(|label| zone.service(label));
            services.try_for_each(|service| write(service.instances(), array))
        })
        .await
}

/// The registrations of an app.
#[utoipa::path(get, path = "/registrations/{app}", tag = "bender", responses(
    (status = 200, body = Vec<AppInstance>),
))]
pub(super) async fn list_app(
    State(subject): State<Subject>,
    Segments(app): Segments<String>,
) -> Result<Response, Refusal> {
    let zone = subject.registered()?;
    subject.heavy.array(move |array| write(of_app(&zone, &app), array)).await
}

/// The registrations of one version of an app.
#[utoipa::path(get, path = "/registrations/{app}/{version}", tag = "bender", responses(
    (status = 200, body = Vec<AppInstance>),
))]
pub(super) async fn list_version(
    State(subject): State<Subject>,
    Segments((app, version)): Segments<(String, String)>,
) -> Result<Response, Refusal> {
    let zone = subject.registered()?;
    let is_meant = move |it: &&Instance| it.version() == Some(&version);
    subject.heavy.array(move |array| write(of_app(&zone, &app).filter(is_meant), array)).await
}

/// One registration.
#[utoipa::path(get, path = "/registrations/{app}/{version}/{host}/{port}", tag = "bender", responses(
    (status = 200, body = AppInstance),
    (status = 404, body = Refusal),
))]
pub(super) async fn show(
    State(subject): State<Subject>,
    Segments(place): Segments<KeyTuple>,
) -> Result<Json<AppInstance>, Refusal> {
    let wanted = of_path(&place)?;
    let is_there = |it: &&Instance| {
        it.version() == Some(&wanted.version)
            && it.port == Some(wanted.port)
            && it.host.to_string() == wanted.host
    };
    let zone = subject.registered()?;
    let found = of_app(&zone, &wanted.app).find(is_there).and_then(AppInstance::of);
    found.map(Json).ok_or_else(|| Refusal::not_found("there is no such registration"))
}

/// Registers an instance, or renews it.
///
/// It is registered until it is not renewed for `--registration-ttl`. Where it runs is what
/// it is known by: another version at the same host and port takes its place.
#[utoipa::path(post, path = "/registrations", tag = "bender", request_body = PostedRegistration,
    responses(
        (status = 201, body = AppInstance, headers(("Location" = String))),
        (status = 400, body = Refusal),
        (status = 403, body = Refusal, description = "srvd may not write the registry"),
        (status = 409, body = Refusal, description = "another program holds its place"),
        (status = 503, body = Refusal, description = "the registry is away"),
        (status = 507, body = Refusal, description = "too many are registered here"),
    )
)]
pub(super) async fn create(
    State(subject): State<Subject>,
    Extension(author): Extension<Author>,
    Body(posted): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let wanted = BenderRegistration::posted(&posted).map_err(Refusal::invalid)?;
    let entity = register(&subject, &author, &wanted).await?;
    let BenderRegistration { app, version, host, port, .. } = &wanted;
    let port = port.to_string();
    Ok(created(&["registrations", app, version, host, &port], entity))
}

/// Registers an instance, or renews it, without a body.
#[utoipa::path(post, path = "/registrations/{app}/{version}/{host}/{port}", tag = "bender",
    responses(
        (status = 200, body = AppInstance),
        (status = 400, body = Refusal),
        (status = 403, body = Refusal, description = "srvd may not write the registry"),
        (status = 409, body = Refusal, description = "another program holds its place"),
        (status = 503, body = Refusal, description = "the registry is away"),
        (status = 507, body = Refusal, description = "too many are registered here"),
    )
)]
pub(super) async fn renew(
    State(subject): State<Subject>,
    Extension(author): Extension<Author>,
    Segments(place): Segments<KeyTuple>,
) -> Result<Json<AppInstance>, Refusal> {
    register(&subject, &author, &of_path(&place)?).await.map(Json)
}

/// Removes an instance at once, in the place of letting its TTL pass.
#[utoipa::path(delete, path = "/registrations/{app}/{version}/{host}/{port}", tag = "bender",
    responses(
        (status = 204),
        (status = 400, body = Refusal),
        (status = 403, body = Refusal, description = "srvd may not write the registry"),
        (status = 404, body = Refusal),
        (status = 409, body = Refusal, description = "another program holds its place"),
        (status = 503, body = Refusal, description = "the registry is away"),
    )
)]
pub(super) async fn leave(
    State(subject): State<Subject>,
    Extension(author): Extension<Author>,
    Segments(place): Segments<KeyTuple>,
) -> Result<StatusCode, Refusal> {
    let (meant, bender) = (of_path(&place)?, subject.bender()?);
    let registrar = &bender.registrar;
    subject.write(&author, &registrar.key(&meant), registrar.deregister(&meant)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// App, version, host and port, as a path has them.
type KeyTuple = (String, String, String, String);

/// What a path says of a registration.
fn of_path((app, version, host, port): &KeyTuple) -> Result<BenderRegistration, Refusal> {
    let members = json!({ "app": app, "version": version, "host": host, "port": port });
    let members = members.as_object().expect("the literal above is an object");
    BenderRegistration::posted(members).map_err(Refusal::invalid)
}

/// Registers, and waits until it is seen.
async fn register(
    subject: &Subject,
    author: &Author,
    wanted: &BenderRegistration,
) -> Result<AppInstance, Refusal> {
    let bender = subject.bender()?;
    let registrar = &bender.registrar;
    subject.write(author, &registrar.key(wanted), registrar.register(wanted)).await?;
    Ok(AppInstance::posted(wanted))
}

/// The instances of an app.
fn of_app<'z>(zone: &'z Zone, app: &str) -> impl Iterator<Item = &'z Instance> + use<'z> {
    let label: Vec<u8> = folded(app).collect();
    zone.service(&label).into_iter().flat_map(|service| service.instances())
}

/// Writes what the instances of a service are to bender, in order and each once.
fn write<'z>(instances: impl Iterator<Item = &'z Instance>, array: &mut Array) -> Result<(), Gone> {
    let place = |it: &&'z Instance| (&it.name, it.version(), &it.host, it.port);
    let mut sorted: Vec<_> = instances.collect();
    sorted.sort_unstable_by(|one, other| place(one).cmp(&place(other)));
    sorted.dedup_by(|one, other| place(one) == place(other));
    let mut registrations = sorted.into_iter().filter_map(AppInstance::of);
    registrations.try_for_each(|it| array.push(&it))
}
