//! The older of the two text formats, and which one a client reads.
//!
//! Figures are written as OpenMetrics 1.0, which Prometheus asks for by name. Whoever does
//! not gets Prometheus' own format of version 0.0.4, which differs in little: there a
//! counter's family is named like its sample, an info is a gauge, and there is no end.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// What OpenMetrics 1.0 is announced with.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What Prometheus' own format is announced with.
pub(super) const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a client wants OpenMetrics at least as much as plain text (RFC 9110 section
/// 12.5.1). What it says by wildcards alone, `curl` for example, is for plain text.
pub(super) fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut open, mut plain) = (0.0_f32, 0.0_f32);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut quality, mut version) = (1.0, None);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim() {
                "q" => quality = value.trim().parse().unwrap_or(0.0),
                "version" => version = Some(value.trim()),
                _ => {}
            }
        }
        match (kind.as_str(), version) {
            ("application/openmetrics-text", None | Some("1.0.0")) => open = open.max(quality),
            ("text/plain" | "text/*" | "*/*", None | Some("0.0.4")) => plain = plain.max(quality),
            _ => {}
        }
    }
    open > 0.0 && open >= plain
}

/// The same figures in the older format.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        // A family's first two lines say what it is, and then of which type.
        let kind = lines.peek().and_then(|next| next.rsplit_once(' ')).map(|(_, kind)| kind);
        match (line.strip_prefix("# HELP "), kind) {
            (Some(rest), Some(kind)) => {
                let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
                let (name, kind) = match kind {
                    "counter" => (format!("{name}_total"), kind),
                    "info" => (format!("{name}_info"), "gauge"),
                    _ => (name.to_owned(), kind),
                };
                text.extend(["# HELP ", &name, " ", help, "\n# TYPE ", &name, " ", kind, "\n"]);
                lines.next();
            }
            _ if line == "# EOF" => {}
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_for_those_who_name_it() {
        let wants = |accept: Option<&str>| {
            let mut headers = HeaderMap::new();
            accept.into_iter().for_each(|it| _ = headers.insert(ACCEPT, it.parse().unwrap()));
            wants_open_metrics(&headers)
        };
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text;version=1.0.0",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        ] {
            assert!(wants(Some(accept)), "{accept}");
        }
        for accept in [
            "*/*",
            "",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;q=0.1, text/plain;q=0.9",
            "application/openmetrics-text;q=x",
        ] {
            assert!(!wants(Some(accept)), "{accept}");
        }
        assert!(!wants(None));
    }

    #[test]
    fn families_are_named_as_each_format_has_it() {
        let open = "# HELP a Some words\n# TYPE a counter\na_total{l=\"# HELP\"} 1\n\
                    # HELP b B\n# TYPE b gauge\nb 2\n# HELP c C\n# TYPE c info\nc_info 1\n# EOF\n";
        let expected = "# HELP a_total Some words\n# TYPE a_total counter\na_total{l=\"# HELP\"} 1\n\
                        # HELP b B\n# TYPE b gauge\nb 2\n# HELP c_info C\n# TYPE c_info gauge\nc_info 1\n";
        assert_eq!(plain(open), expected);
    }
}
