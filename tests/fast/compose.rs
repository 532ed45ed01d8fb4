//! A Compose file for existing crates: how they get the addresses of their databases, and which data is kept.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::{git, prodify, stderr};

const SHOP: &str = "\
[package]
name = \"shop\"
version = \"0.1.0\"
edition = \"2021\"

[package.metadata.prodify]
kind = \"server\"
port = 3000

[dependencies]
redis = \"1\"
sqlx = { version = \"0.9\", features = [\"postgres\"] }
";

/// It reads the addresses of its servers, a secret, and a default that Compose would take for a variable.
const MAIN: &str = r#"
use std::env::var;

fn main() {
    let _ = sqlx::PgPool::connect_lazy(&var("DATABASE_URL").unwrap());
    let _ = redis::Client::open(var("SHOP_REDIS_URI").unwrap());
    let _ = var("SHOP_PORT").unwrap_or_else(|_| "3000".to_owned());
    let _ = var("SHOP_API_KEY").unwrap();
    let _ = var("SHOP_PRICE").unwrap_or_else(|_| "from $5 to ${PRICE}".to_owned());
}
"#;

fn shop(manifest: &str, main: &str) -> TempDir {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(dir.path().join("src/main.rs"), main).unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    dir
}

/// What `add` writes for Compose.
fn add_compose(directory: &Path, arguments: &str) -> Value {
    let arguments = arguments.split_whitespace();
    let add: Vec<&str> = ["add", "compose", "-y"]
        .into_iter()
        .chain(arguments)
        .collect();
    let output = prodify(directory, &add);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read_to_string(directory.join("compose.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap()
}

#[test]
fn environment_has_the_addresses_of_the_databases() {
    let dir = shop(SHOP, MAIN);
    let compose = add_compose(dir.path(), "");
    let app = &compose["services"]["app"];
    let environment = app["environment"].as_object().unwrap();
    let expected = [
        (
            "DATABASE_URL",
            Value::from("postgres://postgres:${POSTGRES_PASSWORD:-postgres}@db:5432/shop"),
        ),
        ("SHOP_REDIS_URI", Value::from("redis://redis:6379")),
        ("SHOP_PORT", Value::from("3000")),
        // A secret comes from the shell or a file .env.
        ("SHOP_API_KEY", Value::Null),
        ("SHOP_PRICE", Value::from("from $$5 to $${PRICE}")),
    ];
    assert_eq!(environment.len(), expected.len(), "{environment:?}");
    for (name, value) in expected {
        assert_eq!(environment[name], value, "{name}");
    }
    for server in ["db", "redis"] {
        assert_eq!(app["depends_on"][server]["condition"], "service_healthy");
        assert!(!compose["services"][server]["healthcheck"].is_null());
        assert!(compose["volumes"].as_object().unwrap().contains_key(server));
    }
}

#[test]
fn services_with_the_same_port_get_different_host_ports() {
    let manifest = SHOP.replace("port = 3000\n", "port = 3000\n\n[[bin]]\nname = \"api\"\npath = \"src/main.rs\"\n\n[[bin]]\nname = \"redis\"\npath = \"src/main.rs\"\n");
    let dir = shop(&manifest, MAIN);
    let compose = add_compose(dir.path(), "--bin api --bin redis");
    let services = compose["services"].as_object().unwrap();
    let names: Vec<&str> = services.keys().map(String::as_str).collect();
    // A service named like a server that is started with it gets another name here.
    assert_eq!(names, ["api", "db", "redis", "redis-service"]);
    assert_eq!(
        services["api"]["ports"][0],
        "127.0.0.1:${API_PORT:-3000}:3000"
    );
    assert_eq!(
        services["redis-service"]["ports"][0],
        "127.0.0.1:${REDIS_SERVICE_PORT:-0}:3000"
    );
}

#[test]
fn existing_compose_file_remains_the_only_one() {
    for name in ["docker-compose.yml", "docker-compose.yaml", "compose.yml"] {
        let dir = shop(SHOP, MAIN);
        fs::write(dir.path().join(name), "services: {}\n").unwrap();
        let output = prodify(dir.path(), &["add", "compose", "-y"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(!dir.path().join("compose.yaml").exists(), "{name}");
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
    }
}
