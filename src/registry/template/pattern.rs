//! Patterns of keys: `/{name}/*/{host}:{port}`.

use super::super::document::shown;

/// A part of a key, or of a value, that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The service's name.
    Name,
    /// The instance's id.
    Id,
    /// Where it listens.
    Host,
    /// The port.
    Port,
    /// The port's name.
    Protocol,
    /// The version.
    Version,
}

/// The pattern of a key, by segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Box<[Box<[Piece]>]>);

/// A piece of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// These characters.
    Literal(Box<str>),
    /// Any that say something.
    Field(Field),
    /// Any.
    Any,
}

/// The parts of a key, each by its [`Field`].
#[derive(Debug, Default)]
pub(super) struct Found<'k>([Option<&'k str>; Field::ALL.len()]);

/// The reason why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// Nothing there.
    #[error("key: it is empty; write it like /{{name}}/{{id}}")]
    Empty,
    /// Two slashes side by side.
    #[error("key: it has an empty segment; write it like /{{name}}/{{id}}")]
    EmptySegment,
    /// A brace that is not closed, or not opened.
    #[error("key: a `{{` without its `}}`, or the other way round; write it like {{name}}")]
    Brace,
    /// A part that nobody knows.
    #[error(
        "key: `{{{0}}}` is unknown; known are {{name}}, {{id}}, {{host}}, {{port}}, {{protocol}}, {{version}}, and `*` for anything"
    )]
    Unknown(String),
    /// A part that stands there twice.
    #[error("key: `{{{0}}}` stands there twice; leave one out")]
    Twice(&'static str),
    /// Two parts of which nobody knows where one ends.
    #[error(
        "key: two parts of a segment without a character between; write it like {{host}}:{{port}}"
    )]
    Adjacent,
}

impl Field {
    /// All of them.
    pub(super) const ALL: [Self; 6] =
        [Self::Name, Self::Id, Self::Host, Self::Port, Self::Protocol, Self::Version];

    /// Its name in a template.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Host => "host",
            Self::Port => "port",
            Self::Protocol => "protocol",
            Self::Version => "version",
        }
    }

    /// Whether nothing can be registered without it.
    pub(super) const fn is_needed(self) -> bool {
        matches!(self, Self::Name | Self::Host)
    }

    /// The one of a name.
    fn named(name: &str) -> Result<Self, PatternFault> {
        let named = Self::ALL.into_iter().find(|it| it.name() == name);
        named.ok_or_else(|| PatternFault::Unknown(shown(name)))
    }
}

impl Pattern {
    /// Reads a pattern. A slash at its start says nothing.
    pub(super) fn new(text: &str) -> Result<Self, PatternFault> {
        let text = text.strip_prefix('/').unwrap_or(text);
        if text.is_empty() {
            return Err(PatternFault::Empty);
        }
        let segments = text.split('/').map(segment).collect::<Result<_, _>>()?;
        let pattern = Self(segments);
        for field in Field::ALL {
            if pattern.pieces().filter(|it| **it == Piece::Field(field)).count() > 1 {
                return Err(PatternFault::Twice(field.name()));
            }
        }
        Ok(pattern)
    }

    /// All pieces.
    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter().flat_map(|segment| segment.iter())
    }

    /// Whether a key says something.
    pub(super) fn has(&self, field: Field) -> bool {
        self.pieces().any(|piece| *piece == Piece::Field(field))
    }

    /// The parts of a key below the base; nothing where it is another.
    pub(super) fn read<'k>(&self, below: &'k str) -> Option<Found<'k>> {
        let (mut found, mut segments) = (Found::default(), below.split('/'));
        for pieces in &self.0 {
            read_segment(pieces, segments.next().filter(|it| !it.is_empty())?, &mut found)?;
        }
        segments.next().is_none().then_some(found)
    }

    /// A key that it reads.
    pub(super) fn example(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.to_string(),
            Piece::Field(field) => field.name().to_ascii_uppercase(),
            Piece::Any => "ANY".to_owned(),
        };
        let segments = self.0.iter().map(|pieces| pieces.iter().map(piece).collect::<String>());
        segments.collect::<Vec<_>>().join("/")
    }
}

impl<'k> Found<'k> {
    /// A part.
    pub(super) fn get(&self, field: Field) -> Option<&'k str> {
        self.0[field as usize]
    }
}

/// The pieces of a segment.
fn segment(mut text: &str) -> Result<Box<[Piece]>, PatternFault> {
    if text.is_empty() {
        return Err(PatternFault::EmptySegment);
    }
    let mut pieces = Vec::new();
    while let Some(first) = text.chars().next() {
        let (piece, rest) = match first {
            '{' => {
                let (name, rest) = text[1..].split_once('}').ok_or(PatternFault::Brace)?;
                (Piece::Field(Field::named(name)?), rest)
            }
            '}' => return Err(PatternFault::Brace),
            '*' => (Piece::Any, &text[1..]),
            _ => {
                let end = text.find(['{', '}', '*']).unwrap_or(text.len());
                (Piece::Literal(text[..end].into()), &text[end..])
            }
        };
        let is_open = |it: &Piece| !matches!(it, Piece::Literal(_));
        if is_open(&piece) && pieces.last().is_some_and(is_open) {
            return Err(PatternFault::Adjacent);
        }
        pieces.push(piece);
        text = rest;
    }
    Ok(pieces.into())
}

/// Reads a segment, from its end: a part goes on to the last place where what follows it stands,
/// so that the colons of an address are its own, and parts behind it have what is left.
fn read_segment<'k>(pieces: &[Piece], text: &'k str, found: &mut Found<'k>) -> Option<()> {
    let (pieces, mut text) = match pieces.split_first() {
        Some((Piece::Literal(first), rest)) => (rest, text.strip_prefix(&**first)?),
        _ => (pieces, text),
    };
    let mut pieces = pieces.iter().rev().peekable();
    while let Some(piece) = pieces.next() {
        let (rest, part) = match (piece, pieces.peek()) {
            (Piece::Literal(literal), _) => {
                text = text.strip_suffix(&**literal)?;
                continue;
            }
            (_, Some(Piece::Literal(before))) => {
                let (last, _) = text.char_indices().next_back()?;
                text.split_at(text[..last].rfind(&**before)? + before.len())
            }
            _ => ("", text),
        };
        if part.is_empty() {
            return None;
        }
        if let Piece::Field(field) = piece {
            found.0[*field as usize] = Some(part);
        }
        text = rest;
    }
    text.is_empty().then_some(())
}
