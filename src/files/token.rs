//! Tokens: secrets that clients show, one a line in a file.

use sha2::{Digest, Sha256};

use super::{FileFault, NamedFile};

/// Tokens that are accepted: one in use, and some while it is replaced.
const TOKENS_MAX: usize = 8;

/// A token of someone who may write. What is kept does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its SHA-256: to compare them takes the same time for every wrong token that matters.
    digest: [u8; 32],
    /// Whether it is short enough to be guessed.
    is_short: bool,
}

impl Token {
    /// Characters of a token below which it may be guessed.
    pub const SHORT: usize = 16;

    /// A token of visible ASCII characters.
    ///
    /// # Errors
    /// What is wrong with it, in words that do not show it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(
                "it has characters that are not visible ASCII; write letters and digits".to_owned()
            );
        }
        Ok(Self { digest: Sha256::digest(text).into(), is_short: text.len() < Self::SHORT })
    }

    /// Its SHA-256.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether it is short enough to be guessed.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.is_short
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token")
    }
}

/// The tokens of a file. No error shows any of them.
///
/// # Errors
/// [`FileFault`]: what is wrong with the file, and on which line.
pub fn tokens(file: &NamedFile) -> Result<Vec<Token>, FileFault> {
    let text = String::from_utf8(file.read()?);
    let text = text.map_err(|_| file.fault("is not UTF-8; write one token a line"))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let token = |(at, line): (usize, &str)| {
        Token::new(line.trim()).map_err(|text| file.fault(format!("line {}: {text}", at + 1)))
    };
    let tokens = lines.map(token).collect::<Result<Vec<_>, _>>()?;
    match tokens.len() {
        0 => Err(file.fault("has no token in it; write one a line")),
        1..=TOKENS_MAX => Ok(tokens),
        many => {
            let text = format!("has {many} tokens, at most {TOKENS_MAX}; remove old ones");
            Err(file.fault(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", Token::new("secret").unwrap()), "Token");
        assert!(Token::new("se cret").is_err() && Token::new("").is_err());
    }
}
