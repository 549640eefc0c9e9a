//! Text of others as a terminal, a log or a page may show it.
//!
//! Whoever may write a key, answer a query or ask one chooses characters. Some of them are
//! commands to a terminal (C0, DEL, C1), some end a line, so that what follows looks like one
//! of ours, and some turn the order of others round or are not seen at all (Unicode's
//! bidirectional controls and other default ignorables; UTR 36, "Trojan Source"). All of them
//! are shown as escapes, everything else as it is.
//!
//! Backslashes stand for themselves, so that what was escaped once stays as it is when it is
//! escaped again: text is escaped where it becomes part of a longer one, and every line once
//! more where it is printed.

use std::fmt::{self, Write as _};

/// Anything that has words, with what cannot be seen of them escaped: one line, whatever is in
/// it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<T>(pub T);

/// Writes text on with what cannot be seen of it escaped.
#[derive(Debug)]
pub struct Escaping<W>(pub W);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(formatter), "{}", self.0)
    }
}

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut written = 0;
        for (at, character) in text.char_indices().filter(|(_, it)| is_hidden(*it)) {
            self.0.write_str(&text[written..at])?;
            escape(character, &mut self.0)?;
            written = at + character.len_utf8();
        }
        self.0.write_str(&text[written..])
    }
}

/// A text with what cannot be seen of it escaped.
#[must_use]
pub fn shown(text: &str) -> String {
    Shown(text).to_string()
}

/// JSON text with what cannot be seen of it in JSON's own escapes: its values are the same, and
/// a terminal is not told anything. Outside strings JSON has no such characters but line ends,
/// which stay.
#[must_use]
pub fn shown_json(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || !is_hidden(character) {
            written.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // A string takes all that is written.
            let _ = write!(written, "\\u{unit:04x}");
        }
    }
    written
}

/// Octets as one word of a command for a shell: nothing in it means anything to the shell, or to
/// the terminal it is pasted into. What is not visible ASCII stands in `$'…'` (bash, zsh, POSIX
/// since 2024).
#[must_use]
pub fn shell_word(octets: &[u8]) -> String {
    if octets.iter().all(|it| matches!(it, b' '..=b'~')) {
        return format!("'{}'", String::from_utf8_lossy(octets).replace('\'', r"'\''"));
    }
    let mut word = "$'".to_owned();
    for octet in octets {
        // A string takes all that is written.
        let _ = match octet {
            b'\'' | b'\\' => write!(word, "\\{}", char::from(*octet)),
            b' '..=b'~' => write!(word, "{}", char::from(*octet)),
            // Three digits always, so that what follows is none of them.
            _ => write!(word, "\\{octet:03o}"),
        };
    }
    word + "'"
}

/// Writes a character as Rust, and nearly every other language, spells it.
fn escape(character: char, to: &mut impl fmt::Write) -> fmt::Result {
    match character {
        '\n' => to.write_str("\\n"),
        '\r' => to.write_str("\\r"),
        '\t' => to.write_str("\\t"),
        '\0'..='\x7f' => write!(to, "\\x{:02x}", u32::from(character)),
        _ => write!(to, "\\u{{{:x}}}", u32::from(character)),
    }
}

/// Whether a character commands, ends lines, turns text round or is not seen: general
/// categories Cc, Cf, Zl and Zp, and the property `Default_Ignorable_Code_Point` (Unicode 16).
#[must_use]
pub const fn is_hidden(character: char) -> bool {
    match character {
        ' '..='~' => false,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' => true,
        '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' => true,
        '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        for (text, expected) in [
            ("web é 10.0.0.1:80 C:\\x", "web é 10.0.0.1:80 C:\\x"),
            ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
            ("a\nERROR b\r\t\0\x7f", "a\\nERROR b\\r\\t\\x00\\x7f"),
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("\u{202e}gpj\u{2066}\u{2069}", "\\u{202e}gpj\\u{2066}\\u{2069}"),
            ("a\u{200b}b\u{200e}\u{feff}\u{ad}", "a\\u{200b}b\\u{200e}\\u{feff}\\u{ad}"),
            ("\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    /// Where these are dense, Rust's own escapes for debugging know all of them.
    #[test]
    fn every_control_and_format_character_is_hidden() {
        let is_escaped = |it: &char| it.escape_debug().count() > 1;
        let is_spared = |it: &char| matches!(it, '"' | '\'' | '\\') || it.is_whitespace();
        let blocks = ('\0'..='\u{ff}').chain('\u{2000}'..='\u{206f}');
        for character in blocks.filter(is_escaped).filter(|it| !is_spared(it)) {
            assert!(is_hidden(character), "{}", character.escape_unicode());
        }
    }

    #[test]
    fn a_word_for_a_shell_is_what_it_was() {
        let octets = (1..=255).collect::<Vec<u8>>();
        for word in [b"/services/".as_slice(), b"a'; touch x; '", b"\x1b1\n'\\", &octets] {
            let script = format!("printf %s {}", shell_word(word));
            assert!(!script.chars().any(is_hidden), "{script:?}");
            let output = std::process::Command::new("bash").args(["-c", &script]).output();
            assert_eq!(output.unwrap().stdout, word, "{script}");
        }
        assert_eq!(shell_word(b"/services/"), "'/services/'");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_twice_is_once(text in any::<String>()) {
            let once = shown(&text);
            prop_assert!(!once.chars().any(is_hidden));
            prop_assert_eq!(shown(&once), once);
        }

        #[test]
        fn json_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let safe = shown_json(&json);
            prop_assert!(!safe.chars().any(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
    }
}
