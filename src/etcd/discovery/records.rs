//! SRV records of a domain, as name servers have them.

use std::path::Path;

use hickory_proto::rr::rdata::SRV;

use crate::forward::{name_servers, service_records};
use crate::registry::MemberDomain;

/// Whether members can be found by DNS.
pub const FINDS_MEMBERS: bool = true;
/// Where the system names its name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The targets of a service of a domain, `HOST:PORT` each, by their priority.
///
/// # Errors
/// Why they are not known, in words.
pub(super) async fn targets(domain: &MemberDomain, service: &str) -> Result<Vec<String>, String> {
    let servers = match domain.resolver {
        Some(resolver) => vec![resolver],
        None => name_servers(Path::new(RESOLV_CONF)).map_err(|fault| fault.to_string())?,
    };
    let found = service_records(&servers, &format!("{service}.{}", domain.name)).await;
    let mut found = found.map_err(|fault| fault.to_string())?;
    found.sort_by_key(|record| record.priority);
    Ok(found.iter().map(target).collect())
}

/// The target of a record.
fn target(record: &SRV) -> String {
    format!("{}:{}", record.target.to_ascii().trim_end_matches('.'), record.port)
}
