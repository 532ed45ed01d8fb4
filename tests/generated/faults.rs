//! Faults around a service in production: dependencies that fail, clients that misbehave, output that is not read.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Stdio, id};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{command, run};
use crate::http::{self, Connection, await_status};
use crate::process::{Service, StartOptions};
use crate::project::Project;
use crate::servers::{Postgres, Servers};
use crate::service;

/// The sample resource.
const ITEMS: &str = "/api/v1/items";

/// No response may take longer, whatever is broken behind the service.
const RESPONSE_LIMIT: Duration = Duration::from_secs(3);

/// A client that has not received a byte of its response for this long is disconnected. The kernel checks at increasing
/// intervals.
const DISCONNECT_LIMIT: Duration = Duration::from_secs(120);

/// The number of simultaneous clients.
const CLIENTS: usize = 10_000;

/// How many rollouts must succeed, to rule out luck.
const ROLLOUTS: usize = 10;

pub fn loses_no_request_in_ten_rollouts(project: &Project) -> Result<()> {
    let servers = Servers::start(project)?;
    for rollout in 1..=ROLLOUTS {
        let stopped = service::stops_under_load(project, &servers, "TERM");
        stopped.with_context(|| format!("rollout {rollout}"))?;
    }
    Ok(())
}

/// While the database is down, the service is alive, unready, and responds with 503 at once; it recovers by itself.
pub fn survives_a_database_outage(project: &Project) -> Result<()> {
    let mut postgres = Postgres::start()?;
    let service = Service::start_with(project, vec![("APP__DATABASE__URL", postgres.url())])?;
    let address = service.address;
    await_status(address, "/ready", 200)?;
    let busy = AtomicBool::new(true);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| send_requests(address, &busy)))
            .collect();
        let outage = simulate_outage(address, &mut postgres);
        busy.store(false, Relaxed);
        for client in clients {
            let (well, unavailable) = client
                .join()
                .unwrap_or_else(|_| bail!("a client panicked"))?;
            ensure!(
                outage.is_err() || well > 0 && unavailable > 0,
                "a client got {well} successful responses and {unavailable} with a 503"
            );
        }
        outage
    })
}

fn simulate_outage(address: SocketAddr, postgres: &mut Postgres) -> Result<()> {
    thread::sleep(Duration::from_millis(500));
    postgres.stop()?;
    let unready = await_status(address, "/ready", 503).context("without the database")?;
    ensure!(
        unready.body.contains("database"),
        "unready without the reason: {unready:?}"
    );
    let health = http::get(address, "/health")?;
    ensure!(health.status == 200, "GET /health returned {health:?}");
    let items = http::get(address, ITEMS)?;
    ensure!(
        items.status == 503 && !items.header("retry-after").is_empty(),
        "GET {ITEMS} returned {items:?}"
    );
    postgres.resume()?;
    await_status(address, "/ready", 200).context("with the database again")?;
    await_status(address, ITEMS, 200)?;
    Ok(())
}

/// Sends requests until told to stop. Returns the number of responses, and how many of them were 503.
fn send_requests(address: SocketAddr, busy: &AtomicBool) -> Result<(usize, usize)> {
    let mut connection = Connection::open(address)?;
    let (mut well, mut unavailable) = (0, 0);
    while busy.load(Relaxed) {
        let start = Instant::now();
        let response = connection.get(ITEMS)?;
        ensure!(
            start.elapsed() < RESPONSE_LIMIT,
            "a response took {:?}: {response:?}",
            start.elapsed()
        );
        match response.status {
            200 => well += 1,
            503 => unavailable += 1,
            _ => bail!("GET {ITEMS} returned {response:?}"),
        }
        if response.closes() {
            connection = Connection::open(address)?;
        }
        // A limit on requests is not what is tested here.
        thread::sleep(Duration::from_millis(20));
    }
    Ok((well, unavailable))
}

/// Without its cache, the service is slower, but works.
pub fn survives_a_cache_outage(project: &Project) -> Result<()> {
    let mut servers = Servers::start(project)?;
    let service = Service::start_with(project, servers.settings())?;
    let redis = servers.redis.as_mut().context("a project without Redis")?;
    let address = service.address;
    await_status(address, "/ready", 200)?;
    let item = http::post(address, ITEMS, "{\"name\":\"kept\"}")?;
    ensure!(item.status == 201, "POST {ITEMS} returned {item:?}");
    let item = item.header("location").to_owned();
    let read = || -> Result<()> {
        for _ in 0..20 {
            let start = Instant::now();
            let response = http::get(address, &item)?;
            ensure!(
                response.status == 200 && start.elapsed() < RESPONSE_LIMIT,
                "GET {item} returned {response:?} after {:?}",
                start.elapsed()
            );
        }
        Ok(())
    };
    read()?;
    redis.kill()?;
    read().context("without Redis")?;
    let ready = http::get(address, "/ready")?;
    ensure!(ready.status == 200, "GET /ready returned {ready:?}");
    redis.resume()?;
    read().context("with Redis again")
}

/// Clients that send a header byte by byte affect no other client, and are disconnected eventually.
pub fn survives_slow_clients(project: &Project) -> Result<()> {
    let service = Service::start(project)?;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(service.address)?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost:")?;
        slow.push(stream);
    }
    for letter in b"localhost" {
        for stream in &mut slow {
            // It may have been disconnected, which is as good.
            let _ = stream.write_all(&[*letter]);
        }
        let start = Instant::now();
        let response = http::get(service.address, "/")?;
        ensure!(
            response.status == 200 && start.elapsed() < RESPONSE_LIMIT,
            "with slow clients, GET / returned {response:?} after {:?}",
            start.elapsed()
        );
    }
    ensure!(
        service.stop("TERM")?.success(),
        "slow clients prevented a clean shutdown"
    );
    Ok(())
}

/// Clients that send requests and never read are disconnected eventually: they would hold their connections forever.
pub fn survives_clients_that_never_read(project: &Project) -> Result<()> {
    let service = Service::start(project)?;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = TcpStream::connect(service.address)?;
        client.set_nonblocking(true)?;
        clients.push(client);
    }
    let start = Instant::now();
    while !clients.is_empty() {
        ensure!(
            start.elapsed() < DISCONNECT_LIMIT,
            "{} clients that never read were still there after {DISCONNECT_LIMIT:?}",
            clients.len()
        );
        clients.retain_mut(send_until_blocked);
        thread::sleep(Duration::from_millis(200));
    }
    ensure!(http::get(service.address, "/")?.status == 200);
    ensure!(
        service.stop("TERM")?.success(),
        "clients that never read prevented a clean shutdown"
    );
    Ok(())
}

/// Sends as many requests as the connection accepts, and returns whether it is still open. If a request is cut off in the middle,
/// so much precedes it that it is never read.
fn send_until_blocked(client: &mut TcpStream) -> bool {
    let requests = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1000);
    loop {
        if let Err(error) = client.write_all(requests.as_bytes()) {
            return error.kind() == ErrorKind::WouldBlock;
        }
    }
}

/// More clients than it has file descriptors or memory for are rejected, and the service works when they have gone.
pub fn survives_too_many_clients(project: &Project) -> Result<()> {
    let mut limit = command("prlimit");
    run(limit.args(["--pid", &id().to_string(), "--nofile=20000:"]))?;
    // A container's usual limit.
    let files = Some(1024);
    let start = StartOptions {
        files,
        ..StartOptions::default()
    };
    let service = start.start(project)?;
    let address = service.address;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let stream = TcpStream::connect_timeout(&address, RESPONSE_LIMIT);
        clients.push(stream.with_context(|| format!("client {client} could not connect"))?);
    }
    let mut responses = 0;
    for stream in &mut clients {
        stream.set_read_timeout(Some(RESPONSE_LIMIT))?;
        // A rejected client may have been so before it could send anything.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let mut status = [0; 12];
        match stream.read_exact(&mut status) {
            Ok(()) => {
                let is_expected = [*b"HTTP/1.1 200", *b"HTTP/1.1 503"].contains(&status);
                let status = String::from_utf8_lossy(&status);
                ensure!(is_expected, "a client got {status:?}");
                responses += 1;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bail!("a client was neither served nor disconnected")
            }
            Err(_) => {}
        }
    }
    ensure!(responses > 0, "none of {CLIENTS} clients got a response");
    drop(clients);
    await_status(address, "/health", 200).context("after too many clients")?;
    ensure!(
        service.stop("TERM")?.success(),
        "too many clients prevented a clean shutdown"
    );
    Ok(())
}

/// Log output that is not read blocks no request.
pub fn survives_a_blocked_log(project: &Project) -> Result<()> {
    let output = Some(Stdio::piped());
    let start = StartOptions {
        output,
        ..StartOptions::default()
    };
    let service = start.start(project)?;
    let mut connection = Connection::open(service.address)?;
    for request in 0..5_000 {
        let start = Instant::now();
        let response = connection.get("/no/such/page")?;
        ensure!(
            start.elapsed() < RESPONSE_LIMIT,
            "request {request} took {:?}: {response:?}",
            start.elapsed()
        );
        if response.closes() {
            connection = Connection::open(service.address)?;
        }
    }
    ensure!(
        service.stop("TERM")?.success(),
        "a blocked log prevented a clean shutdown"
    );
    Ok(())
}
