//! Registrations: instances, each held in the registry for as long as its process lives.
//! The only lasting writer of etcd; `srvd join` and HTTP hold theirs by it.
//!
//! # Grant
//! A registration is a key under a lease, one lease each: what many keys share, they lose
//! together. The TTL that counts is the one the server gives back. The key is claimed in a
//! transaction that expects it absent, so that nobody is overwritten. Found under another
//! lease it is a contest: that lease is watched, and either seen renewed (an owner lives,
//! and `join` fails) or seen running out (a crash left it, and the key is taken over before
//! it can vanish). A claim whose answer was lost shows as held by our own lease, and is won.
//! Claims take turns, lease and key together, so that of ten thousand none waits with a
//! lease that runs out.
//!
//! # Keep
//! A heartbeat renews the lease and then looks at the key, for a lease can live on while its
//! key is deleted or overwritten. Each endpoint has a sixth of the TTL to answer, so that
//! three are tried before the lease ends. A watch on the key makes changes known at once;
//! it only calls for a look, so nothing is lost when it breaks. The first heartbeat
//! comes at some moment of the interval and each later one a little early, so that those
//! who registered together do not beat together.
//!
//! # Share
//! Whatever is held in one process is kept by one [`SharedClient`](crate::etcd::SharedClient): leases are
//! renewed over a few streams, keys are looked at many to a request, watches have one stream,
//! and while the registry is away one try a second finds out for all. A single registration
//! goes the same way. Ownership, heartbeats and losses stay each registration's own.
//!
//! # Lose
//! A registration is lost when the registry says so: the lease is gone (expired, revoked,
//! or we were frozen past it), the key is gone, or it holds something else. Silence says
//! nothing: etcd may have been away for longer than the lease and extended it meanwhile
//! (it does so when it elects a leader), so the same lease is tried first when it is back.
//!
//! # Regain
//! What is lost is claimed again, after a pause with jitter, for ever. A put without a
//! lease is replaced. Another lease that is being renewed is an owner: we stand aside, say
//! so once, and come back when the key is free. Before the first registration a refusal
//! ends `join`, since nothing will change by itself; after it, it is only logged.
//!
//! # Check
//! With a check an instance is registered once its check passes. Some failures in a row
//! take it out: its lease is revoked, and that is tried until it is done. One success
//! brings it back, as after a loss. Checks go on whatever etcd does.
//!
//! # Leave
//! Revoking the lease removes the key in one step. It is tried for at most the registry's
//! timeout; many leave in turns, each with that time while the registry answers, and all
//! together with no more when it is away. What could not be revoked ends with its TTL.
//!
//! | file | holds |
//! | --- | --- |
//! | `registrant` | [`Registrant`]: the instance |
//! | `registration` | [`Registration`]: claimed, kept, regained, left |
//! | `pace` | when the next heartbeat is due |
//! | `claim`, `contest` | getting the key, and whether another owner lives |
//! | `withdraw` | taking it away, while ill and at the end |
//! | `event` | what a registration goes through, and how it ends |
//! | `health` | what follows from many looks at an instance |
//! | `checking` | how often is checked, as it may be asked for |
//! | `membership` | a registration and its check, held together |
//! | `host` | the host that is registered when none is named |
//! | `pulse` | whether the loops go round, for systemd's watchdog |
//! | [`registrar`] | registrations that clients of bender's interface renew |

mod checking;
mod claim;
mod contest;
mod event;
mod health;
mod host;
mod membership;
mod pace;
mod pulse;
mod registrant;
pub mod registrar;
mod registration;
mod withdraw;

pub use self::checking::{CheckFault, CheckTerms};
pub use self::event::{Event, Fault, Loss};
pub use self::health::{Check, Monitor};
pub use self::host::{NoAddress, another_than, default_host};
pub use self::membership::Membership;
pub use self::pulse::LoopWatchdog;
pub use self::registrant::Registrant;
pub use self::registration::{Registration, Terms};
