//! Just enough HTTP/1.1 for a stand-in server: requests without a body, answers whole or in chunks.
//!
//! Written by hand over blocking sockets, so that a test can break it anywhere, and so that it does not share a runtime with what it tests.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` and so on.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query's pairs, decoded.
    pub query: Vec<(String, String)>,
    /// The path and query as they were sent.
    pub target: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

impl Request {
    /// Reads the next request, or `None` at the end of the connection.
    ///
    /// # Errors
    /// When the connection breaks, or does not hold a request.
    pub fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(io::ErrorKind::InvalidData.into()) };
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut authorization = None;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 {
                return Ok(None);
            }
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("authorization") {
                authorization = Some(value.trim().to_owned());
            }
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value)));
        Ok(Some(Self { method, path: path.to_owned(), query: pairs.collect(), target: target.clone(), authorization }))
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.parameter(name).and_then(|value| value.parse().ok())
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Sends it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        let Self { status, content_type, body } = self;
        let head = head(*status, content_type);
        stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }
}

fn head(status: u16, content_type: &str) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        422 => "Unprocessable Entity",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    };
    format!(
        "HTTP/1.1 {status} {reason}\r\naudit-id: d18f3e00-adb6-44bd-8c43-9c313613e63a\r\ncache-control: no-cache, private\r\ncontent-type: {content_type}\r\n"
    )
}

/// Begins an answer that is sent in chunks.
///
/// # Errors
/// When the connection breaks.
pub fn begin_chunks(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(format!("{}transfer-encoding: chunked\r\n\r\n", head(200, "application/json")).as_bytes())
}

/// Sends a chunk. An empty one ends the answer.
///
/// # Errors
/// When the connection breaks.
pub fn write_chunk(stream: &mut TcpStream, text: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}

/// Asks for a path, and returns the status code, the body's type and the body. Waits until a watch is over.
///
/// # Errors
/// When the connection breaks, or what comes is not HTTP.
pub fn get(address: SocketAddr, target: &str, token: &str) -> io::Result<(u16, String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let (mut content_type, mut length) = (String::new(), None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name {
            "content-type" => value.clone_into(&mut content_type),
            "content-length" => length = value.parse().ok(),
            _ => {}
        }
    }
    let mut body = String::new();
    if let Some(length) = length {
        reader.take(length).read_to_string(&mut body)?;
        return Ok((status, content_type, body));
    }
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
        reader.by_ref().take(size).read_to_string(&mut body)?;
        reader.read_line(&mut String::new())?;
        if size == 0 {
            return Ok((status, content_type, body));
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?'));
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
