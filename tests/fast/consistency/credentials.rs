//! Every credential in a file is for development, in a file for development, or a placeholder that says where the real one comes
//! from.

use super::for_each_project;

/// Files for a developer's machine, or a runner: their credentials are worthless elsewhere.
const DEVELOPMENT_FILES: [&str; 7] = [
    ".env.example",
    ".github/workflows/",
    "README.md",
    "compose.yaml",
    "config/development.toml",
    "k8s/overlays/development/",
    "tests/",
];

/// Their credentials, which are well known.
const DEVELOPMENT_CREDENTIALS: [&str; 5] = [
    "development",
    "postgres",
    "hunter2",
    "known-to-all-and-for-this-trial-alone",
    "correct horse battery staple",
];

/// Suffixes of the names of credentials, whatever the case and the separators.
const CREDENTIAL_SUFFIXES: [&str; 9] = [
    "accesskey",
    "apikey",
    "authkey",
    "passphrase",
    "password",
    "privatekey",
    "secret",
    "token",
    "webhookurl",
];

/// Formats of well-known services' credentials, anywhere.
const CREDENTIAL_FORMATS: [&str; 8] = [
    "-----BEGIN OPENSSH PRIVATE KEY",
    "-----BEGIN PRIVATE KEY",
    "-----BEGIN RSA PRIVATE KEY",
    "AKIA",
    "ghp_",
    "github_pat_",
    "hooks.slack.com/services/",
    "xoxb-",
];

#[test]
fn every_credential_is_for_development_or_a_reference() {
    for_each_project(|project| {
        for (path, file) in &project.tree {
            let found = find_credentials(path.as_str(), &file.text);
            assert!(found.is_empty(), "{}: {found:#?}", project.selection);
        }
    });
}

/// The scan itself finds what it should, and ignores what only looks similar.
#[test]
fn scan_distinguishes_credentials_from_references() {
    for (path, line) in [
        ("config/production.toml", "password = \"postgres\""),
        ("config/production.toml", "api_key = \"0123456789abcdef\""),
        (
            "k8s/base/deployment.yaml",
            "  POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}",
        ),
        ("k8s/base/secret.yaml", "  APP__AUTH__KEY: c2VjcmV0"),
        (
            "compose.yaml",
            "      GF_SECURITY_ADMIN_PASSWORD: Tr0ub4dor",
        ),
        (
            "compose.yaml",
            "      URL: postgres://me:Tr0ub4dor@db:5432/orders",
        ),
        (
            "chart/values.yaml",
            "url: postgres://postgres:postgres@db/orders",
        ),
        ("config/default.toml", "url = \"redis://:Tr0ub4dor@cache\""),
        (
            "monitoring/alertmanager.yml",
            "slack_webhook_url: https://example.com/T0/B0",
        ),
        ("tests/app/main.rs", "let key = \"AKIAIOSFODNN7EXAMPLE\";"),
    ] {
        assert!(!find_credentials(path, line).is_empty(), "{path}: {line}");
    }
    for (path, line) in [
        (
            "config/default.toml",
            "# postgres://user:password@host:5432/database",
        ),
        (
            "compose.yaml",
            "      POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}",
        ),
        (
            ".github/workflows/ci.yml",
            "          password: ${{ github.token }}",
        ),
        (
            ".github/workflows/release.yml",
            "      id-token: write # sign",
        ),
        (
            "k8s/base/deployment.yaml",
            "      automountServiceAccountToken: false",
        ),
        ("k8s/base/secret.example.yaml", "  APP__AUTH__KEY: \"\""),
        ("chart/values.yaml", "existingSecret: orders"),
        ("config/default.toml", "token_seconds = 900"),
        (
            "monitoring/alertmanager.yml",
            "  slack_webhook_url: /run/secrets/webhook",
        ),
    ] {
        assert_eq!(find_credentials(path, line), Vec::<String>::new(), "{path}");
    }
}

/// The credentials found in a file, with their places.
fn find_credentials(path: &str, text: &str) -> Vec<String> {
    let is_development_file = DEVELOPMENT_FILES
        .iter()
        .any(|place| path.starts_with(place));
    let is_allowed = |value: &str| is_reference(value) || is_development_file && is_known(value);
    let is_code = path.ends_with(".rs");
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let shaped = CREDENTIAL_FORMATS.iter().any(|shape| line.contains(shape));
        let urls =
            url_passwords(line).any(|password| !is_placeholder(password) && !is_allowed(password));
        // In code, a variable of that name is not a credential, but contains one.
        let set = !is_code && credential_values(line).any(|value| !is_allowed(value));
        if shaped || urls || set {
            found.push(format!("{path}:{}: {line}", at + 1));
        }
    }
    found
}

fn is_known(value: &str) -> bool {
    // With variables replaced by their defaults.
    let default = value
        .strip_prefix("${")
        .and_then(|rest| rest.split_once(":-"));
    let value = default.map_or(value, |(_, default)| default.trim_end_matches('}'));
    DEVELOPMENT_CREDENTIALS.contains(&value)
}

/// Where the form of a URL is explained.
fn is_placeholder(password: &str) -> bool {
    ["password", ""].contains(&password)
}

/// A variable, a placeholder of another language, a file, the name of a Secret of this project, or no text at all.
fn is_reference(value: &str) -> bool {
    let has_default = value.starts_with("${") && value.contains(":-");
    let begins = ["$", "{", "/", "<", "[", "("]
        .iter()
        .any(|sign| value.starts_with(sign));
    let is_plain = [
        "", "true", "false", "null", "write", "read", "none", "orders",
    ]
    .contains(&value);
    !has_default && (begins || is_plain || value.parse::<f64>().is_ok())
}

/// The passwords in the URLs of a line.
fn url_passwords(line: &str) -> impl Iterator<Item = &str> {
    line.split("://").skip(1).filter_map(|url| {
        let ends = |c: char| c == '/' || c.is_whitespace() || "\"'`<>".contains(c);
        let authority = url.split(ends).next()?;
        let (user, _) = authority.rsplit_once('@')?;
        Some(user.split_once(':')?.1)
    })
}

/// The values of keys that are named like credentials: `NAME: value`, `NAME=value`, `"name": "value"`.
fn credential_values(line: &str) -> impl Iterator<Item = &str> {
    let signs = line.match_indices([':', '=']);
    signs.filter_map(move |(at, _)| {
        let before = line[..at].trim_end().trim_end_matches(['"', '\'']);
        let name = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
        let name = name
            .into_iter()
            .next()?
            .to_lowercase()
            .replace(['_', '-'], "");
        if !CREDENTIAL_SUFFIXES
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            return None;
        }
        let rest = line[at + 1..].trim_start();
        // The second of two characters, as in a Rust path or a comparison, or the default of a variable, which was checked
        // before.
        if rest.starts_with([':', '=', '>', '-']) {
            return None;
        }
        let value = match rest.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => rest[1..].split(quote).next()?,
            _ => rest
                .split(|c: char| c.is_whitespace() || ",;)|".contains(c))
                .next()?,
        };
        Some(value)
    })
}
