//! Section: every kind of name, each as it is asked for by real clients, in one table.
//!
//! For each row srvd, the echo, and NSD and Knot where they can hold the same name, are asked in
//! turns. User time is apart from system time, which is the kernel's and the same for all: it
//! comes from the kernel's clock (`/proc/PID/stat`), whose error stands beside it. Whether the
//! answers are what the row says (response code, number of records, TC) is seen before it is
//! measured.

/// What is asked, row by row.
#[path = "names/rows.rs"]
mod rows;

/// What is registered, and the same in lines of zone files.
#[path = "names/said.rs"]
mod said;

/// What is registered in etcd, and zone files that say the same.
#[path = "names/data.rs"]
mod data;

use std::time::Duration;

use hickory_proto::op::Message;

use self::rows::{ROWS, Row};
use crate::Bench;
use crate::generator::saturate;
use crate::questions::Questions;
use crate::report::{Bound, Goal, Table};
use crate::rounds::{Figures, Rounds};
use crate::same::ask;
use crate::server::{Kind, Server, Stage};

/// What a ready-made answer may take in user mode, in microseconds.
const USER_MAX: f64 = 0.6;
/// Questions of a row, asked again and again: of each name about two.
const COUNT: u64 = 60_000;
/// How long is asked at once until all were asked.
const WARM: Duration = Duration::from_millis(100);
/// How often at most, where a server is slow.
const WARM_MAX: usize = 20;
/// Questions whose answers are looked at before.
const LOOKS: usize = 16;
/// What stands over a row.
const COLUMNS: [&str; 13] = [
    "echo µs",
    "srvd µs",
    "user",
    "±",
    "system",
    "× echo",
    "before µs",
    "before, user",
    "NSD µs",
    "NSD × echo",
    "NSD user",
    "Knot × echo",
    "Knot user",
];

/// Measures every row, or those whose titles have one of the words.
pub(crate) fn measure(bench: &mut Bench) {
    let stage = Stage::of(data::data(), &Kind::contestants());
    let rounds = Rounds::short(bench.is_quick);
    let mut table = Table::new(
        "Every kind of name: µs of CPU per query over UDP, 10,000 services of 3",
        &COLUMNS,
    );
    let is_wanted = |row: &&Row| {
        bench.words.is_empty() || bench.words.iter().any(|word| row.title.contains(word.as_str()))
    };
    for row in ROWS.iter().filter(is_wanted) {
        one(row, &stage, rounds, &mut table);
    }
    bench.report.add(&table);
}

/// Measures one row.
fn one(row: &Row, stage: &Stage, rounds: Rounds, table: &mut Table) {
    let questions = Questions::gather(COUNT as usize, row.opt, row.is_cut, row.ask);
    let asked: Vec<_> =
        stage.servers.iter().filter(|server| answers(row, server, &questions)).collect();
    let kinds: Vec<_> = asked.iter().map(|server| server.kind).collect();
    asked.iter().filter(|server| is_srvd(server)).for_each(|server| warm(server, &questions));
    let all = rounds.saturate(asked.into_iter().map(|server| (server, &questions)).collect());
    let of = |kind| kinds.iter().position(|it| *it == kind).map(|at| &all[at]);
    let (Some(echo), Some(srvd)) = (of(Kind::Echo), of(Kind::Srvd)) else {
        panic!("{}: srvd's answers are not what they should be", row.title)
    };
    let figures = figures(echo, srvd, [Kind::Before, Kind::Nsd, Kind::Knot].map(of));
    let (ratio, (user, _)) = (srvd.cpu_ratio(echo), srvd.user());
    eprintln!("{:60} {:5.2} µs, user {user:4.2}, {ratio:4.2} × echo", row.title, srvd.cpu());
    table.row(row.title, figures);
    let what = format!("{}: × echo", row.title);
    table.goal(Goal::new(what, ratio, Bound::AtMost(row.most)));
    if row.is_ready {
        table.goal(Goal::new(format!("{}: user", row.title), user, Bound::AtMost(USER_MAX)));
    }
}

/// Whether a server is srvd, of whatever build.
const fn is_srvd(server: &Server) -> bool {
    matches!(server.kind, Kind::Srvd | Kind::Before)
}

/// Asks all questions once: what is kept ready is made at the first.
fn warm(server: &Server, questions: &Questions) {
    let mut asked = 0;
    for _ in 0..WARM_MAX {
        let outcome = saturate(server.at, false, questions, WARM);
        asked += outcome.answered + outcome.lost;
        if asked >= COUNT {
            break;
        }
    }
}

/// What stands in a row.
fn figures(echo: &Figures, srvd: &Figures, others: [Option<&Figures>; 3]) -> Vec<Option<f64>> {
    let (user, error) = srvd.user();
    let own = [echo.cpu(), srvd.cpu(), user, error, srvd.cpu() - user, srvd.cpu_ratio(echo)];
    let [before, nsd, knot] = others;
    let ratio = |it: Option<&Figures>| it.map(|it| it.cpu_ratio(echo));
    let cpu = |it: Option<&Figures>| it.map(Figures::cpu);
    let user = |it: Option<&Figures>| it.map(|it| it.user().0);
    let others =
        [cpu(before), user(before), cpu(nsd), ratio(nsd), user(nsd), ratio(knot), user(knot)];
    own.map(Some).into_iter().chain(others).collect()
}

/// Whether a server answers as the row says.
fn answers(row: &Row, server: &Server, questions: &Questions) -> bool {
    let is_asked = match server.kind {
        Kind::Echo => return true,
        Kind::Srvd | Kind::Before => true,
        _ => row.has_peers,
    };
    is_asked && (0..LOOKS).all(|_| answers_one(row, server, questions))
}

/// Whether a server answers one question as the row says.
fn answers_one(row: &Row, server: &Server, questions: &Questions) -> bool {
    let question = questions.next();
    let Some(Message { metadata, answers, queries, .. }) = ask(server, question.octets) else {
        return false;
    };
    let has_all = match row.answers {
        _ if metadata.truncation && !is_srvd(server) => true,
        None => true,
        Some(least) if row.is_cut => answers.len() >= least,
        Some(number) => answers.len() == number,
    };
    let code = u16::from(metadata.response_code);
    let is_right = has_all && code == u16::from(question.code) && metadata.truncation == row.is_cut;
    if !is_right {
        eprintln!(
            "{}: {} says {code}, {} answers: {queries:?}",
            row.title,
            server.kind,
            answers.len()
        );
    }
    is_right
}
