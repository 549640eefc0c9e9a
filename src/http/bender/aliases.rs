//! Operations on backends and frontends alike.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};

use super::created;
use crate::http::Subject;
use crate::http::server::access::Author;
use crate::http::server::refusal::Refusal;
use crate::index::Zone;
use crate::registry::{Alias, Resource};

/// The object that is posted.
pub(super) type Posted = Map<String, Value>;

/// A kind of aliases, as HTTP has it.
pub(super) struct AliasKind<T> {
    /// The kind.
    pub(super) resource: Resource,
    /// Its path.
    pub(super) path: &'static str,
    /// What is shown of one; nothing of another kind's.
    pub(super) show: fn(&Alias) -> Option<T>,
}

impl<T: Serialize + 'static> AliasKind<T> {
    /// All of them, by name.
    pub(super) async fn list(&self, subject: &Subject) -> Result<Response, Refusal> {
        let zone = subject.registered()?;
        let (resource, show) = (self.resource, self.show);
        subject
            .heavy
            .array(move |array| {
                let of_kind = |alias: &&Alias| alias.resource() == resource;
                let mut aliases: Vec<_> =
                    zone.aliases().map(|alias| &**alias).filter(of_kind).collect();
                aliases.sort_unstable_by_key(|alias| (&alias.name, alias.is_rooted));
                aliases.into_iter().filter_map(show).try_for_each(|it| array.push(&it))
            })
            .await
    }

    /// The one with a name.
    pub(super) fn show(&self, subject: &Subject, name: &str) -> Result<Json<T>, Refusal> {
        let zone = subject.registered()?;
        self.named(&zone, name).and_then(self.show).map(Json).ok_or_else(|| self.absent(name))
    }

    /// Makes one that is not there yet.
    pub(super) async fn create(
        &self,
        subject: &Subject,
        author: &Author,
        posted: &Posted,
    ) -> Result<Response, Refusal> {
        let alias = Alias::posted(self.resource, posted).map_err(Refusal::invalid)?;
        self.check_label(subject, &alias)?;
        let bender = subject.bender()?;
        let registrar = &bender.registrar;
        let key = registrar.key_of_alias(self.resource, &alias.name, alias.is_rooted);
        subject.write(author, &key, registrar.create(&alias)).await?;
        Ok(created(&[self.path, &alias.name], (self.show)(&alias)))
    }

    /// Replaces the one with a name.
    pub(super) async fn replace(
        &self,
        subject: &Subject,
        author: &Author,
        name: &str,
        posted: &Posted,
    ) -> Result<Json<Option<T>>, Refusal> {
        // A member that was forgotten must not take the traffic away.
        if self.resource == Resource::Frontend && !posted.contains_key("backend") {
            let text = "member `backend` is missing; name a backend, or write null for none";
            return Err(Refusal::invalid(text));
        }
        let alias = Alias::named(self.resource, name, posted).map_err(Refusal::invalid)?;
        let alias = Alias { is_rooted: self.is_rooted(subject, name)?, ..alias };
        let bender = subject.bender()?;
        let registrar = &bender.registrar;
        let key = registrar.key_of_alias(self.resource, name, alias.is_rooted);
        subject.write(author, &key, registrar.replace(&alias)).await?;
        Ok(Json((self.show)(&alias)))
    }

    /// Removes the one with a name.
    pub(super) async fn remove(
        &self,
        subject: &Subject,
        author: &Author,
        name: &str,
    ) -> Result<StatusCode, Refusal> {
        if !Alias::can_have(name) {
            return Err(self.absent(name));
        }
        let (bender, is_rooted) = (subject.bender()?, self.is_rooted(subject, name)?);
        let registrar = &bender.registrar;
        let key = registrar.key_of_alias(self.resource, name, is_rooted);
        subject.write(author, &key, registrar.remove(self.resource, name, is_rooted)).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    /// Whether a slash stands before the key of the one with a name although the prefix is
    /// empty, as is written here.
    fn is_rooted(&self, subject: &Subject, name: &str) -> Result<bool, Refusal> {
        let zone = subject.zone()?;
        Ok(self.named(&zone, name).is_none_or(|alias| alias.is_rooted))
    }

    /// The one of just this name, as the zone has it.
    fn named<'z>(&self, zone: &'z Zone, name: &str) -> Option<&'z Alias> {
        zone.aliases_like(self.resource, name).find(|alias| *alias.name == *name)
    }

    /// There may be one whose name is another text, and the same in DNS: only one of them
    /// could be answered.
    fn check_label(&self, subject: &Subject, alias: &Alias) -> Result<(), Refusal> {
        let zone = subject.zone()?;
        let mut like = zone.aliases_like(self.resource, &alias.name);
        match like.find(|other| other.name != alias.name) {
            None => Ok(()),
            Some(other) => {
                let text =
                    format!("`{}` is there already, which is the same name in DNS", other.name);
                Err(Refusal::new(StatusCode::CONFLICT, "CONFLICT", text))
            }
        }
    }

    /// There is none with a name.
    fn absent(&self, name: &str) -> Refusal {
        let text = format!("there is no {} `{}`", self.resource.as_str(), name.escape_debug());
        Refusal::not_found(text)
    }
}
