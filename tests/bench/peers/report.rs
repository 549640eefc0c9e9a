//! Tables, goals, JSON.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::target;

/// The programs beside srvd, and how they tell their version.
const PROGRAMS: [(&str, &str); 5] =
    [("nsd", "-v"), ("knotd", "-V"), ("named", "-v"), ("etcd", "--version"), ("dnsperf", "-h")];

/// What was found so far, printed as it comes and written at the end.
pub(crate) struct Report {
    /// Where it is written.
    path: PathBuf,
    /// Machine, programs, rounds.
    head: Value,
    /// The tables.
    tables: Vec<Value>,
    /// The goals of all tables.
    goals: Vec<Value>,
}

/// One table.
pub(crate) struct Table {
    /// What it is about.
    title: String,
    /// What stands over the figures.
    columns: Vec<String>,
    /// What stands before a row, and its figures.
    rows: Vec<(String, Vec<Option<f64>>)>,
    /// What is to be reached.
    goals: Vec<Goal>,
}

/// What is to be reached, and what was.
pub(crate) struct Goal {
    /// Of what.
    what: String,
    /// The figure that was found.
    is: f64,
    /// What it may be.
    bound: Bound,
}

/// What a figure may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Goal {
    /// A goal, and what was found.
    pub(crate) fn new(what: impl Into<String>, is: f64, bound: Bound) -> Self {
        Self { what: what.into(), is, bound }
    }

    /// The figure that is to be reached, and whether it was.
    fn judge(&self) -> (String, bool) {
        match self.bound {
            Bound::AtMost(most) => (format!("≤ {most}"), self.is <= most),
            Bound::AtLeast(least) => (format!("≥ {least}"), self.is >= least),
        }
    }
}

impl Table {
    /// An empty table.
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { title: title.into(), columns, rows: Vec::new(), goals: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, title: impl ToString, figures: impl Into<Vec<Option<f64>>>) {
        self.rows.push((title.to_string(), figures.into()));
    }

    /// Adds a goal.
    pub(crate) fn goal(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    /// Prints it in Markdown.
    fn print(&self) {
        println!("\n### {}\n", self.title);
        println!("| | {} |", self.columns.join(" | "));
        println!("| --- |{}", " ---: |".repeat(self.columns.len()));
        for (title, figures) in &self.rows {
            let cells: Vec<_> = figures.iter().map(|figure| cell(*figure)).collect();
            println!("| {title} | {} |", cells.join(" | "));
        }
        if !self.goals.is_empty() {
            println!("\n| goal | is to be | is | |\n| --- | ---: | ---: | --- |");
        }
        for goal in &self.goals {
            let (bound, is_met) = goal.judge();
            let verdict = if is_met { "met" } else { "**missed**" };
            println!("| {} | {bound} | {} | {verdict} |", goal.what, cell(Some(goal.is)));
        }
    }

    /// All of it as JSON.
    fn json(&self) -> Value {
        let row = |(title, figures): &(String, Vec<Option<f64>>)| {
            let columns = self.columns.iter().cloned();
            let figures: serde_json::Map<_, _> =
                columns.zip(figures.iter().map(|figure| json!(figure))).collect();
            json!({ "row": title, "figures": figures })
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        json!({ "title": self.title, "rows": rows })
    }
}

impl Report {
    /// Says what it is measured on. Each choice of sections has a file of its own.
    pub(crate) fn begin(quick: bool, sections: &[&str]) -> Self {
        let programs: Vec<_> = PROGRAMS.iter().filter_map(version).collect();
        let machine = processor();
        println!("On {machine}; {}", programs.join("; "));
        let head = json!({ "machine": machine, "programs": programs, "quick": quick });
        let name = [&["peers"], sections].concat().join("-");
        let path = target().join(format!("bench/{name}.json"));
        Self { path, head, tables: Vec::new(), goals: Vec::new() }
    }

    /// Prints a table and keeps it.
    pub(crate) fn add(&mut self, table: &Table) {
        table.print();
        self.tables.push(table.json());
        for goal in &table.goals {
            let (bound, is_met) = goal.judge();
            let (table, what, is) = (&table.title, &goal.what, goal.is);
            let goal =
                json!({ "table": table, "goal": what, "bound": bound, "is": is, "met": is_met });
            self.goals.push(goal);
        }
        // After every table, so that a run that is stopped leaves what it found.
        self.write();
    }

    /// Says how many goals were met, and where all of it is.
    pub(crate) fn end(&self) {
        let met = self.goals.iter().filter(|goal| goal["met"] == true).count();
        println!("\n{met} of {} goals met; all figures: {}", self.goals.len(), self.path.display());
    }

    /// Writes all there is.
    fn write(&self) {
        std::fs::create_dir_all(self.path.parent().unwrap()).unwrap();
        let all = json!({ "head": self.head, "tables": self.tables, "goals": self.goals });
        std::fs::write(&self.path, format!("{all:#}\n")).unwrap();
    }
}

/// A figure with as many digits as say something.
fn cell(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure.abs() >= 100.0 => format!("{figure:.0}"),
        Some(figure) => format!("{figure:.2}"),
    }
}

/// The first line of what a program says that names a version; none where it is missing.
fn version((program, argument): &(&str, &str)) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().find(|line| line.bytes().any(|octet| octet.is_ascii_digit()))?;
    Some(format!("{program}: {}", line.trim()))
}

/// The processor and how many cores it has here.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    let model =
        line.map_or("an unknown processor", |line| line.trim_start_matches([' ', '\t', ':']));
    let cores = text.lines().filter(|line| line.starts_with("processor")).count();
    format!("{model}, {cores} cores")
}
