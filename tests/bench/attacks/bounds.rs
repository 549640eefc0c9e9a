//! What an attacker spends, what the server spends for it, and what an honest client of another
//! network sees meanwhile: a row for each kind of attack.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Seen, ask_steadily, connect_steadily};
use crate::flood;
use crate::kinds::{Attack, Honest, Kind, Label, all};
use crate::stage::{Registered, Server};
use crate::statistics::quantile;
use crate::streams;

/// How long an attack goes on before it is measured.
const WARM: Duration = Duration::from_millis(500);

/// One attack.
struct Row {
    /// What the client saw.
    seen: Seen,
    /// Octets of the attack that were taken a second.
    octets: f64,
    /// Octets of one of its messages, if it has any.
    each: usize,
    /// Nanoseconds that the server ran a second, the client's queries included.
    ran: f64,
    /// MiB that the server has resident at the end.
    resident: f64,
}

/// Measures all kinds and prints the table.
pub(crate) fn measure(registered: &Registered, time: Duration) {
    println!("\n### What an attack costs, and what an honest client of another network sees\n");
    println!(
        "| attack | octets each | k/s taken | % of a core | ns of CPU an octet | MiB | \
         answered % | p50 ms | p99 ms |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for kind in all() {
        // Each has a server of its own, so that the memory is its own, too.
        let server = registered.serve_all();
        run(&server, &kind, time).print(kind.title);
    }
    println!(
        "\ntaken: messages that the server read; CPU, memory: of its process, the honest client's \
         queries included; over UDP that one asks 1,000 times a second, over TCP it opens a \
         connection for each query"
    );
}

/// Attacks a server while a client asks.
fn run(server: &Server, kind: &Kind, time: Duration) -> Row {
    let (stop, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| attack(server.at, &kind.attack, &stop, &taken));
        std::thread::sleep(WARM);
        let octets = || taken.load(Ordering::Relaxed) as f64;
        let received = || server.counted("srvd_udp_received_total");
        let (before, ran) = ([octets(), received()], server.process.nanoseconds());
        let begun = Instant::now();
        let seen = match &kind.honest {
            Honest::Udp(query) => ask_steadily(server.at, time, query),
            Honest::Tcp(query) => connect_steadily(server.at, time, query),
        };
        let seconds = begun.elapsed().as_secs_f64();
        let ran = (server.process.nanoseconds() - ran) as f64 / seconds;
        let each = each(&kind.attack);
        let octets = match (&kind.attack, &kind.honest) {
            (Attack::Datagrams(..), Honest::Udp(_)) => {
                (received() - before[1] - seen.sent as f64).max(0.0) * each as f64
            }
            (Attack::Datagrams(..), _) => (received() - before[1]) * each as f64,
            _ => octets() - before[0],
        };
        let resident = server.process.resident();
        stop.store(true, Ordering::Relaxed);
        Row { seen, octets: octets / seconds, each, ran, resident }
    })
}

/// Attacks until told to stop. It yields to the honest client, with which it shares a core: how
/// long that one waits for this core is not the server's doing.
fn attack(server: SocketAddr, attack: &Attack, stop: &AtomicBool, taken: &AtomicU64) {
    /// The lowest priority there is (nice(2)).
    const LOWEST: i32 = 19;
    rustix::process::nice(LOWEST).unwrap();
    match attack {
        Attack::None => {}
        Attack::Datagrams(packet, label) => {
            flood::send(server, packet, *label == Label::Random, stop);
        }
        Attack::Streams(message, connections, replies) => {
            streams::run(server, (message, *connections, *replies), stop, taken);
        }
    }
}

/// Octets of a message of an attack.
fn each(attack: &Attack) -> usize {
    match attack {
        Attack::None => 0,
        Attack::Datagrams(packet, _) => packet.len(),
        Attack::Streams(message, ..) => message.len(),
    }
}

impl Row {
    /// Prints it.
    fn print(&self, title: &str) {
        let Self { seen, octets, each, ran, resident } = self;
        let [half, hundredth] = [0.5, 0.99].map(|part| {
            quantile(&seen.took, part).map_or("–".into(), |it| format!("{:.2}", it / 1_000.0))
        });
        let answered = seen.took.len() as f64 / seen.sent as f64 * 100.0;
        let of_attack = |figure: f64| match *each > 0 && figure.is_finite() {
            true => format!("{figure:.1}"),
            false => "–".to_owned(),
        };
        println!(
            "| {title} | {each} | {} | {:.0} | {} | {resident:.0} | {answered:.1} | {half} | \
             {hundredth} |",
            of_attack(octets / *each as f64 / 1_000.0),
            ran / 1e7,
            of_attack(ran / octets),
        );
    }
}
