//! Options of what replies carry beside answers: NSID, cookies, version.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::Failure;
use crate::files::NamedFile;
use crate::names::Span;
use crate::options::{AnsweringArgs, File};
use crate::wire::{Cookies, NSID_MAX, UdpSize};

/// Secrets that are read from a file: one in use, and some before and after it. Each costs a
/// hash for every cookie of somebody else's.
const SECRETS_MAX: usize = 8;
/// Hex digits of a secret: SipHash has keys of 128 bits.
const SECRET_DIGITS: usize = 32;

/// The default of `serial-interval`: secondaries that are told of each move keep up with it.
const SERIAL_INTERVAL: Duration = Duration::from_secs(1);

/// The options of what replies carry beside answers.
#[derive(Debug, Default)]
pub struct Answering {
    /// Makes and checks cookies; they are ignored when absent.
    pub cookies: Option<Cookies>,
    /// How large replies over UDP are at most.
    pub udp_size: UdpSize,
    /// Whether replies over UDP to clients without a valid cookie are kept small.
    pub strict_amplification: bool,
    /// The name of this server, for those who ask for it.
    pub nsid: Option<String>,
    /// What the class CHAOS calls this server; it is not answered when absent.
    pub chaos: Option<String>,
    /// The least time from one move of serials to the next.
    pub serial_interval: Duration,
    /// One of so many queries is logged; none when absent.
    pub query_log: Option<NonZeroU32>,
}

/// What the options and the file say.
pub(super) fn answering(args: &AnsweringArgs, file: &File) -> Result<Answering, Failure> {
    let secrets = args.cookie_secret_file(file).map(|given| given.named(file));
    let nsid = nsid(args, file)?;
    let chaos = args.chaos(file).is_some_and(|given| given.value);
    let interval = args.serial_interval(file)?;
    let query_log = args.query_log(file).map(|given| given.value);
    let host = || gethostname::gethostname().to_string_lossy().into_owned();
    Ok(Answering {
        cookies: secrets.as_ref().map(cookies).transpose()?,
        udp_size: udp_size(args, file)?,
        strict_amplification: args.strict_amplification(file).is_some_and(|given| given.value),
        chaos: chaos.then(|| nsid.clone().unwrap_or_else(host)),
        nsid,
        serial_interval: interval.map_or(SERIAL_INTERVAL, |Span(interval)| interval),
        query_log: query_log.and_then(NonZeroU32::new),
    })
}

/// The most octets of a reply over UDP.
fn udp_size(args: &AnsweringArgs, file: &File) -> Result<UdpSize, Failure> {
    let size = args.udp_size(file)?.and_then(|octets| UdpSize::new(u16::try_from(octets).ok()?));
    Ok(size.unwrap_or_default())
}

/// The name of this server.
fn nsid(args: &AnsweringArgs, file: &File) -> Result<Option<String>, Failure> {
    let given = args.nsid(file);
    if let Some(given) = given.as_ref().filter(|it| !(1..=NSID_MAX).contains(&it.value.len())) {
        let octets = given.value.len();
        return Err(given.fault(format_args!(
            "it has {octets} octets; write 1 to {NSID_MAX}, or leave it out"
        )));
    }
    Ok(given.map(|given| given.value))
}

/// Cookies by the secrets of a file. No error shows any of them.
fn cookies(file: &NamedFile) -> Result<Cookies, Failure> {
    let text = String::from_utf8(file.read()?);
    let text = text.map_err(|_| file.fault("is not UTF-8; write 32 hex digits a line"))?;
    let mut secrets = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let secret = secret(line).map_err(|text| file.fault(format!("line {}: {text}", at + 1)))?;
        secrets.push(secret);
    }
    match &secrets[..] {
        [] => Err(file.fault("is empty; write 32 random hex digits into it").into()),
        [..] if secrets.len() > SECRETS_MAX => {
            let text = format!("has {} secrets, at most {SECRETS_MAX}", secrets.len());
            Err(file.fault(format!("{text}; remove those no longer in use")).into())
        }
        [first, rest @ ..] => Ok(Cookies::new(*first, rest)),
    }
}

/// The secret on a line.
fn secret(line: &str) -> Result<[u8; 16], String> {
    if line.len() != SECRET_DIGITS {
        let octets = line.len();
        return Err(format!("it has {octets} characters; write {SECRET_DIGITS} hex digits"));
    }
    let fault = |_| format!("it has characters that are no hex digits; write {SECRET_DIGITS}");
    // A sign would be taken for part of the number.
    let digits = if line.starts_with('+') { "" } else { line };
    u128::from_str_radix(digits, 16).map(u128::to_be_bytes).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an environment with a file of secrets says.
    fn with_secrets(text: &str) -> Result<Answering, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets");
        std::fs::write(&path, text).unwrap();
        let args = AnsweringArgs { cookie_secret_file: Some(path), ..AnsweringArgs::default() };
        answering(&args, &File::default())
    }

    #[test]
    fn nothing_is_told_by_default() {
        let answering = answering(&AnsweringArgs::default(), &File::default()).unwrap();
        assert!(answering.cookies.is_none() && answering.nsid.is_none());
        assert!(answering.chaos.is_none() && !answering.strict_amplification);
    }

    #[test]
    fn the_size_of_datagrams_is_one_that_is_sent() {
        let with = |udp_size| {
            let args = AnsweringArgs { udp_size, ..AnsweringArgs::default() };
            answering(&args, &File::default()).map(|answering| answering.udp_size.get())
        };
        for (octets, size) in [(None, 1232), (Some(512), 512), (Some(4096), 4096)] {
            assert_eq!(with(octets).unwrap(), size);
        }
        for octets in [0, 511, 4097, 99_999] {
            let failure = with(Some(octets)).unwrap_err().to_string();
            let expected = format!("--udp-size: {octets} is not within 512 to 4096; leave it out");
            assert!(failure.starts_with(&expected), "{failure}");
        }
    }

    #[test]
    fn secrets_are_lines_of_hex_digits() {
        let one = "e5e973e5a6b2a43f48e7dc849e37bfcf";
        for text in
            [one.to_owned(), format!("{one}\n"), format!("{one}\r\n{}\n", one.to_uppercase())]
        {
            let shown = format!("{:?}", with_secrets(&text).unwrap());
            assert!(!shown.to_lowercase().contains("e5e9"), "{shown}");
        }
    }

    #[test]
    fn faults_name_the_line_and_never_the_secret() {
        let one = "e5e973e5a6b2a43f48e7dc849e37bfcf";
        for (text, message) in [
            (String::new(), "secrets: is empty; write 32 random hex digits into it"),
            (one[1..].to_owned(), "line 1: it has 31 characters; write 32 hex digits"),
            (format!("{one}\n{one}00\n"), "line 2: it has 34 characters"),
            (format!("{one}\n\n{one}\n"), "line 2: it has 0 characters"),
            (format!("{one}\n+{}", &one[1..]), "line 2: it has characters that are no hex digits"),
            (format!("g{}", &one[1..]), "line 1: it has characters that are no hex digits"),
            (format!("{one}\n").repeat(9), "has 9 secrets, at most 8"),
        ] {
            let failure = with_secrets(&text).unwrap_err();
            let shown = failure.to_string();
            assert!(failure.code() == 2 && shown.contains(message), "{shown}");
            assert!(shown.contains("--cookie-secret-file ") && !shown.contains(&one[4..]));
        }
    }

    #[test]
    fn chaos_calls_the_server_as_nsid_does() {
        let nsid = |text: &str| AnsweringArgs {
            nsid: Some(text.to_owned()),
            chaos: Some(true),
            ..AnsweringArgs::default()
        };
        let both = answering(&nsid("a"), &File::default()).unwrap();
        assert_eq!((both.nsid.as_deref(), both.chaos.as_deref()), (Some("a"), Some("a")));
        let chaos = AnsweringArgs { chaos: Some(true), ..AnsweringArgs::default() };
        assert!(answering(&chaos, &File::default()).unwrap().chaos.is_some());
        for text in ["", &"a".repeat(129)] {
            let failure = answering(&nsid(text), &File::default()).unwrap_err();
            assert!(failure.to_string().starts_with("--nsid: it has "), "{failure}");
        }
    }
}
