//! Versions of crates, and their compatibility.

use cargo_metadata::semver::{Op, Version, VersionReq};

/// The part of a requirement that determines compatibility: `1` of `1.0.2`, `0.8` of `^0.8.1`, `0.0.3` of `0.0.3`; empty if there
/// is none, as in `*` and in `>=1, <3`.
///
/// According to the [Cargo Book]: up to the leftmost number that is not zero.
///
/// [Cargo Book]: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html
pub(crate) fn compatibility(requirement: &VersionReq) -> String {
    let [only] = &requirement.comparators[..] else {
        return String::new();
    };
    match (only.major, only.minor, only.patch) {
        (0, None, _) => "0".to_owned(),
        (0, Some(0), Some(patch)) => format!("0.0.{patch}"),
        (0, Some(minor), _) => format!("0.{minor}"),
        (major, ..) => major.to_string(),
    }
}

/// The oldest version that meets a requirement: `1.2.0` for `1.2` and for `>=1.2, <3`; none without a lower bound.
pub(crate) fn lowest(requirement: &VersionReq) -> Option<Version> {
    let mut comparators = requirement.comparators.iter();
    let lower = comparators.find(|it| !matches!(it.op, Op::Less | Op::LessEq))?;
    let (minor, patch) = (lower.minor.unwrap_or(0), lower.patch.unwrap_or(0));
    let lowest = Version::new(lower.major, minor, patch);
    Some(Version {
        pre: lower.pre.clone(),
        ..lowest
    })
}

#[cfg(test)]
mod tests {
    use super::{compatibility, lowest};

    #[test]
    fn lowest_is_the_lower_bound() {
        for (requirement, version) in [
            ("1.2", Some("1.2.0")),
            ("5.*", Some("5.0.0")),
            (">=1.2, <3", Some("1.2.0")),
            ("<3, >=1", Some("1.0.0")),
            ("=0.6.0-rc.1", Some("0.6.0-rc.1")),
            ("<3", None),
            ("*", None),
        ] {
            let found = lowest(&requirement.parse().unwrap());
            let found = found.map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{requirement}");
        }
    }

    #[test]
    fn compatibility_is_the_leftmost_nonzero_number() {
        for (requirement, part) in [
            ("1.0.2", "1"),
            ("^2", "2"),
            ("~0.8.1", "0.8"),
            ("=0.0.3", "0.0.3"),
            ("0", "0"),
            ("*", ""),
            (">=1, <3", ""),
        ] {
            let requirement = requirement.parse().unwrap();
            assert_eq!(compatibility(&requirement), part, "{requirement}");
        }
    }
}
