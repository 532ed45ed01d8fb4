//! An HTTP/1.1 client that keeps its connection until it is asked to close it, like a load balancer.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// How long a single response may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a service may take to notice that a dependency failed or recovered.
const RECOVERY: Duration = Duration::from_secs(30);

/// A response that arrived completely.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// By name, in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether it is the last one on its connection.
    pub fn closes(&self) -> bool {
        self.header("connection").eq_ignore_ascii_case("close")
    }
}

/// A connection that is kept open between requests.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)
            .with_context(|| format!("connecting to {address}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn get(&mut self, path: &str) -> Result<Response> {
        self.request("GET", path, "")
    }

    /// Sends a request, with a JSON body unless it is empty.
    pub fn request(&mut self, method: &str, path: &str, body: &str) -> Result<Response> {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/json\r\n"
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
        );
        self.send(&request)
            .and_then(|()| self.receive())
            .with_context(|| format!("{method} {path}"))
    }

    fn send(&mut self, request: &str) -> Result<()> {
        self.0
            .get_mut()
            .write_all(request.as_bytes())
            .context("sending the request")
    }

    fn receive(&mut self) -> Result<Response> {
        let line = self.read_line()?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("{line:?} is not a status line"))?;
        let mut headers = BTreeMap::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .with_context(|| format!("{line:?} is not a header"))?;
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let body = self.read_body(&headers)?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    fn read_body(&mut self, headers: &BTreeMap<String, String>) -> Result<String> {
        let length = headers
            .get("content-length")
            .context("a response without a content-length")?;
        let mut body = vec![
            0;
            length
                .parse()
                .with_context(|| format!("content-length {length:?}"))?
        ];
        self.0.read_exact(&mut body).context("receiving the body")?;
        Ok(String::from_utf8(body)?)
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).context("receiving the head")?;
        ensure!(
            line.ends_with("\r\n"),
            "the connection was closed instead of a response"
        );
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// A single request on its own connection.
pub fn get(address: SocketAddr, path: &str) -> Result<Response> {
    Connection::open(address)?.get(path)
}

/// The same as part of a caller's trace.
pub fn get_with_traceparent(
    address: SocketAddr,
    path: &str,
    traceparent: &str,
) -> Result<Response> {
    let mut connection = Connection::open(address)?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nTraceparent: {traceparent}");
    connection.send(&format!("{head}\r\n\r\n"))?;
    connection.receive()
}

/// The same with a JSON body.
pub fn post(address: SocketAddr, path: &str, body: &str) -> Result<Response> {
    Connection::open(address)?.request("POST", path, body)
}

/// Repeats a request until the response has this status.
pub fn await_status(address: SocketAddr, path: &str, status: u16) -> Result<Response> {
    let start = Instant::now();
    loop {
        let response = get(address, path);
        match response {
            Ok(response) if response.status == status => return Ok(response),
            _ if start.elapsed() < RECOVERY => thread::sleep(Duration::from_millis(50)),
            other => bail!("GET {path} did not return {status}, but {other:?}"),
        }
    }
}
