//! `cargo bench --bench service`: compares a generated service, with everything that `standard` adds around a request, with a
//! bare axum route in the same release profile.
//!
//! Additional arguments are passed to `new`: `cargo bench --bench service -- --without traces` shows the cost of one component.
//!
//! With `DATABASE_URL`, a PostgreSQL database that it may write to, a route that reads one row is measured too, and compared with
//! the same query in bare axum and sqlx.
//!
//! All sides run at the same time and are measured alternately, each on the same CPU; what counts is the ratio of the medians. On
//! a busy machine, look at the CPU time per request, which is the server's own. It needs `wrk` and `taskset`, and Linux for its
//! /proc. The database is best run on the last CPU, where the client is too.
//!
//! The bare sides are typical first programs with axum: with the system allocator, and no timeout for the head of a request. With
//! the service's allocator, bare axum takes 8 % fewer instructions for a request.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, writes to directories of its own and prints what it found"
)]

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often each side is measured, for how long, and over how many connections.
const ROUNDS: usize = 9;
const SECONDS: u32 = 2;
const CONNECTIONS: u32 = 32;

/// How often each side is started.
const STARTS: usize = 11;

/// The requested route, on both sides.
const ROUTE: &str = r#"route("/ping", get(async || "pong"))"#;

const BARE: &str = r#"
use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_default();
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, Router::new().ROUTE).await
}
"#;

/// The same as the generated service's `GET /api/v1/items/{id}`: query, implementation and response.
const BARE_DATABASE: &str = r#"
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

#[derive(Serialize)]
struct Item {
    id: Uuid,
    name: String,
    description: String,
    quantity: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    _version: i64,
}

const FIND: &str = "SELECT id, name, description, quantity, version, created_at, updated_at FROM items WHERE id = $1";

async fn find(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> Result<Json<Item>, StatusCode> {
    let item = sqlx::query(FIND).bind(id).fetch_optional(&pool).await;
    let item = item.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let item = item.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(Item {
        id: item.get(0),
        name: item.get(1),
        description: item.get(2),
        quantity: item.get(3),
        _version: item.get(4),
        created_at: item.get(5),
        updated_at: item.get(6),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PORT")?;
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .min_connections(1)
        .test_before_acquire(false)
        .connect_lazy(&std::env::var("DATABASE_URL")?)?;
    let routes = Router::new().route("/api/v1/items/{id}", get(find)).ROUTE;
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    Ok(axum::serve(listener, routes.with_state(pool)).await?)
}
"#;

/// The settings of a side, with which everything around a request is active, and nothing is refused.
const SETTINGS: [(&str, &str); 8] = [
    ("APP_ENVIRONMENT", "production"),
    ("APP__SERVER__HOST", "127.0.0.1"),
    ("APP__METRICS__PORT", "0"),
    ("APP__RATE_LIMIT__REQUESTS_PER_SECOND", "1000000"),
    ("APP__RATE_LIMIT__BURST", "1000000"),
    // A span for each request, but no collector to send it to.
    ("APP__TRACES__RATIO", "0"),
    ("APP__DATABASE__MAX_CONNECTIONS", "6"),
    ("APP__DATABASE__MIN_CONNECTIONS", "1"),
];

/// In production it does not start without the URL of a database; `/ping` does not need one.
const NO_DATABASE: &str = "postgres://nobody@127.0.0.1:1/none";

fn main() -> Result<(), Box<dyn Error>> {
    let Built { project, binaries } = build()?;
    let keys = fs::read_to_string(project.join("config/default.toml"))?;
    let has = |table: &str| keys.contains(&format!("[{table}]"));
    let settings = SETTINGS.into_iter().filter(|(name, _)| {
        let table = name.split("__").nth(1).map(str::to_lowercase);
        table.is_none_or(|table| has(&table))
    });
    let mut settings: Vec<_> = settings.collect();
    let url = env::var("DATABASE_URL");
    if has("database") {
        settings.push(("APP__DATABASE__URL", url.as_deref().unwrap_or(NO_DATABASE)));
    }
    let quiet = [&settings[..], &[("APP__LOG__FILTER", "warn")]].concat();
    let side = |name, binary: &str, settings: &[_]| Side {
        name,
        binary: binaries.join(binary),
        project: project.clone(),
        settings: settings.to_vec(),
    };
    let standard = side("standard", "orders", &settings);
    let quiet = side("standard, no log line", "orders", &quiet);
    measure(
        &[
            side("bare axum", "bare", &[]),
            standard.clone(),
            quiet.clone(),
        ],
        "/ping",
    )?;
    if !has("database") {
        return Ok(());
    }
    if url.is_err() {
        println!("skipped: reads of a database, for which DATABASE_URL has to be set");
        return Ok(());
    }
    let item = standard.create_item()?;
    let bare = side("bare axum and sqlx", "bare-database", &[]);
    measure(&[bare, standard, quiet], &item)
}

struct Built {
    project: PathBuf,
    binaries: PathBuf,
}

/// Writes the service, adds the route and the other side to it, and builds both.
fn build() -> Result<Built, Box<dyn Error>> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-service");
    let project = place.join("orders");
    let lock = place.join("Cargo.lock");
    if project.exists() {
        fs::remove_dir_all(&project)?;
    }
    fs::create_dir_all(&place)?;
    run(Command::new(env!("CARGO_BIN_EXE_cargo-prodify"))
        .args([
            "prodify", "new", "-yq", "--preset", "standard", "--vcs", "none",
        ])
        .arg(&project)
        // Cargo adds its own.
        .args(env::args().skip(1).filter(|argument| argument != "--bench")))?;
    let app = project.join("src/app.rs");
    let index = r#"route("/", get(index))"#;
    let routes = fs::read_to_string(&app)?;
    if !routes.contains(index) {
        return Err(format!("{} has no `{index}`", app.display()).into());
    }
    fs::write(&app, routes.replace(index, &format!("{index}.{ROUTE}")))?;
    fs::create_dir_all(project.join("src/bin"))?;
    let bare = |name: &str, text: &str| {
        let file = project.join("src/bin").join(name);
        fs::write(file, text.replace("ROUTE", ROUTE))
    };
    bare("bare.rs", BARE)?;
    if project.join("src/database.rs").exists() {
        bare("bare-database.rs", BARE_DATABASE)?;
    }
    if lock.exists() {
        fs::copy(&lock, project.join("Cargo.lock"))?;
    }
    let target = place.join("target");
    run(Command::new("cargo")
        .args(["build", "--release", "--quiet", "--bins"])
        .current_dir(&project)
        .env("SQLX_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", &target))?;
    fs::copy(project.join("Cargo.lock"), &lock)?;
    Ok(Built {
        project,
        binaries: target.join("release"),
    })
}

/// A server.
#[derive(Clone)]
struct Side<'a> {
    name: &'a str,
    binary: PathBuf,
    project: PathBuf,
    settings: Vec<(&'a str, &'a str)>,
}

impl Side<'_> {
    /// Runs it on the first CPU.
    fn command(&self) -> Command {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(&self.binary);
        command.current_dir(&self.project).stdout(Stdio::null());
        command.env_remove("CARGO_MANIFEST_DIR");
        command.envs(self.settings.iter().copied());
        command
    }

    /// Creates an item in its database, and returns its path.
    fn create_item(&self) -> Result<String, Box<dyn Error>> {
        run(self.command().arg("migrate"))?;
        let (server, _) = self.start()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let body = format!(r#"{{"name":"item {now}","description":"of a bench","quantity":7}}"#);
        let head = "POST /api/v1/items HTTP/1.1\r\nhost: localhost\r\nconnection: close";
        let length = body.len();
        let request = format!(
            "{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        // The connection to the database is made in the background.
        for _ in 0..100 {
            let response = server.send(&request)?;
            let mut lines = response.lines();
            if let Some(path) = lines.find_map(|line| line.strip_prefix("location: ")) {
                return Ok(path.to_owned());
            }
            if !response.starts_with("HTTP/1.1 503") {
                return Err(response.into());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err("it does not find its database".into())
    }

    /// Starts it, and returns the time until it responded.
    fn start(&self) -> Result<(Server, Duration), Box<dyn Error>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = self.command();
        command.env("PORT", port.to_string());
        command.env("APP__SERVER__PORT", port.to_string());
        let start = Instant::now();
        let child = command.spawn()?;
        let server = Server {
            child,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        };
        server.wait_until_ready()?;
        Ok((server, start.elapsed()))
    }
}

/// A running side, until it is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn wait_until_ready(&self) -> Result<(), Box<dyn Error>> {
        let request = "GET /ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        for _ in 0..20_000 {
            match self.send(request) {
                Ok(response) if response.starts_with("HTTP/1.1 200") => return Ok(()),
                Ok(response) => return Err(response.into()),
                Err(_) => thread::sleep(Duration::from_micros(500)),
            }
        }
        Err("it does not answer".into())
    }

    fn send(&self, request: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(request.as_bytes())?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        Ok(response)
    }

    /// The CPU time of all its threads so far, in nanoseconds.
    fn cpu(&self) -> Result<u64, Box<dyn Error>> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let spent = fs::read_to_string(task?.path().join("schedstat"))?;
            total += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(total)
    }

    /// A line of its memory in /proc, in megabytes.
    fn memory(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kilobytes.ok_or("no memory")?.parse::<f64>()? / 1024.0)
    }

    /// Sends requests without a pause, from the last CPU.
    fn run_load(&self, path: &str) -> Result<Sample, Box<dyn Error>> {
        let last = thread::available_parallelism()?.get() - 1;
        let url = format!("http://{}{path}", self.address);
        let before = self.cpu()?;
        let output = Command::new("taskset")
            .args(["--cpu-list", &last.to_string()])
            .args(["wrk", "--threads", "1", "--latency"])
            .args(["--connections", &CONNECTIONS.to_string()])
            .args(["--duration", &format!("{SECONDS}s")])
            .args(["--header", "x-forwarded-for: 203.0.113.7", &url])
            .output()?;
        let spent = self.cpu()? - before;
        let report = String::from_utf8(output.stdout)?;
        if !output.status.success() || report.contains("Non-2xx") {
            return Err(format!("wrk ended with {}: {report}", output.status).into());
        }
        let word = |line: &str, index: usize| {
            let line = report.lines().find(|text| text.trim().starts_with(line));
            let word = line.and_then(|line| line.split_whitespace().nth(index));
            word.map(str::to_owned)
                .ok_or(format!("no {line:?} in {report}"))
        };
        let requests: f64 = report
            .lines()
            .find_map(|line| line.trim().split_once(" requests in"))
            .ok_or("no requests")?
            .0
            .parse()?;
        Ok(Sample {
            per_second: word("Requests/sec:", 1)?.parse()?,
            p99: milliseconds(&word("99%", 1)?)?,
            cpu: spent as f64 / 1e3 / requests,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A benchmark has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The results of one round.
struct Sample {
    per_second: f64,
    /// In milliseconds.
    p99: f64,
    /// Per request, in microseconds.
    cpu: f64,
}

fn measure(sides: &[Side<'_>], path: &str) -> Result<(), Box<dyn Error>> {
    let mut starts: Vec<Vec<f64>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..STARTS {
        for (side, starts) in sides.iter().zip(&mut starts) {
            starts.push(side.start()?.1.as_secs_f64() * 1e3);
        }
    }
    let servers = sides
        .iter()
        .map(|side| Ok(side.start()?.0))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    thread::sleep(Duration::from_secs(1));
    let idle: Vec<f64> = servers
        .iter()
        .map(|server| server.memory("VmRSS:"))
        .collect::<Result<_, _>>()?;
    // The first round fills pools and caches.
    for server in &servers {
        server.run_load(path)?;
    }
    let mut samples: Vec<Vec<Sample>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (server, samples) in servers.iter().zip(&mut samples) {
            samples.push(server.run_load(path)?);
        }
    }
    let median_of =
        |side: usize, value: fn(&Sample) -> f64| median(samples[side].iter().map(value).collect());
    println!("GET {path}");
    println!(
        "{:<22} {:>10} {:>6} {:>8} {:>6} {:>8} {:>6} {:>8} {:>8} {:>8}",
        "",
        "requests/s",
        "ratio",
        "p99 ms",
        "ratio",
        "CPU us",
        "ratio",
        "idle MB",
        "peak MB",
        "start ms"
    );
    for (side, server) in servers.iter().enumerate() {
        let (rate, p99, cpu) = (
            median_of(side, |sample| sample.per_second),
            median_of(side, |sample| sample.p99),
            median_of(side, |sample| sample.cpu),
        );
        println!(
            "{:<22} {rate:>10.0} {:>6.2} {p99:>8.2} {:>6.2} {cpu:>8.2} {:>6.2} {:>8.1} {:>8.1} {:>8.1}",
            sides[side].name,
            rate / median_of(0, |sample| sample.per_second),
            p99 / median_of(0, |sample| sample.p99),
            median_of(0, |sample| sample.cpu) / cpu,
            idle[side],
            server.memory("VmHWM:")?,
            median(starts[side].clone()),
        );
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(())
}

/// Parses wrk's durations: `850.00us`, `1.20ms`, `2.10s`.
fn milliseconds(text: &str) -> Result<f64, Box<dyn Error>> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let parsed = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    parsed.ok_or_else(|| format!("{text:?} is no time").into())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
