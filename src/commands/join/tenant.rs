//! The instance that `join` registers, and where it is: with the default `--host`, at this
//! machine's address, whatever that becomes.
//!
//! A machine may have several addresses, and which of them the default route speaks from may
//! change with any bridge or tunnel. Whoever has the registered one reaches us as before, so it
//! is given up only when this machine has it no more.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::{JoinContext, Membership, announce};
use crate::error::Failure;
use crate::join::{Fault, Registrant, another_than};
use crate::registry::{Host, RegistryUrl};

/// How often this machine's addresses are looked at. They count as changed when two looks say
/// the same: while a lease of DHCP is renewed there may be none for a moment.
const LOOK: Duration = Duration::from_secs(5);

/// A registration, and what it is made anew of at another address.
pub(super) struct Tenant<'j> {
    /// What was asked for.
    options: &'j Options,
    /// Where it is registered.
    registry: &'j RegistryUrl,
    /// What all registrations of this process have in common.
    context: &'j JoinContext,
    /// The instance at the first host.
    pub(super) registrant: Arc<Registrant>,
    /// Its registration, and its check.
    member: Membership,
}

impl<'j> Tenant<'j> {
    /// The instance, at the host that was typed or at this machine's.
    ///
    /// # Errors
    /// [`Failure::Usage`] when `serve` could not read the document, or its check is no url.
    pub(super) fn new(
        options: &'j Options,
        registry: &'j RegistryUrl,
        context: &'j JoinContext,
    ) -> Result<Self, Failure> {
        let registrant = Arc::new(options.registrant(&registry.layout())?);
        let member = context.member(&registrant, options.checks.as_ref())?;
        Ok(Self { options, registry, context, registrant, member })
    }

    /// Whether a check says when it is registered.
    pub(super) const fn is_checked(&self) -> bool {
        self.member.monitor.is_some()
    }

    /// Holds the registration, wherever it moves, until `stop`; then leaves.
    ///
    /// # Errors
    /// [`Fault`], only before the first registration.
    pub(super) async fn hold(self, stop: CancellationToken) -> Result<(), Fault> {
        let Self { options, registry, context, mut registrant, mut member } = self;
        let mut host = options.host.clone();
        loop {
            let leave = stop.child_token();
            let told = Arc::clone(&registrant);
            let mut held = pin!(member.hold(|event| announce(&told, &event), leave.clone()));
            host = tokio::select! {
                end = &mut held => return end,
                moved = moved(options, &host) => moved,
            };
            let next = again(options, registry, context, &host);
            leave.cancel();
            held.as_mut().await?;
            // A host that is an address makes no document that cannot be read.
            let Ok(next) = next else { return Ok(()) };
            let (from, to, name) = (&registrant.location, &next.0.location, &registrant.name);
            tracing::info!("this machine's address changed: {name} moves from {from} to {to}");
            (registrant, member) = next;
        }
    }
}

/// The same instance at another host.
fn again(
    options: &Options,
    registry: &RegistryUrl,
    context: &JoinContext,
    host: &Host,
) -> Result<(Arc<Registrant>, Membership), Failure> {
    let registrant = Arc::new(options.registrant_at(host, &registry.layout())?);
    let member = context.member(&registrant, options.checks.as_ref())?;
    Ok((registrant, member.again()))
}

/// Waits until this machine has not the registered address any more, and has another; for ever
/// where the host was typed.
async fn moved(options: &Options, registered: &Host) -> Host {
    let (true, Host::Address(registered)) = (options.follows_host, registered) else {
        return std::future::pending().await;
    };
    let mut seen = None;
    loop {
        sleep(LOOK).await;
        let now = another_than(*registered);
        if now.is_some() && now == seen {
            break now.map(Host::Address).expect("it was seen");
        }
        seen = now;
    }
}
