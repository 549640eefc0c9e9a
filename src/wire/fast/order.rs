//! The order of the records of a reply: drawn for each query, from ready-made answers.

use std::net::IpAddr;

use super::compose::MANY;
use crate::authority::{Draw, Rank, Rendezvous, Ticket};
use crate::index::{Order, Records};

/// Moves the places of those records that fit some room to the front, and says how many do: one
/// after the other until one does not fit, but for those that never would.
pub(super) fn fit(kept: &Records, places: &mut [u16], room: usize) -> usize {
    let (mut taken, mut fit) = (0, 0);
    for at in 0..places.len() {
        let octets = kept.records[usize::from(places[at])].answer.len();
        if octets > room {
            continue;
        }
        taken += octets;
        if taken > room {
            break;
        }
        places[fit] = places[at];
        fit += 1;
    }
    fit
}

/// Puts the places of records into a fresh order, or the first of such an order.
pub(super) fn arrange(kept: &Records, places: &mut [u16], draw: &mut Draw, client: IpAddr) {
    match &kept.order {
        Order::Few(lots) => {
            return lots.draw(places, &mut [0; MANY], |limit| draw.below(limit));
        }
        Order::Stable { ranks, keys } if places.len() < kept.records.len() => {
            choose(ranks, keys, places, client);
            return draw.arrange(places, |place| ranks[usize::from(place)]);
        }
        _ => {}
    }
    for (at, place) in places.iter_mut().enumerate() {
        *place = at as u16;
    }
    match &kept.order {
        Order::Even => draw.shuffle(places),
        Order::Weighted(ranks) | Order::Stable { ranks, .. } => {
            draw.arrange(places, |place| ranks[usize::from(place)]);
        }
        Order::StoredAnswer | Order::Few(_) => {}
    }
}
/// Fills places with those that a client is given each time.
pub(super) fn choose(ranks: &[Rank], keys: &[u64], places: &mut [u16], client: IpAddr) {
    let mut tickets = [Ticket::LAST; MANY];
    let tickets = &mut tickets[..places.len()];
    Rendezvous::of(client).choose(ranks, keys, places, tickets);
}

/// Has octets fetched from memory all at once, where it would take one wait after the
/// other to copy them record by record in a drawn order. With a million instances, few of
/// them are in any cache.
pub(super) fn fetch(octets: &[u8]) {
    /// Octets of a cache line.
    const LINE: usize = 64;
    std::hint::black_box(octets.iter().step_by(LINE).fold(0, |sum, octet| sum ^ octet));
}
