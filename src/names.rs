//! Which names and texts are valid, wherever in a project they are used.
//!
//! Each check returns a clause that says what is wrong, to follow the thing's name.

/// Words that YAML 1.1, which Kubernetes and GitHub use, reads as a boolean or as null.
pub const YAML_WORDS: [&str; 10] = [
    "false", "n", "no", "nan", "null", "off", "on", "true", "y", "yes",
];

/// The maximum length of a DNS label (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// The maximum length of a host name (RFC 1035, section 2.3.4, less the length bytes).
const MAX_HOSTNAME: usize = 253;

/// The maximum length of a branch name, for the file system: git stores a branch as a file.
const MAX_BRANCH: usize = 200;

/// Strict and reserved keywords of edition 2024 (The Rust Reference, "Keywords").
const KEYWORDS: [&str; 53] = [
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "macro_rules",
];

/// Crates that are in scope in every build (cargo warns about or rejects them, and `std`'s siblings).
const BUILT_IN: [&str; 6] = ["alloc", "core", "proc_macro", "proc-macro", "std", "test"];

/// Directories in cargo's `target/` (cargo rejects a binary of such a name).
const TARGET_DIRS: [&str; 4] = ["build", "deps", "examples", "incremental"];

/// Names that are devices on Windows.
const DEVICES: [&str; 22] = [
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1",
    "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// Checks a package's name, which must also be valid for a crate, a binary, an image and a Kubernetes object.
pub fn check_package(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    if name.len() > MAX_LABEL {
        return Err(format!(
            "is {} characters long; a Kubernetes name has at most {MAX_LABEL}",
            name.len()
        ));
    }
    if let Some(wrong) = name
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'))
    {
        return Err(format!(
            "contains {wrong:?}; a name consists of lower-case ASCII letters, digits, `-` and `_`"
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("does not begin with a letter".to_owned());
    }
    if !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("does not end with a letter or a digit, as a Kubernetes name must".to_owned());
    }
    let reserved = [
        (&KEYWORDS[..], "is a Rust keyword"),
        (&BUILT_IN[..], "is the name of a crate that comes with Rust"),
        (
            &TARGET_DIRS[..],
            "is the name of a directory in cargo's target/",
        ),
        (&DEVICES[..], "is the name of a device on Windows"),
        (
            &YAML_WORDS[..],
            "is a boolean or null in YAML, which Kubernetes and GitHub read",
        ),
    ];
    reserved
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
}

/// Checks that cargo accepts a package's name: an existing package may have one that [`check_package`] rejects for a new one.
pub fn check_existing_package(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        return Err(format!(
            "contains {wrong:?}; a name consists of letters, digits, `-` and `_`"
        ));
    }
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return Err("does not begin with a letter".to_owned());
    }
    Ok(())
}

/// Checks for a DNS label of RFC 1035: a valid name for a Kubernetes Service.
pub fn check_dns_label(text: &str) -> Result<(), String> {
    let rule = || {
        format!(
            "must consist of at most {MAX_LABEL} lower-case letters, digits and `-`, begin with a letter, and not end with `-`"
        )
    };
    let shape = text.len() <= MAX_LABEL
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
    if !shape {
        return Err(rule());
    }
    if YAML_WORDS.contains(&text) {
        return Err("is a boolean or null in YAML".to_owned());
    }
    Ok(())
}

/// Checks for a host name of two or more labels, the last of which is not a number.
pub fn check_hostname(text: &str) -> Result<(), String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    if text.len() > MAX_HOSTNAME
        || !text.contains('.')
        || !text.split('.').all(label)
        || !last.starts_with(|c: char| c.is_ascii_lowercase())
    {
        return Err("must be a host name such as `orders.example.com`, in lower case".to_owned());
    }
    Ok(())
}

/// Checks for an image's name with its registry, without tag or digest.
///
/// The rules are those of the distribution project's reference grammar, except that the registry is mandatory: without one, some
/// programs assume Docker Hub and others fail.
pub fn check_image(text: &str) -> Result<(), String> {
    let rule = || {
        "must be an image with its registry and without a tag, such as `ghcr.io/acme/orders`"
            .to_owned()
    };
    let (registry, path) = text.split_once('/').ok_or_else(rule)?;
    let (host, port) = registry.split_once(':').unwrap_or((registry, "1"));
    let port_holds =
        !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let component = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.'))
            && !part.contains("..")
    };
    let host_holds = host == "localhost" || check_hostname(host).is_ok();
    if text.len() > 255 || !host_holds || !port_holds || !path.split('/').all(component) {
        return Err(rule());
    }
    Ok(())
}

/// Checks for an http or https URL with a host.
pub fn check_url(text: &str) -> Result<(), String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '.' | '/' | '-' | '_' | '~' | ':' | '@' | '%' | '+')
    };
    match rest {
        Some(rest)
            if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.chars().all(plain) =>
        {
            Ok(())
        }
        _ => Err("must be a URL such as `https://github.com/acme/orders`".to_owned()),
    }
}

/// The port of a URL: an explicit one, or its scheme's.
pub fn port_of(url: &str) -> u16 {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let named = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    named.unwrap_or(if scheme == "http" { 80 } else { 443 })
}

/// Checks a branch name by the plain part of git's rules (git-check-ref-format), without the characters that forges treat as globs.
pub fn check_branch(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with(".lock")
            && !part.ends_with('.')
    };
    if text.len() > MAX_BRANCH
        || !text.chars().all(plain)
        || !text.split('/').all(part)
        || text.contains("..")
    {
        return Err("must be a branch name, such as `main` or `release/1.x`".to_owned());
    }
    Ok(())
}

/// Checks for one line without control characters.
pub fn check_line(text: &str) -> Result<(), String> {
    // Line separators end a line in some of the formats; a bidirectional override makes a reviewer see something else than the
    // actual text (CVE-2021-42574).
    let is_invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    match text.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(format!(
            "contains the control character {}; it must be a single line of text",
            c.escape_unicode()
        )),
        None if text.trim() != text => Err("begins or ends with whitespace".to_owned()),
        None if text.is_empty() => Err("is empty".to_owned()),
        None => Ok(()),
    }
}

/// The name as a DNS label, for images and Kubernetes objects.
pub fn slug(name: &str) -> String {
    name.replace('_', "-")
}

/// The name as a Rust identifier, for the library.
pub fn ident(name: &str) -> String {
    name.replace('-', "_")
}

/// The image name of a project: in the forge's own registry if it has one, or in one that cannot exist (RFC 2606) if the
/// repository does not tell.
pub fn image_of(repository: &str, slug: &str) -> String {
    let forges = [
        ("https://github.com/", "ghcr.io"),
        ("https://gitlab.com/", "registry.gitlab.com"),
    ];
    forges
        .iter()
        .find_map(|(forge, registry)| {
            let path = repository.strip_prefix(forge)?.trim_end_matches('/');
            let path = path.strip_suffix(".git").unwrap_or(path);
            let candidate = format!("{registry}/{}", path.to_ascii_lowercase());
            (path.contains('/') && check_image(&candidate).is_ok()).then_some(candidate)
        })
        .unwrap_or_else(|| format!("registry.example.com/{slug}"))
}

/// Whether a text contains a placeholder for an unknown host: one of RFC 2606's.
pub fn is_placeholder(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or(text);
    host.ends_with(".example.com")
}

/// The host part of an image.
pub fn registry_of(image: &str) -> &str {
    image.split('/').next().unwrap_or(image)
}

#[cfg(test)]
mod tests {
    use super::{
        check_branch, check_dns_label, check_hostname, check_image, check_line, check_package,
        check_url, image_of, port_of,
    };

    #[test]
    fn package_names_are_valid_wherever_they_are_used() {
        let longest = "a".repeat(63);
        for good in ["a", "api", "my-app", "my_app", "app2", "a-b_c", &longest] {
            assert_eq!(check_package(good), Ok(()), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "", "1app", "-x", "_x", "x-", "My", "mÿ", "my app", "../x", "a/b", "a.b", "fn", "gen",
            "self", "test", "core", "std", "build", "deps", "con", "nul", "com1", "on", "y",
            "null", "a\nb", "$(x)", &too_long,
        ] {
            assert!(check_package(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn validates_hosts_images_and_urls() {
        for good in ["a.b", "orders.example.com", "1.example.com", "x-1.io"] {
            assert_eq!(check_hostname(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "a..b",
            ".a.b",
            "1.2.3.4",
            "A.b",
            "-a.b",
            "a.b/c",
            "a b.c",
        ] {
            assert!(check_hostname(bad).is_err(), "{bad:?}");
        }
        for good in [
            "ghcr.io/acme/orders",
            "localhost:5000/x",
            "registry.example.com/a.b/c_d",
        ] {
            assert_eq!(check_image(good), Ok(()), "{good}");
        }
        for bad in [
            "orders",
            "acme/orders",
            "ghcr.io/acme/orders:1",
            "ghcr.io/Acme/x",
            "ghcr.io//x",
            "ghcr.io/x@sha256:1",
            "ghcr.io/",
        ] {
            assert!(check_image(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_url("https://github.com/acme/orders"), Ok(()));
        for bad in [
            "",
            "github.com/a",
            "ftp://a",
            "https://",
            "https://a b",
            "https://a\"",
            "https://${x}",
        ] {
            assert!(check_url(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            check_dns_label("on"),
            Err("is a boolean or null in YAML".to_owned())
        );
        assert!(check_dns_label("1a").is_err());
    }

    #[test]
    fn image_is_derived_from_the_repository() {
        assert_eq!(
            image_of("https://github.com/Acme/Orders.git", "x"),
            "ghcr.io/acme/orders"
        );
        assert_eq!(
            image_of("https://gitlab.com/a/b/c", "x"),
            "registry.gitlab.com/a/b/c"
        );
        assert_eq!(
            image_of("https://github.com/acme", "x"),
            "registry.example.com/x"
        );
        assert_eq!(image_of("", "x"), "registry.example.com/x");
    }

    #[test]
    fn line_rejects_control_characters() {
        for good in [
            "x",
            "a \"quoted\" line",
            "emoji 🦀",
            "${{ x }} {{ y }} $(z) # : '",
        ] {
            assert_eq!(check_line(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            " x",
            "x ",
            "a\nb",
            "a\tb",
            "a\u{7}b",
            "a\u{85}b",
            "a\u{202e}b",
            "a\u{2028}b",
        ] {
            assert!(check_line(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn branch_is_valid_for_git_and_not_a_glob() {
        for good in ["main", "release/1.x", "v2"] {
            assert_eq!(check_branch(good), Ok(()), "{good}");
        }
        for bad in [
            "", "-x", "a b", "a..b", "a/", "a//b", ".a", "a.lock", "a*", "a~1", "a:b",
        ] {
            assert!(check_branch(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn port_defaults_to_that_of_the_scheme() {
        for (url, port) in [
            ("https://s3.example.com", 443),
            ("http://minio.storage/a:1", 80),
            ("https://minio.storage:9000/path", 9000),
            ("http://user:password@minio.storage:9000", 9000),
        ] {
            assert_eq!(port_of(url), port, "{url}");
        }
    }
}
