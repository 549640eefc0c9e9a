//! Tokens: secrets that clients show, one a line in a file, each with the name of who has it
//! before it where it has one: `TOKEN`, or `NAME TOKEN`.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{FileFault, NamedFile};

/// Tokens that are accepted: one for each program that writes, and some while these are replaced.
const TOKENS_MAX: usize = 64;
/// Characters that a token has at least: at random of letters and digits they are 95 bits, which
/// nobody guesses over the network.
const TOKEN_LEAST: usize = 16;
/// Characters of a name, which stands in log lines and events: fewer than a token has, so that
/// none is taken for the other where they are written in the wrong order.
const NAME_MAX: usize = TOKEN_LEAST - 1;

/// A token of someone who may write. What is kept does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its SHA-256: to compare them takes the same time for every wrong token that matters.
    digest: [u8; 32],
    /// Who has it.
    name: Option<Arc<str>>,
}

impl Token {
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
        if text.len() < TOKEN_LEAST {
            return Err(format!(
                "the token has fewer than {TOKEN_LEAST} characters and may be guessed; write one \
                 as `openssl rand -hex 16` makes it"
            ));
        }
        Ok(Self { digest: Sha256::digest(text).into(), name: None })
    }

    /// A line of a file: a token, or a name and a token.
    fn of_line(line: &str) -> Result<Self, String> {
        let Some((name, token)) = line.split_once(char::is_whitespace) else {
            return Self::new(line);
        };
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.@".contains(&it);
        if name.len() > NAME_MAX || !name.bytes().all(is_plain) {
            // It may be a token that was cut in two.
            return Err(format!(
                "the name before the token is none; write NAME TOKEN, with a name of at most \
                 {NAME_MAX} letters, digits and -_.@"
            ));
        }
        Ok(Self { name: Some(name.into()), ..Self::new(token.trim_start())? })
    }

    /// Its SHA-256.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Who has it, where that is said.
    #[must_use]
    pub const fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
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
        Token::of_line(line.trim()).map_err(|text| file.fault(format!("line {}: {text}", at + 1)))
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
        assert_eq!(format!("{:?}", Token::new("0123456789abcdef").unwrap()), "Token");
        for (line, fault) in [
            ("secret", "fewer than 16"),
            ("", "not visible ASCII"),
            ("ci secret", "fewer than 16"),
            ("ci secret-secret secret-secret", "not visible ASCII"),
            ("c/i 0123456789abcdef", "write NAME TOKEN"),
            (&format!("{} 0123456789abcdef", "n".repeat(16)), "write NAME TOKEN"),
        ] {
            let told = Token::of_line(line).unwrap_err();
            assert!(told.contains(fault) && !told.contains("secret"), "{line}: {told}");
        }
    }

    #[test]
    fn a_token_may_have_a_name() {
        let plain = Token::of_line("0123456789abcdef").unwrap();
        let named = Token::of_line("ci-1 \t 0123456789abcdef").unwrap();
        assert_eq!((plain.digest(), plain.name()), (named.digest(), None));
        assert_eq!(named.name().map(|it| &**it), Some("ci-1"));
        // What is one word is a token, as ever.
        assert_eq!(Token::of_line("name:0123456789ab").unwrap().name(), None);
    }
}
