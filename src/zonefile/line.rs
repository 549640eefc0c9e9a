//! The entries of a zone file: where each begins and ends (RFC 1035 section 5.1).
//!
//! Parentheses, comments and line ends are gone after this; names, strings and escapes are
//! left as they are written, but every octet that is not printable ASCII is `\DDD`.

use super::fault::{Reason, shown};
use crate::names::MESSAGE_MAX;

/// The most tokens of one entry: the longest record data, a digit pair a token, and its head.
const TOKENS: usize = MESSAGE_MAX + 16;
/// What some editors put before UTF-8 text; it is no part of it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One entry: a directive or a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The line it begins on, from 1.
    pub(super) number: usize,
    /// Whether white space stands before it, so that it has the owner of the entry before.
    pub(super) indented: bool,
    /// Its words, printable ASCII; quotes and escapes are kept.
    pub(super) tokens: Vec<String>,
}

/// An error, and its line.
type Faulty = (usize, Reason);

/// The entries of a text, one after the other.
pub(super) struct Lines<'text> {
    text: &'text [u8],
    /// The next octet to look at.
    at: usize,
    /// The line that it is on, from 1.
    number: usize,
    /// The lines of the parentheses that are open.
    open: Vec<usize>,
}

impl<'text> Lines<'text> {
    /// The entries of a text.
    pub(super) fn new(text: &'text [u8]) -> Self {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Self { text, at: 0, number: 1, open: Vec::new() }
    }

    /// The next entry that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Faulty> {
        while self.at < self.text.len() {
            let line = self.entry()?;
            if !line.tokens.is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// Reads up to the end of a line that is not within parentheses.
    fn entry(&mut self) -> Result<Line, Faulty> {
        let indented = self.peek().is_some_and(is_blank);
        let mut line = Line { number: self.number, indented, tokens: Vec::new() };
        while let Some(octet) = self.peek() {
            match octet {
                b'\n' if self.open.is_empty() => {
                    self.line_end();
                    return Ok(line);
                }
                b'\n' => self.line_end(),
                b';' => self.comment(),
                b'(' => self.opened(),
                b')' => self.closed()?,
                _ if is_blank(octet) => self.at += 1,
                _ => self.token_of(&mut line)?,
            }
        }
        match self.open.first() {
            Some(opened) => Err((*opened, Reason::OpenParenthesis)),
            None => Ok(line),
        }
    }

    /// Adds a token to an entry.
    fn token_of(&mut self, line: &mut Line) -> Result<(), Faulty> {
        // An entry begins where its first word does, should that be in parentheses.
        if line.tokens.is_empty() {
            line.number = self.number;
        }
        if line.tokens.len() == TOKENS {
            return Err((line.number, Reason::LongEntry));
        }
        let token = self.token()?;
        line.tokens.push(token);
        Ok(())
    }

    /// Reads up to what ends a token; quoted parts are within it.
    fn token(&mut self) -> Result<String, Faulty> {
        let mut token = String::new();
        while let Some(octet) = self.peek() {
            match octet {
                b'"' => self.quoted(&mut token)?,
                b'\\' => self.escape(&mut token)?,
                b'\n' | b';' | b'(' | b')' => break,
                _ if is_blank(octet) => break,
                _ => self.plain(&mut token, octet),
            }
        }
        Ok(token)
    }

    /// Reads a quoted part, with its quotes.
    fn quoted(&mut self, token: &mut String) -> Result<(), Faulty> {
        self.plain(token, b'"');
        while let Some(octet) = self.peek() {
            match octet {
                b'"' => {
                    self.plain(token, octet);
                    return Ok(());
                }
                b'\\' => self.escape(token)?,
                // A quote that was forgotten would else take the lines after it along.
                b'\n' => break,
                _ => self.plain(token, octet),
            }
        }
        Err((self.number, Reason::OpenQuote))
    }

    /// Reads a backslash and the octet after it.
    fn escape(&mut self, token: &mut String) -> Result<(), Faulty> {
        self.at += 1;
        match self.peek() {
            None | Some(b'\n') => Err((self.number, Reason::Escape(shown(token)))),
            Some(octet) if octet.is_ascii_graphic() => {
                token.push('\\');
                self.plain(token, octet);
                Ok(())
            }
            Some(octet) => {
                self.decimal(token, octet);
                Ok(())
            }
        }
    }

    /// Takes an octet as it is, or as `\DDD`.
    fn plain(&mut self, token: &mut String, octet: u8) {
        if octet.is_ascii_graphic() || octet == b' ' {
            token.push(char::from(octet));
            self.at += 1;
        } else {
            self.decimal(token, octet);
        }
    }

    /// Takes an octet as `\DDD`.
    fn decimal(&mut self, token: &mut String, octet: u8) {
        token.push_str(&format!("\\{octet:03}"));
        self.at += 1;
    }

    /// Goes past a line's end.
    fn line_end(&mut self) {
        self.at += 1;
        self.number += 1;
    }

    /// Goes to a line's end.
    fn comment(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len());
    }

    /// Goes past an opening parenthesis.
    fn opened(&mut self) {
        self.open.push(self.number);
        self.at += 1;
    }

    /// Goes past a closing parenthesis.
    fn closed(&mut self) -> Result<(), Faulty> {
        self.open.pop().ok_or((self.number, Reason::ClosedParenthesis))?;
        self.at += 1;
        Ok(())
    }

    /// The octet that is next.
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// Whether an octet parts tokens; the carriage return is that of other systems' line ends.
const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}
