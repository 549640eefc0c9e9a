//! Maps by label, which a zone and what is kept beside its services are made of.

use std::sync::Arc;

use super::Service;
use crate::registry::Instance;

/// A name in lower-cased label form.
pub(super) type Label = Box<[u8]>;

/// Something by a lower-cased label. The seed is random: names come from strangers.
pub(super) type Labels<T> = imbl::GenericHashMap<
    Box<[u8]>,
    T,
    foldhash::fast::RandomState,
    imbl::shared_ptr::DefaultSharedPtr,
>;

/// Services by their label.
pub(super) type Services = Labels<Arc<Service>>;

/// An edit of a service with an instance.
pub(super) type Edit = fn(&mut Service, &Arc<Instance>);
