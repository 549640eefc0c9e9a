//! Load over QUIC, which dnsperf does not speak: a client of the library that the server has, as many
//! connections and queries as dnsperf is told to keep.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use quinn::Connection;

use crate::dnsperf::{CONNECTIONS, OUTSTANDING, Transport};
use crate::questions::Questions;
use crate::rounds::Sample;
use crate::server::Server;
use crate::support::quic::{QuicClient, ask};

/// One turn of one server.
pub(crate) fn turn(
    server: &Server,
    client: &QuicClient,
    questions: &Questions,
    time: Duration,
) -> Sample {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [connections, outstanding] = [CONNECTIONS, OUTSTANDING].map(|it| it.parse().unwrap());
    runtime.block_on(async {
        let open = (0..connections).map(|_| client.connect(server.door(Transport::Quic)));
        let open: Vec<_> = join_all(open).await.into_iter().map(Result::unwrap).collect();
        let (before, begun) = (server.process.nanoseconds(), Instant::now());
        let asking = (0..outstanding).map(|at: usize| {
            let connection = &open[at % open.len()];
            asked(connection, questions, begun + time)
        });
        let answered = join_all(asking).await.into_iter().sum();
        let nanoseconds = server.process.nanoseconds() - before;
        Sample::new(nanoseconds, answered, 0, begun.elapsed().as_secs_f64())
    })
}

/// Asks one query after the other until then. Gives how many were answered.
async fn asked(connection: &Connection, questions: &Questions, end: Instant) -> u64 {
    let mut answered = 0;
    while Instant::now() < end {
        let question = questions.next();
        let reply = ask(connection, question.octets).await.expect("a query is answered");
        assert_eq!(reply[3] & 0x0f, question.code);
        answered += 1;
    }
    answered
}
