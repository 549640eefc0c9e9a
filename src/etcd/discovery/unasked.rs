//! SRV records in a program that asks no name server.

use crate::registry::MemberDomain;

/// Whether members can be found by DNS.
pub const FINDS_MEMBERS: bool = false;

/// None: nobody is asked.
///
/// # Errors
/// Always, in words.
pub(super) async fn targets(domain: &MemberDomain, service: &str) -> Result<Vec<String>, String> {
    Err(format!("{service}.{} is not looked up, for want of srvd's feature `server`", domain.name))
}
