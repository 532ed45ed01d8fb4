//! Recognizes environment variables whose values are secret.

/// Words anywhere in the name of a variable whose value is a secret, or contains one.
const SUBSTRINGS: [&str; 11] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "DSN",
    "DATABASE_URL",
    "REDIS_URL",
    "AMQP_URL",
];

/// Words that are too short to be searched for inside other words, such as `COMPASS`.
const WHOLE_WORDS: [&str; 4] = ["CREDS", "PASS", "PW", "PWD"];

/// Prefixes of the names of switches: `REQUIRE_AUTH`.
const SWITCH_PREFIXES: [&str; 9] = [
    "ALLOW", "DISABLE", "ENABLE", "ENABLED", "NO", "REQUIRE", "SKIP", "USE", "WITH",
];

/// The values of switches.
const SWITCH_VALUES: [&str; 8] = ["0", "1", "false", "no", "none", "off", "on", "true"];

/// Text before a colon that is not a user name.
const SCHEMES: [&str; 9] = [
    "data", "env", "file", "mailto", "memory", "sqlite", "unix", "urn", "vsock",
];

/// Whether a variable's value is a secret, judging by its name and its default in the sources.
pub(super) fn is_secret(name: &str, default: Option<&str>) -> bool {
    is_named_secret(name, default) || default.is_some_and(has_password)
}

fn is_named_secret(name: &str, default: Option<&str>) -> bool {
    let name = name.to_uppercase();
    if SUBSTRINGS.iter().any(|word| name.contains(word)) {
        return true;
    }
    let words: Vec<&str> = name.split('_').collect();
    let is_switch = words
        .first()
        .is_some_and(|first| SWITCH_PREFIXES.contains(first))
        || default.is_some_and(|value| SWITCH_VALUES.contains(&value.to_lowercase().as_str()));
    // `AUTH_URL` and `AUTH_METHOD` tell how to authenticate, and `BASIC_AUTH` with what.
    let is_whole = words.iter().any(|word| WHOLE_WORDS.contains(word));
    (is_whole || words.last() == Some(&"AUTH")) && !is_switch
}

/// Whether a value looks like `user:password`, or like a URL with credentials.
fn has_password(value: &str) -> bool {
    if let Some((_, rest)) = value.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        return user.is_some_and(|user| user.contains(':'));
    }
    let Some((user, password)) = value.split_once(':') else {
        return false;
    };
    let is_user = user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-@".contains(c))
        && !SCHEMES.contains(&user);
    // A port, a version and a path also follow a colon.
    let is_password = password.contains(|c: char| c.is_ascii_alphabetic())
        && password
            .chars()
            .all(|c| c.is_ascii_graphic() && !"/:,=".contains(c));
    is_user && is_password
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn recognizes_secrets_by_name() {
        for name in [
            "API_KEY",
            "JWT_SECRET",
            "DATABASE_URL",
            "DBPASSWORD",
            "DB_PASS",
            "DB_PASS_2",
            "SMTP_PWD",
            "BASIC_AUTH",
            "MINISERVE_AUTH",
            "AUTH",
            "GPG_PASSPHRASE",
        ] {
            assert!(is_secret(name, None), "{name}");
            assert!(is_secret(name, Some("x")), "{name}");
        }
        for name in [
            "AUTH_URL",
            "AUTH_METHOD",
            "BASIC_AUTH_REALM",
            "AUTHOR",
            "COMPASS_HEADING",
            "REQUIRE_AUTH",
            "PASSENGERS",
            "PORT",
        ] {
            assert!(!is_secret(name, None), "{name}");
            assert!(!is_secret(name, Some("x")), "{name}");
        }
        assert!(!is_secret("ADMIN_AUTH", Some("false")));
    }

    #[test]
    fn recognizes_passwords_in_values() {
        for value in [
            "admin:admin",
            "me@example.com:hunter2",
            "amqp://guest:guest@queue:5672/%2f",
            "redis://:hunter2@cache",
        ] {
            assert!(is_secret("A", Some(value)), "{value}");
        }
        for value in [
            "localhost:8080",
            "db:5432",
            "[::1]:80",
            "sqlite:app.db",
            "sqlite::memory:",
            "http://localhost:3000",
            "https://me@example.com/a:b",
            "alpine:3.20",
            "tower_http=debug,app::db=info",
            "12:30",
            "a: b",
            "C:/data",
            "info",
        ] {
            assert!(!is_secret("A", Some(value)), "{value}");
        }
    }
}
