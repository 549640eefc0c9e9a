//! What a well-behaved client sees of a server that is flooded.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::{RATE, Seen, ask_steadily, connect_steadily};
use crate::flood::Flood;
use crate::query::{SRV, query};
use crate::stage::{Registered, Server};
use crate::statistics::quantile;

/// The floods.
const FLOODS: [Flood; 5] =
    [Flood::Quiet, Flood::Hits, Flood::Invented, Flood::Malformed, Flood::Connections];
/// Replies a second to a network, where these are limited.
const LIMIT: &str = "2000";
/// How long a flood goes on before it is measured.
const WARM: Duration = Duration::from_millis(300);

/// One flood of one server.
struct Row {
    /// What the client saw.
    seen: Seen,
    /// Packets, or connections, of the flood that the server took a second.
    taken: f64,
    /// Nanoseconds that the server ran a second, the client's queries included.
    ran: f64,
}

/// Measures them and prints the table.
pub(crate) fn measure(registered: &Registered, time: Duration) {
    println!("\n### A client at {RATE} SRV queries a second, while one core floods the server\n");
    println!(
        "| flood | rate limit | k/s taken | µs of CPU each | answered % | p50 µs | p99 µs |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for (limit, arguments) in [("–", &[][..]), (LIMIT, &["--rate-limit", LIMIT])] {
        let server = registered.serve(arguments);
        let mut quiet = 0.0;
        for flood in FLOODS {
            let row = run(&server, flood, time, ask_steadily);
            quiet = if flood == Flood::Quiet { row.ran } else { quiet };
            row.print(flood.title(), limit, quiet);
        }
        let title = format!("{}, client over TCP", Flood::Connections.title());
        run(&server, Flood::Connections, time, connect_steadily).print(&title, limit, quiet);
    }
    println!(
        "\ntaken: what the server read, the rest is lost in its socket's buffer; CPU: of the \
         server's process, without what it takes in the quiet; a client over TCP opens a \
         connection for each query"
    );
}

/// Floods a server while a client asks.
fn run(
    server: &Server,
    flood: Flood,
    time: Duration,
    ask: fn(SocketAddr, Duration, &[u8]) -> Seen,
) -> Row {
    let name = match flood {
        Flood::Connections => "srvd_tcp_connections_total",
        _ => "srvd_udp_received_total",
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| flood.run(server.at, &stop));
        std::thread::sleep(WARM);
        let (taken, ran, begun) =
            (server.counted(name), server.process.nanoseconds(), Instant::now());
        let seen = ask(server.at, time, &query("_s3._tcp", SRV, Some(1232)));
        let seconds = begun.elapsed().as_secs_f64();
        let ran = (server.process.nanoseconds() - ran) as f64 / seconds;
        let taken = (server.counted(name) - taken - seen.sent as f64).max(0.0) / seconds;
        stop.store(true, Ordering::Relaxed);
        Row { seen, taken, ran }
    })
}

impl Row {
    /// Prints it, by how long a quiet server runs a second.
    fn print(&self, title: &str, limit: &str, quiet: f64) {
        let Self { seen, taken, ran } = self;
        let each = (ran - quiet) / taken / 1_000.0;
        let of_flood = |figure: f64| match *taken >= 100.0 {
            true => format!("{figure:.1}"),
            false => "–".to_owned(),
        };
        let [half, hundredth] = [0.5, 0.99]
            .map(|part| quantile(&seen.took, part).map_or("–".into(), |it| format!("{it:.0}")));
        let answered = seen.took.len() as f64 / seen.sent as f64 * 100.0;
        println!(
            "| {title} | {limit} | {} | {} | {answered:.1} | {half} | {hundredth} |",
            of_flood(taken / 1_000.0),
            of_flood(each),
        );
    }
}
