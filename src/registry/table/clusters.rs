//! Keys that say which of the instances beside them is what: who leads a cluster of Patroni's.
//!
//! Such a key changes instances of other keys, whose own values stay as they are: when the
//! leader does, one loses the tag `primary` and another gets it, in the same update. Only
//! these are looked up, so that it costs what changes, however large a cluster or a zone is.

use std::collections::HashMap;
use std::sync::Arc;

use super::Table;
use super::content::{Content, note};
use crate::registry::paths::Mark;
use crate::registry::paths::patroni::{self, Role};
use crate::registry::{Instance, Layout, Update, Writer};

/// The marks of a table: what keys say of the instances beside them, by scope.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    /// The marks in force.
    by_scope: HashMap<(Box<str>, bool), Vec<Arc<Mark>>, foldhash::fast::RandomState>,
}

impl Clusters {
    /// A content with what others say of it. A key of the same shape that a template or another
    /// writer reads is none of Patroni's.
    pub(super) fn with_roles(&self, layout: &Layout, content: Content) -> Content {
        let is_patronis = layout.writer().is_none_or(|only| only == Writer::Patroni);
        match &content {
            Content::Instance(one) if is_patronis && layout.template().is_none() => {
                match self.member(one) {
                    Some(member) => Content::Instance(member),
                    None => content,
                }
            }
            _ => content,
        }
    }

    /// A member with the roles that it has now; nothing where an instance is none, or is so
    /// already.
    fn member(&self, instance: &Arc<Instance>) -> Option<Arc<Instance>> {
        let scope = patroni::scope_of(instance)?;
        let marks = self.by_scope.get(&(scope.into(), instance.is_rooted));
        let names = |mark: &&Arc<Mark>| mark.names.iter().any(|it| **it == *instance.raw_id());
        let roles: Vec<Role> =
            marks.into_iter().flatten().filter(names).map(|mark| mark.role).collect();
        let mut member = Instance::clone(instance);
        patroni::set_roles(&mut member, &roles);
        (member != **instance).then(|| Arc::new(member))
    }

    /// Takes in that a mark came in the place of another.
    fn apply(&mut self, [before, after]: [Option<&Arc<Mark>>; 2]) {
        let Some(place) = before.or(after).map(|it| (it.scope.clone(), it.is_rooted)) else {
            return;
        };
        let marks = self.by_scope.entry(place.clone()).or_default();
        let role = before.or(after).map(|it| it.role);
        marks.retain(|mark| Some(mark.role) != role);
        marks.extend(after.cloned());
        if marks.is_empty() {
            self.by_scope.remove(&place);
        }
    }
}

impl Table {
    /// Gives those that a mark was about, and is about now, the roles that they have with it.
    pub(super) fn follow(&mut self, of: [Option<&Content>; 2], update: &mut Update) {
        let of = of.map(|it| it.and_then(Content::mark));
        if of == [None, None] || of[0] == of[1] {
            return;
        }
        self.clusters.apply(of);
        for mark in of.into_iter().flatten() {
            for name in &mark.names {
                let path = patroni::path_of(&mark.scope, name);
                self.follow_member(&self.layout.folder(&path, mark.is_rooted), update);
            }
        }
    }

    /// Gives the member of a key the roles that it has now.
    fn follow_member(&mut self, key: &str, update: &mut Update) {
        let Some(entry) = self.entries.get_mut(key.as_bytes()) else { return };
        let now = self.clusters.with_roles(&self.layout, entry.content.clone());
        let before = std::mem::replace(&mut entry.content, now);
        note(&self.layout, key.as_bytes(), [Some(&before), Some(&entry.content)], update);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table {
        Table::new(Layout::new("/service", None).unwrap())
    }

    /// A member's document.
    fn member(number: u8) -> String {
        format!(r#"{{"conn_url":"postgres://10.0.0.{number}:5432/p","state":"running"}}"#)
    }

    fn put(table: &mut Table, key: &str, value: &str) -> Update {
        let mut update = Update::default();
        table.put(format!("/service/{key}").as_bytes(), value.as_bytes(), &mut update);
        update
    }

    /// Each member with its tags, by id.
    fn roles(table: &Table) -> Vec<(String, String)> {
        let of = |it: &Arc<Instance>| {
            let tags: Vec<_> = it.selectors().collect();
            (it.raw_id().to_owned(), tags.join(" "))
        };
        let mut all: Vec<_> = table.instances().map(|(_, it)| of(it)).collect();
        all.sort_unstable();
        all
    }

    fn expected(roles: &[(&str, &str)]) -> Vec<(String, String)> {
        roles.iter().map(|(id, tags)| ((*id).to_owned(), (*tags).to_owned())).collect()
    }

    #[test]
    fn a_leader_change_is_one_update_of_two_members() {
        let mut table = table();
        for number in 1..=3 {
            put(&mut table, &format!("demo/members/{number}"), &member(number));
        }
        assert_eq!(put(&mut table, "demo/leader", "1").changes.len(), 1);
        put(&mut table, "demo/sync", r#"{"leader":"1","sync_standby":"2"}"#);
        let all = [("1", "primary"), ("2", "replica sync_standby"), ("3", "replica")];
        assert_eq!(roles(&table), expected(&all));
        let update = put(&mut table, "demo/leader", "2");
        assert_eq!((update.changes.len(), update.len()), (2, 2));
        assert_eq!(
            roles(&table),
            expected(&[("1", "replica"), ("2", "primary"), ("3", "replica")])
        );
        assert!(put(&mut table, "demo/leader", "2").is_empty());
        assert!(put(&mut table, "demo/members/2", &member(2)).is_empty());
        let mut update = Update::default();
        table.delete(b"/service/demo/leader", &mut update);
        assert_eq!(update.changes.len(), 1);
        assert_eq!(roles(&table)[1].1, "replica sync_standby");
    }

    #[test]
    fn a_listing_that_lost_the_leader_takes_the_role_away() {
        let mut table = table();
        put(&mut table, "demo/members/1", &member(1));
        put(&mut table, "demo/leader", "1");
        table.begin_listing();
        table.list(b"/service/demo/members/1", member(1).as_bytes());
        let mut update = Update::default();
        table.finish_listing(&mut update);
        assert_eq!((update.changes.len(), roles(&table)), (1, expected(&[("1", "replica")])));
    }

    #[test]
    fn a_snapshot_keeps_the_roles_until_the_first_list() {
        let (mut before, mut table) = (table(), table());
        put(&mut before, "demo/members/1", &member(1));
        put(&mut before, "demo/leader", "1");
        let instances = before.instances().map(|(_, it)| Arc::clone(it));
        table.seed(instances, [], [], &mut Update::default());
        assert_eq!(roles(&table), expected(&[("1", "primary")]));
        table.begin_listing();
        table.list(b"/service/demo/leader", b"1");
        table.list(b"/service/demo/members/1", member(1).as_bytes());
        let mut update = Update::default();
        table.finish_listing(&mut update);
        assert_eq!(roles(&table), expected(&[("1", "primary")]));
        assert!(update.changes.is_empty(), "{update:?}");
    }

    proptest! {
        /// Whatever comes in whichever order, it is what a list of the end says.
        #[test]
        fn events_and_listing_agree(
            events in proptest::collection::vec((0u8..6, 0u8..4), 0..40),
        ) {
            let keys = ["a/leader", "a/sync", "a/members/1", "a/members/2", "b/leader", "b/members/1"];
            let value = |key: u8, number: u8| match keys[usize::from(key)] {
                it if it.ends_with("leader") => number.to_string(),
                it if it.ends_with("sync") => format!(r#"{{"leader":"1","sync_standby":"{number}"}}"#),
                _ => member(number),
            };
            let (mut followed, mut truth) = (table(), std::collections::BTreeMap::new());
            let mut shown = std::collections::BTreeMap::new();
            for (key, number) in events {
                let name = format!("/service/{}", keys[usize::from(key)]);
                let mut update = Update::default();
                if number == 3 {
                    followed.delete(name.as_bytes(), &mut update);
                    truth.remove(&name);
                } else {
                    followed.put(name.as_bytes(), value(key, number).as_bytes(), &mut update);
                    truth.insert(name, value(key, number));
                }
                for change in update.changes {
                    let place = |it: &Instance| (it.name.clone(), it.id.clone());
                    if let Some(before) = change.before {
                        prop_assert_eq!(shown.remove(&place(&before)), Some(before));
                    }
                    if let Some(after) = change.after { shown.insert(place(&after), after); }
                }
            }
            let mut listed = table();
            listed.begin_listing();
            truth.iter().for_each(|(key, value)| listed.list(key.as_bytes(), value.as_bytes()));
            listed.finish_listing(&mut Update::default());
            prop_assert_eq!(roles(&listed), roles(&followed));
            prop_assert_eq!(shown.len(), roles(&followed).len());
        }
    }

    #[test]
    fn a_template_keeps_its_tags_at_keys_that_look_like_patronis() {
        let written =
            r#"{ "key": "/{name}/members/{id}", "host": "/h", "port": "/p", "tags": "/tags" }"#;
        let written = serde_json::from_str(written).unwrap();
        let template = crate::registry::Template::new(&written).unwrap();
        let layout = Layout::new("/service", None).unwrap().by(Some(template));
        let mut table = Table::new(layout);
        put(&mut table, "web/members/a", r#"{"h":"10.0.0.1","p":80,"tags":["blue","green"]}"#);
        assert_eq!(roles(&table), [("a".to_owned(), "blue green".to_owned())]);
    }
}
