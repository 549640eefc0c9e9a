//! Lines for systemd's journal: with the priority that it reads before them (sd-daemon(3)), and
//! without the time, which it has by itself.

use std::fmt;

use rustix::fs::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The priority of a command's failure (LOG_ERR, syslog(3)).
pub(super) const FAILURE: &str = "<3>";

/// The form of lines that the journal reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journal;

impl Journal {
    /// The journal, where standard error leads to it: then `JOURNAL_STREAM` has that file's device
    /// and inode (systemd.exec(5)).
    pub(super) fn listening() -> Option<Self> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let (device, inode) = stream.split_once(':')?;
        let about = fstat(std::io::stderr()).ok()?;
        let is_it = device.parse() == Ok(about.st_dev) && inode.parse() == Ok(about.st_ino);
        is_it.then_some(Self)
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(event.metadata().level()))?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The priority of a level (syslog(3)).
fn priority(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}
