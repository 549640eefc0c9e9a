//! The names of this very program: its version, and the commit that it was built from.

/// The commit that was built, where whoever builds says so: `deploy/build.sh` does.
pub const COMMIT: Option<&str> = option_env!("SRVD_COMMIT");
/// Characters of a commit that are shown: as many as git shows of those of a large repository.
const COMMIT_SHOWN: usize = 12;

/// The version, with the commit where it is known: `0.1.0 (59807616e1fa)`.
#[must_use]
pub fn program_version() -> String {
    shown(env!("CARGO_PKG_VERSION"), COMMIT)
}

/// A version and a commit. What stands behind the commit (`-modified`) is shown too.
fn shown(version: &str, commit: Option<&str>) -> String {
    let Some(commit) = commit else { return version.to_owned() };
    let (hash, rest) = commit.split_at(commit.find('-').unwrap_or(commit.len()));
    let hash = hash.get(..COMMIT_SHOWN).unwrap_or(hash);
    format!("{version} ({hash}{rest})")
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_version_has_the_commit_that_was_built() {
        assert_eq!(shown("1.2.3", None), "1.2.3");
        let commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
        assert_eq!(shown("1.2.3", Some(commit)), "1.2.3 (59807616e1fa)");
        let modified = format!("{commit}-modified");
        assert_eq!(shown("1.2.3", Some(&modified)), "1.2.3 (59807616e1fa-modified)");
        assert_eq!(shown("1.2.3", Some("unknown")), "1.2.3 (unknown)");
    }
}
