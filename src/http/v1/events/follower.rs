//! One client that follows, from its first event to its last.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::zones;
use super::writer::{EventWriter, Gone};
use crate::events::{ChangeBatch, Events, Id};
use crate::http::server::refusal::Refusal;
use crate::index::{Generation, Index, Zone, ZoneId};
use crate::names::folded;
use crate::registry::{Alias, Event, Happening};

/// How often something is sent, so that both sides and all between know that the other lives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// After how long a client should come back that was cut off.
const RETRY_MILLIS: u32 = 2000;
/// How long a revision is waited for that a client has seen elsewhere: servers of one
/// registry are no further apart.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How long the list of what is there may take to be read. It keeps a whole generation.
const LISTING: Duration = Duration::from_secs(300);

/// The id of who knows nothing for sure: no registry has a revision 0.
const NOTHING: Id = Id { revision: 0, mark: None };

/// The place where a client begins.
#[derive(Debug)]
pub(super) enum Start {
    /// With everything that is there.
    Anew,
    /// Behind what it has seen.
    Behind(Vec<Id>),
    /// Behind what nobody knows.
    Unknown,
}

/// One client that follows.
pub(super) struct EventFollower {
    /// What is true.
    index: Arc<Index>,
    /// What happens.
    events: Arc<Events>,
    /// The one zone that is wanted; all with services when absent.
    zone: Option<String>,
    /// The zones, in their order.
    zones: Vec<Followed>,
    /// The label of the one name that is wanted.
    name: Option<Box<[u8]>>,
    /// Wakes it.
    news: watch::Receiver<()>,
    /// Where it is told.
    out: EventWriter,
    /// Whether more was seen than the last id says.
    is_ahead: bool,
}

/// One zone that is followed.
#[derive(Clone, Copy)]
struct Followed {
    /// Which it is.
    zone: ZoneId,
    /// The state that the client knows.
    state: u64,
    /// The id of that.
    id: Id,
}

impl EventFollower {
    /// A client that follows a name, or all, of a zone, or of all zones with services.
    ///
    /// # Errors
    /// 404: there is no such zone, or it has no services.
    pub(super) fn new(
        (index, events): (Arc<Index>, Arc<Events>),
        zone: Option<String>,
        name: Option<Box<[u8]>>,
        out: EventWriter,
    ) -> Result<Self, Refusal> {
        let of = |zone| Followed { zone, state: 0, id: NOTHING };
        let ids = zones::ids(&index.load(), zone.as_deref())?;
        let (zones, news) = (ids.into_iter().map(of).collect(), events.news());
        Ok(Self { index, events, zone, zones, name, news, out, is_ahead: false })
    }

    /// Tells until the client is gone.
    pub(super) async fn run(mut self, start: Start) -> Gone {
        match self.tell(start).await {
            Ok(never) => match never {},
            Err(gone) => gone,
        }
    }

    /// Tells for ever.
    async fn tell(&mut self, start: Start) -> Result<std::convert::Infallible, Gone> {
        self.out.retry(RETRY_MILLIS);
        self.begin(start).await?;
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        loop {
            self.catch_up().await?;
            tokio::select! {
                _ = self.news.changed() => (),
                _ = beat.tick() => self.beat().await?,
                () = self.out.gone() => return Err(Gone),
            }
        }
    }

    /// Begins where the client wants to, or anew.
    async fn begin(&mut self, start: Start) -> Result<(), Gone> {
        match start {
            Start::Anew => self.list().await,
            Start::Behind(ids) => match self.resume(&ids).await {
                Some(()) => self.out.send().await,
                None => self.reset("what came after this id is not known any more").await,
            },
            Start::Unknown => self.reset("this id is not known").await,
        }
    }

    /// Takes a client for one that has seen all up to some ids, if all of these are known.
    async fn resume(&mut self, ids: &[Id]) -> Option<()> {
        if ids.len() != self.zones.len() {
            return None;
        }
        for (zone, id) in self.zones.iter_mut().zip(ids) {
            if id.mark.is_none() {
                self.events.reached(zone.zone, id.revision, CATCH_UP).await;
            }
            zone.state = self.events.state(zone.zone, id)?;
            zone.id = *id;
        }
        Some(())
    }

    /// Declares void what was told, and begins anew.
    async fn reset(&mut self, reason: &str) -> Result<(), Gone> {
        self.out.event("reset", json!({ "event": "reset", "reason": reason }));
        self.list().await
    }

    /// Tells of everything that is there, in one generation. Whoever is cut off meanwhile
    /// comes back with an id that nobody knows, and begins anew.
    async fn list(&mut self) -> Result<(), Gone> {
        let generation = self.newest().await?;
        self.out.id([NOTHING].into_iter());
        let listing = async {
            for place in 0..self.zones.len() {
                let Followed { zone, id, .. } = self.zones[place];
                if let Some(zone) = generation.shown(zone) {
                    self.list_zone(zone, id.revision).await?;
                }
            }
            Ok(())
        };
        timeout(LISTING, listing).await.unwrap_or(Err(Gone))?;
        self.confirm();
        self.out.send().await
    }

    /// The newest generation, once its changes were told of: the zones, their states and ids
    /// are then those of it. A client that follows one zone goes with it.
    async fn newest(&mut self) -> Result<Arc<Generation>, Gone> {
        loop {
            self.news.mark_unchanged();
            let generation = Arc::clone(&self.index.load());
            let zones = zones::ids(&generation, self.zone.as_deref()).map_err(|_| Gone)?;
            let id = |zone: ZoneId| {
                let state = generation.shown(zone)?.changes();
                self.events.id(zone, state).map(|id| Followed { zone, state, id })
            };
            if let Some(zones) = zones.into_iter().map(id).collect() {
                self.zones = zones;
                return Ok(generation);
            }
            // The sender lives as long as the events that are held here.
            let _ = self.news.changed().await;
        }
    }

    /// Tells of everything in a zone.
    async fn list_zone(&mut self, zone: &Zone, revision: i64) -> Result<(), Gone> {
        let (title, layout) = (zone.settings().title(), zone.settings().layout());
        for alias in zone.aliases() {
            self.alias(zone, (Happening::Online, alias), revision);
            self.out.send_if_full().await?;
        }
        let one = self.name.as_deref().map(|label| zone.service(label));
        let (one, all) = match one {
            Some(one) => (one, None),
            None => (None, Some(zone.services())),
        };
        for service in one.into_iter().chain(all.into_iter().flatten()) {
            for instance in service.instances() {
                let event = Event::online(instance);
                let happening = event.happening.as_str();
                self.out.event(happening, event.to_json(&title, layout, revision));
                self.out.send_if_full().await?;
            }
        }
        Ok(())
    }

    /// Tells what the client does not know yet, by turns of the zones.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        if self.has_other_zones() {
            self.reset("zones came, went or are read from elsewhere").await?;
        }
        let mut place = 0;
        let mut idle = 0;
        while idle < self.zones.len() {
            let Followed { zone, state, .. } = self.zones[place];
            match self.events.after(zone, state) {
                Ok(None) => idle += 1,
                Ok(Some((batch, id))) => {
                    idle = 0;
                    self.zones[place] = Followed { zone, state: batch.state, id };
                    self.tell_batch(zone, &batch).await?;
                }
                Err(_) => {
                    let reason = "more has happened than was read or is remembered";
                    self.reset(reason).await?;
                    (place, idle) = (0, 0);
                    continue;
                }
            }
            place = (place + 1) % self.zones.len();
        }
        self.out.send().await
    }

    /// Whether the zones that are wanted are others than those that are followed.
    fn has_other_zones(&self) -> bool {
        let zones = zones::ids(&self.index.load(), self.zone.as_deref());
        let followed = self.zones.iter().map(|it| it.zone);
        zones.map_or(true, |zones| !zones.into_iter().eq(followed))
    }

    /// Tells of a batch of a zone.
    async fn tell_batch(&mut self, zone: ZoneId, batch: &ChangeBatch) -> Result<(), Gone> {
        // Where it is gone meanwhile, that is told next.
        let Some(zone) = self.index.load().shown(zone).map(Arc::clone) else { return Ok(()) };
        let (title, layout) = (zone.settings().title(), zone.settings().layout());
        let mut has_told = false;
        for change in batch.aliases.iter().filter_map(|change| change.happening()) {
            has_told |= self.alias(&zone, change, batch.revision);
            self.out.send_if_full().await?;
        }
        for event in batch.changes.iter().filter_map(|change| change.event()) {
            if !self.is_wanted(&event.instance.name) {
                continue;
            }
            has_told = true;
            let mut data = event.to_json(&title, layout, batch.revision);
            self.sign(&mut data, "instance", batch.revision);
            self.out.event(event.happening.as_str(), data);
            self.out.send_if_full().await?;
        }
        if has_told {
            self.confirm()
        } else {
            self.is_ahead = true
        }
        Ok(())
    }

    /// Tells what happened to an alias, if that is wanted.
    fn alias(&mut self, zone: &Zone, of: (Happening, &Arc<Alias>), revision: i64) -> bool {
        let (happening, alias) = of;
        let is_wanted = self.is_wanted(&alias.name);
        if is_wanted {
            let settings = zone.settings();
            let object = alias.to_json(&settings.title(), &settings.layout().key_of_alias(alias));
            let mut data = json!({
                "event": "alias", "change": happening.as_str(), "revision": revision, "alias": object,
            });
            self.sign(&mut data, "alias", revision);
            self.out.event("alias", data);
        }
        is_wanted
    }

    /// Adds whose token was shown for a change, where that was at this server.
    fn sign(&self, event: &mut Value, member: &str, revision: i64) {
        let key = event[member]["key"].as_str().unwrap_or_default();
        if let Some(name) = self.events.authors().of(key, revision) {
            event["by"] = (*name).into();
        }
    }

    /// Whether a name is followed, compared as DNS compares.
    fn is_wanted(&self, name: &str) -> bool {
        self.name.as_ref().is_none_or(|label| folded(name).eq(label.iter().copied()))
    }

    /// Says what the client has seen with the last event.
    fn confirm(&mut self) {
        self.is_ahead = false;
        if self.zones.is_empty() {
            return;
        }
        self.out.id(self.zones.iter().map(|zone| zone.id));
    }

    /// Shows that the connection is alive, and says what the client has seen, if that is more
    /// than it knows of: what it knows is not forgotten then, although nothing happens.
    async fn beat(&mut self) -> Result<(), Gone> {
        for zone in &mut self.zones {
            let newest = self.events.id(zone.zone, zone.state).filter(|id| *id != zone.id);
            self.is_ahead |= newest.is_some();
            zone.id = newest.unwrap_or(zone.id);
        }
        self.out.beat();
        if self.is_ahead {
            self.confirm();
        }
        self.out.send().await
    }
}
