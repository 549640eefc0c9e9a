//! The metrics of registrations that clients renew.

use crate::metrics::Count;

/// Figures of one registrar. Nothing is decided by them.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// See [`RegistrarCounts::renewals`].
    pub(super) renewals: Count,
    /// See [`RegistrarCounts::leases_lost`].
    leases_lost: Count,
    /// See [`RegistrarCounts::keys_lost`].
    keys_lost: Count,
    /// See [`RegistrarCounts::refusals`].
    pub(super) refusals: Count,
}

/// Figures at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrarCounts {
    /// Registrations that were renewed here within their TTL.
    pub held: usize,
    /// Requests that registered an instance or found it registered, and renewed it.
    pub renewals: u64,
    /// Renewals that found the lease of a registration gone.
    pub leases_lost: u64,
    /// Renewals that found its key gone, while the lease lived.
    pub keys_lost: u64,
    /// Requests to write that were not done.
    pub refusals: u64,
}

/// The parts that a renewal found gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The lease, and the key with it.
    Lease,
    /// The key alone.
    Key,
}

impl Figures {
    /// A registration was found gone.
    pub(super) fn lost(&self, what: Lost) {
        match what {
            Lost::Lease => self.leases_lost.add(1),
            Lost::Key => self.keys_lost.add(1),
        }
    }

    /// All of them.
    pub(super) fn counts(&self, held: usize) -> RegistrarCounts {
        RegistrarCounts {
            held,
            renewals: self.renewals.get(),
            leases_lost: self.leases_lost.get(),
            keys_lost: self.keys_lost.get(),
            refusals: self.refusals.get(),
        }
    }
}
