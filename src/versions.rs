//! Versions of crates, as far as they promise to be compatible.

use cargo_metadata::semver::VersionReq;

/// The part of a requirement that promises compatibility: `1` of `1.0.2`, `0.8` of `^0.8.1`, `0.0.3` of `0.0.3`; empty where there
/// is no such part, as in `*` and in `>=1, <3`.
///
/// As the [Cargo Book] has it: the leftmost number that is not zero.
///
/// [Cargo Book]: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html
pub(crate) fn promised(requirement: &VersionReq) -> String {
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

#[cfg(test)]
mod tests {
    use super::promised;

    #[test]
    fn the_leftmost_number_promises() {
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
            assert_eq!(promised(&requirement), part, "{requirement}");
        }
    }
}
