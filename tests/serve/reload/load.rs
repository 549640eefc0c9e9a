//! Reloads while much is asked: no query is lost, and no answer is of two states of a zone.

use std::collections::HashSet;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use super::watched::ZONE;
use super::{Scene, USED};
use crate::support::eventually;

/// The type of addresses.
const A: u8 = 1;
/// The type of texts.
const TXT: u8 = 16;
/// How long a reply may take.
const REPLY: Duration = Duration::from_secs(5);

/// Somebody who asks one question over and over.
pub(super) struct Asker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, HashSet<Vec<u8>>)>,
}

impl Asker {
    /// Asks for the TXT records of a name with an OPT record that asks for NSID.
    fn start(at: SocketAddr, name: &str) -> Self {
        Self::asking(at, query(name, TXT))
    }

    /// Asks for the addresses of a name.
    pub(super) fn addresses(at: SocketAddr, name: &str) -> Self {
        Self::asking(at, query(name, A))
    }

    /// Asks a question.
    fn asking(at: SocketAddr, query: Vec<u8>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(at).unwrap();
            socket.set_read_timeout(Some(REPLY)).unwrap();
            let (mut count, mut seen, mut reply) = (0, HashSet::new(), [0; 1500]);
            while !stopped.load(Ordering::Relaxed) {
                socket.send(&query).unwrap();
                let octets = socket.recv(&mut reply).expect("a query was lost");
                seen.insert(reply[..octets].to_vec());
                count += 1;
            }
            (count, seen)
        });
        Self { stop, thread }
    }

    /// How often it asked, and what it saw.
    pub(super) fn stop(self) -> (usize, HashSet<Vec<u8>>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A query with NSID.
fn query(name: &str, kind: u8) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, kind, 0, 1]);
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0, 3, 0, 0]);
    query
}

/// A zone of two names that say a number.
fn numbered(number: usize) -> String {
    format!("{ZONE}n TXT \"number-{number}\" \"number-{number}\"\n")
}

#[test]
fn no_query_is_lost_and_no_answer_is_torn() {
    let scene = Scene::start_with("zones = \"zones\"", &[("zones/a.test.zone", &numbered(0))]);
    let askers: Vec<_> = (0..3).map(|_| Asker::start(scene.at, "n.a.test")).collect();
    for number in 1..=20 {
        scene.write("zones/a.test.zone", &numbered(number));
        scene.configure(&format!("zones = \"zones\"\nnsid = \"number-{number}\""));
        scene.reload();
    }
    for asker in askers {
        let (count, seen) = asker.stop();
        assert!(count > 100 && seen.len() > 5, "{count} {}", seen.len());
        for reply in &seen {
            let text = String::from_utf8_lossy(reply);
            let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect();
            let numbers: Vec<String> = text.split("number-").skip(1).map(number).collect();
            assert!(matches!(numbers.len(), 2 | 3) && numbers[0] == numbers[1], "{text}");
        }
    }
}

#[test]
fn many_signals_at_once_are_few_reloads_and_the_last_is_used() {
    let scene = Scene::start("nsid = \"0\"");
    let asker = Asker::start(scene.at, "web.services.internal");
    for number in 1..=100 {
        if number % 10 == 0 {
            scene.configure(&format!("nsid = \"is-{number}\""));
        }
        scene.process.signal("HUP");
    }
    scene.sees("+nsid A web.services.internal", &["(\"is-100\")"]);
    assert!((1..=101).contains(&scene.process.log().count(USED)));
    assert!(asker.stop().0 > 0);
}

#[test]
fn a_registry_that_is_away_hinders_no_reload() {
    let mut scene = Scene::start_with("zones = \"zones\"", &[("zones/a.test.zone", ZONE)]);
    scene.sees("+ignore A web.services.internal", &["ANSWER: 4"]);
    scene.registry.kill9();
    assert!(eventually(|| scene.dig("A web.services.internal").contains("EDE: 3")));
    scene.configure("zones = \"zones\"\n[[zone]]\nname = \"services.internal\"\nttl = \"9s\"");
    scene.write("zones/a.test.zone", &ZONE.replace("192.0.2.2", "192.0.2.22"));
    scene.reload();
    scene.sees("A www.a.test", &["192.0.2.22"]);
    // What was known is known, as old as it is.
    scene.sees("A web.services.internal", &["ANSWER: 4", "\t9\tIN\tA\t10.0.0.1", "EDE: 3"]);
    fs::remove_file(scene.path("zones/a.test.zone")).unwrap();
    scene.sees("A www.a.test", &["REFUSED"]);
}
