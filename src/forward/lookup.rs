//! Questions of srvd's own: which servers a service has, asked of a few name servers in turn.

use std::net::SocketAddr;
use std::path::Path;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData, RecordType};

use super::message::{Reply, Request};
use super::upstream::UpstreamFault;
use super::{Asked, exchange, source};

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupFault {
    /// The servers cannot be told.
    #[error("{path}: {fault}")]
    NoServers {
        /// The file that should name them.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The name is none.
    #[error("`{0}` is no name")]
    NoName(String),
    /// A server says that it does not know.
    #[error("name server {server} answers {code} for `{name}`")]
    Code {
        /// The server.
        server: SocketAddr,
        /// What it says.
        code: ResponseCode,
        /// What it was asked for.
        name: String,
    },
    /// No server says anything.
    #[error("name server {server} does not answer")]
    Silent {
        /// The last one.
        server: SocketAddr,
    },
}

/// The name servers that a resolv.conf file names.
///
/// # Errors
/// [`LookupFault::NoServers`]: it names none, or cannot be read.
pub fn name_servers(path: &Path) -> Result<Vec<SocketAddr>, LookupFault> {
    let fault = |fault| LookupFault::NoServers { path: path.display().to_string(), fault };
    source::read_file(path).map_err(fault)
}

/// The SRV records of a name: those of the first server that knows. None where there are none.
///
/// # Errors
/// [`LookupFault`]: what the last server said.
pub async fn service_records(servers: &[SocketAddr], name: &str) -> Result<Vec<SRV>, LookupFault> {
    let no_name = || LookupFault::NoName(name.to_owned());
    let asked = Asked {
        name: Name::from_ascii(format!("{name}.")).map_err(|_| no_name())?,
        kind: RecordType::SRV,
        checking_disabled: false,
    };
    let mut end = Err(no_name());
    for server in servers {
        end = ask(*server, &asked).await;
        if end.is_ok() {
            break;
        }
    }
    end
}

/// The records that one server has.
async fn ask(server: SocketAddr, asked: &Asked) -> Result<Vec<SRV>, LookupFault> {
    let silent = |_: UpstreamFault| LookupFault::Silent { server };
    let [with, without] = [true, false].map(|has_edns| Request::new(asked, has_edns, false));
    let (with, without) = (with.map_err(silent)?, without.map_err(silent)?);
    let requests = [&with, &with, &without, &without];
    let mut reply = exchange::over_udp(server, requests).await.map_err(silent)?;
    if reply.is_truncated {
        reply = exchange::over_tcp(server, &without).await.map_err(silent)?;
    }
    match reply.code {
        ResponseCode::NoError | ResponseCode::NXDomain => Ok(records(reply)),
        code => {
            let name = asked.name.to_ascii().trim_end_matches('.').to_owned();
            Err(LookupFault::Code { server, code, name })
        }
    }
}

/// The SRV records of a reply.
fn records(reply: Reply) -> Vec<SRV> {
    let answers = reply.answers.into_iter();
    let records = answers.filter_map(|record| match record.data {
        RData::SRV(data) => Some(data),
        _ => None,
    });
    records.collect()
}
