//! Lines of the log: what was chosen by others is escaped, and ends no line.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FormatFields, MakeWriter};

use crate::names::{Escaping, shown_json};

/// A line's message and fields as text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text;

impl<'w> FormatFields<'w> for Text {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut words = Words { writer, is_first: true, result: Ok(()) };
        fields.record(&mut words);
        words.result
    }
}

/// Writes fields one after the other.
struct Words<'w> {
    /// Where to.
    writer: Writer<'w>,
    /// Whether nothing was written yet.
    is_first: bool,
    /// What became of it.
    result: fmt::Result,
}

impl Words<'_> {
    /// Writes one field.
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        match field.name() {
            "message" => (),
            name if self.writer.has_ansi_escapes() => {
                write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?;
            }
            name => write!(self.writer, "{name}=")?,
        }
        Escaping(&mut self.writer).write_fmt(value)
    }
}

impl Visit for Words<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() {
            self.result = self.write(field, format_args!("{value:?}"));
        }
    }
}

/// The writer of JSON lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json;

impl MakeWriter<'_> for Json {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for Json {
    /// Writes a line, which comes whole, with what a terminal obeys in JSON's own escapes.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().write_all(shown_json(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tracing::{Event, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;

    /// Looks at what fields are written as.
    struct Look;

    impl<S: Subscriber> Layer<S> for Look {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut text = String::new();
            Text.format_fields(Writer::new(&mut text), event).unwrap();
            let fields = "by=\"c\\n\\u{202e}\" at=d\\u{2066}\\u{9b} n=1";
            assert_eq!(text, format!("told a\\nERROR b \\x1b[2J {fields}"));
            SEEN.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there was something to look at.
    static SEEN: AtomicBool = AtomicBool::new(false);

    #[test]
    fn nobody_ends_a_line_of_ours() {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Look), || {
            let (by, at) = ("c\n\u{202e}", "d\u{2066}\u{9b}");
            tracing::info!(by, %at, n = 1, "told {} {}", "a\nERROR b", "\x1b[2J");
        });
        assert!(SEEN.load(Ordering::Relaxed));
    }
}
