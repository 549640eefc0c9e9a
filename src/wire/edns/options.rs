//! Options, one by one (RFC 6891 section 6.1.2).

use super::Malformed;

/// Octets of an option before its data: its code and length.
const HEAD: usize = 4;

/// The options of an OPT record. After an error there are no more.
pub(super) struct EdnsOptions<'m> {
    /// What is not read yet.
    rest: &'m [u8],
}

impl<'m> EdnsOptions<'m> {
    /// The options in a record's data.
    pub(super) const fn new(data: &'m [u8]) -> Self {
        Self { rest: data }
    }
}

impl<'m> Iterator for EdnsOptions<'m> {
    type Item = Result<(u16, &'m [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let option = split(rest);
        if let Some((_, _, rest)) = option {
            self.rest = rest;
        }
        Some(option.map(|(code, data, _)| (code, data)).ok_or(Malformed))
    }
}

/// The first option's code and data, and what follows it.
fn split(rest: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = rest.split_first_chunk::<HEAD>()?;
    let [code_high, code_low, high, low] = *head;
    let (data, rest) = rest.split_at_checked(u16::from_be_bytes([high, low]).into())?;
    Some((u16::from_be_bytes([code_high, code_low]), data, rest))
}
