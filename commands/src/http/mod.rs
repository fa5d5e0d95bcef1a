//! `python3 -m http.server`: serves files to whoever connects.
//!
//! Counterpart: `http/server.py` of Python 3.11 (`SimpleHTTPRequestHandler` and `ThreadingHTTPServer`), HTTP/1.0: a connection
//! ends with its answer. Deliberately absent: `--cgi`, `--protocol` other than HTTP/1.0, `If-Modified-Since`.

mod files;

use crate::clock::{date, names, wall};
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::say;
use crate::stdio::Stdout;
use files::Answer;
use nettwin_model::probe::ProbeId;
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// The tool's own name; what follows is the command line that a script typed.
pub const NAME: &str = "python-http-server";

/// Whether a command line of Python's, its name included, is one of this server's.
pub fn is_served(words: &[String]) -> bool {
    let module = words.iter().skip(1).skip_while(|word| matches!(word.as_str(), "-u" | "-B" | "-E" | "-I" | "-s"));
    let module: Vec<&str> = module.map(String::as_str).take(2).collect();
    matches!(module[..], ["-m", "http.server"] | ["-mhttp.server", ..])
}

/// Begins it.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let by_line = invocation.is_tty || invocation.env.get("PYTHONUNBUFFERED").is_some_and(|value| !value.is_empty());
    let by_line = by_line || invocation.words.iter().any(|word| word == "-u");
    let words = invocation.words.iter().skip(2).skip_while(|word| *word != "-m" && *word != "-mhttp.server");
    let is_apart = words.clone().next().is_some_and(|word| word == "-m");
    Box::new(Server {
        words: words.skip(if is_apart { 2 } else { 1 }).cloned().collect(),
        stdout: Stdout::new(by_line),
        folder: String::new(),
        listener: None,
        connections: Vec::new(),
    })
}

struct Server {
    words: Vec<String>,
    stdout: Stdout,
    folder: String,
    listener: Option<ProbeId>,
    connections: Vec<Connection>,
}

/// Somebody who is served.
struct Connection {
    sock: ProbeId,
    from: Ipv4Addr,
    heard: Vec<u8>,
    /// What is left to be said, once it is known.
    answer: Option<Vec<u8>>,
}

impl Job for Server {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        if why == Wake::Start
            && let Err(end) = self.begin(cx)
        {
            return end;
        }
        self.accept(cx);
        let mut connections = std::mem::take(&mut self.connections);
        connections.retain_mut(|connection| self.serve(cx, connection));
        self.connections.extend(connections);
        Next::Wait(Waits::default())
    }

    fn signal(&mut self, cx: &mut Context<'_>, signal: Signal) -> Option<Next> {
        if signal != Signal::INT {
            return None;
        }
        self.stdout.print(cx, "\nKeyboard interrupt received, exiting.\n");
        self.stdout.flush(cx);
        Some(Next::Done(0))
    }
}

const LONG: &[Long] = &[
    ("help", Takes::Nothing, 'h'),
    ("cgi", Takes::Nothing, 'c'),
    ("bind", Takes::Value, 'b'),
    ("directory", Takes::Value, 'd'),
    ("protocol", Takes::Value, 'p'),
];

impl Server {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Next> {
        let parsed = getopt::parse(&self.words, "hb:d:p:", LONG);
        let mut bind = Ipv4Addr::UNSPECIFIED;
        for met in parsed.options {
            match met {
                Met::Option('h', _) => {
                    cx.print(&format!("{USAGE}{HELP}"));
                    return Err(Next::Done(0));
                }
                Met::Option('b', Some(addr)) => {
                    let named = || crate::names::Names::hosts(cx).of_name(&addr).map(|(addr, _)| addr);
                    match crate::names::aton(&addr).or_else(named) {
                        Some(addr) => bind = addr,
                        None => return Err(say::unsupported(cx, "python3 -m http.server", &format!("-b {addr}"))),
                    }
                }
                Met::Option('d', Some(folder)) => self.folder = folder,
                Met::Option('p', Some(version)) if version == "HTTP/1.0" => {}
                Met::Option(key, _) => return Err(say::unsupported(cx, "python3 -m http.server", &format!("-{key}"))),
                Met::Wrong(complaint) => return Err(usage(cx, &complaint)),
            }
        }
        let port = match parsed.operands.as_slice() {
            [] => 8000,
            [word] => match word.parse::<i64>() {
                Ok(port) => u16::try_from(port)
                    .map_err(|_| say::unsupported(cx, "python3 -m http.server", &format!("port {port}")))?,
                Err(_) => return Err(usage(cx, &format!("argument port: invalid int value: '{word}'"))),
            },
            [_, rest @ ..] => return Err(usage(cx, &format!("unrecognized arguments: {}", rest.join(" ")))),
        };
        let on = SocketAddrV4::new(bind, port);
        let call = Call::Listen { netns: cx.netns.clone(), on, backlog: BACKLOG };
        let sock = match cx.socket(&call) {
            Ok(Reply::Opened(sock)) => sock,
            Ok(_) => return Err(Next::Done(1)),
            Err(fault) => {
                let errno = say::errno(cx, "python3", &fault)?;
                cx.complain(&format!("{TRACEBACK}OSError: [Errno {}] {errno}\n", errno.0));
                return Err(Next::Done(1));
            }
        };
        let port = match cx.socket(&Call::Names(sock)) {
            Ok(Reply::Names(own, _)) => own.port(),
            _ => port,
        };
        self.listener = Some(sock);
        self.stdout.print(cx, &format!("Serving HTTP on {bind} port {port} (http://{bind}:{port}/) ...\n"));
        Ok(())
    }

    fn accept(&mut self, cx: &mut Context<'_>) {
        let Some(listener) = self.listener else { return };
        while let Ok(Reply::Accepted(sock, from)) = cx.socket(&Call::Accept(listener)) {
            self.connections.push(Connection { sock, from: *from.ip(), heard: Vec::new(), answer: None });
        }
    }

    /// Goes on with a connection as far as it can; says whether it lasts.
    fn serve(&mut self, cx: &mut Context<'_>, connection: &mut Connection) -> bool {
        while connection.answer.is_none() {
            match cx.socket(&Call::Recv(connection.sock, AT_ONCE)) {
                Ok(Reply::Received(bytes)) if bytes.is_empty() => return close(cx, connection.sock),
                Ok(Reply::Received(bytes)) => connection.heard.extend(bytes),
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return true,
                _ => return close(cx, connection.sock),
            }
            if let Some(request) = complete(&connection.heard) {
                connection.answer = Some(self.answer(cx, connection.from, &request));
            }
        }
        let Some(left) = &mut connection.answer else { return true };
        while !left.is_empty() {
            match cx.socket(&Call::Send(connection.sock, left.clone())) {
                Ok(Reply::Sent(n)) => drop(left.drain(..n.min(left.len()))),
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return true,
                _ => return close(cx, connection.sock),
            }
        }
        close(cx, connection.sock)
    }

    /// The bytes of an answer; the request is logged.
    fn answer(&self, cx: &mut Context<'_>, from: Ipv4Addr, request: &str) -> Vec<u8> {
        let words: Vec<&str> = request.split_ascii_whitespace().collect();
        let bad = |text: String| Answer::error(400, &text, "Bad request syntax or unsupported method");
        let (mut plain, mut head) = (false, false);
        let answer = match words[..] {
            [method, path, version] if is_version(version) => {
                head = method == "HEAD";
                match method {
                    "GET" | "HEAD" => files::answer(cx, &self.folder, path),
                    _ => Answer::error(
                        501,
                        &format!("Unsupported method ('{method}')"),
                        "Server does not support this operation",
                    ),
                }
            }
            ["GET", path] => {
                plain = true;
                files::answer(cx, &self.folder, path)
            }
            [_, _, .., version] => {
                plain = true;
                bad(format!("Bad request version ('{version}')"))
            }
            _ => {
                plain = true;
                bad(format!("Bad request syntax ('{request}')"))
            }
        };
        let now = wall(cx.machine.now());
        if answer.status >= 400 {
            log(cx, from, now, &format!("code {}, message {}", answer.status, answer.reason));
        }
        log(cx, from, now, &format!("\"{request}\" {} -", answer.status));
        let mut out = Vec::new();
        // Who speaks HTTP/0.9 hears no headers.
        if !plain {
            out = format!("HTTP/1.0 {} {}\r\n", answer.status, answer.reason).into_bytes();
            out.extend(format!("Server: SimpleHTTP/0.6 Python/3.11.2\r\nDate: {}\r\n", moment(now)).bytes());
            for (key, value) in &answer.headers {
                out.extend(format!("{key}: {value}\r\n").bytes());
            }
            out.extend(b"\r\n");
        }
        if !head {
            out.extend(answer.body);
        }
        out
    }
}

/// The first line of a request that has come as a whole.
fn complete(heard: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(heard);
    let (headers, body) = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))?;
    let length = headers.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(key, _)| key.eq_ignore_ascii_case("content-length"));
    // What a method that is refused sends is not read; but it has come before the refusal has gone.
    let length: usize = length.next().and_then(|(_, n)| n.trim().parse().ok()).unwrap_or(0);
    (body.len() >= length).then(|| headers.lines().next().unwrap_or_default().trim_end().to_owned())
}

fn is_version(word: &str) -> bool {
    let numbers = word.strip_prefix("HTTP/").and_then(|rest| rest.split_once('.'));
    numbers.is_some_and(|(a, b)| a == "1" && b.parse::<u8>().is_ok())
}

/// Closed; there is nothing more to be done about it.
fn close(cx: &mut Context<'_>, sock: ProbeId) -> bool {
    let _ = cx.socket(&Call::Close(sock));
    false
}

fn log(cx: &mut Context<'_>, from: Ipv4Addr, now: Duration, text: &str) {
    let (year, _, day) = date(now);
    let (_, month) = names(now);
    let s = now.as_secs();
    let (h, m, s) = (s / 3600 % 24, s / 60 % 60, s % 60);
    cx.complain(&format!("{from} - - [{day:02}/{month}/{year} {h:02}:{m:02}:{s:02}] {text}\n"));
}

/// A moment as a header says it.
fn moment(at: Duration) -> String {
    let ((year, _, number), (day, month), s) = (date(at), names(at), at.as_secs());
    format!("{day}, {number:02} {month} {year} {:02}:{:02}:{:02} GMT", s / 3600 % 24, s / 60 % 60, s % 60)
}

fn usage(cx: &mut Context<'_>, complaint: &str) -> Next {
    cx.complain(&format!("{USAGE}server.py: error: {complaint}\n"));
    Next::Done(2)
}

const USAGE: &str = "usage: server.py [-h] [--cgi] [-b ADDRESS] [-d DIRECTORY] [-p VERSION] [port]\n";
const HELP: &str = "
positional arguments:
  port                  bind to this port (default: 8000)

options:
  -h, --help            show this help message and exit
  --cgi                 run as CGI server
  -b ADDRESS, --bind ADDRESS
                        bind to this address (default: all interfaces)
  -d DIRECTORY, --directory DIRECTORY
                        serve this directory (default: current directory)
  -p VERSION, --protocol VERSION
                        conform to this HTTP version (default: HTTP/1.0)
";
/// What an error in `bind` leaves behind.
const TRACEBACK: &str = "Traceback (most recent call last):
  File \"<frozen runpy>\", line 198, in _run_module_as_main
  File \"<frozen runpy>\", line 88, in _run_code
  File \"/usr/lib/python3.11/http/server.py\", line 1309, in <module>
    test(
  File \"/usr/lib/python3.11/http/server.py\", line 1256, in test
    with ServerClass(addr, HandlerClass) as httpd:
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File \"/usr/lib/python3.11/socketserver.py\", line 456, in __init__
    self.server_bind()
  File \"/usr/lib/python3.11/http/server.py\", line 1303, in server_bind
    return super().server_bind()
           ^^^^^^^^^^^^^^^^^^^^^
  File \"/usr/lib/python3.11/http/server.py\", line 136, in server_bind
    socketserver.TCPServer.server_bind(self)
  File \"/usr/lib/python3.11/socketserver.py\", line 472, in server_bind
    self.socket.bind(self.server_address)
";
/// `request_queue_size`.
const BACKLOG: u32 = 5;
const AT_ONCE: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete_with_its_body() {
        assert_eq!(complete(b"GET / HTTP/1.1\r\nHost: a\r\n"), None);
        assert_eq!(complete(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").as_deref(), Some("GET / HTTP/1.1"));
        assert_eq!(complete(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na="), None);
    }

    #[test]
    fn only_the_module_is_served() {
        let is = |line: &str| is_served(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(is("python3 -m http.server 80") && is("python3 -u -m http.server") && !is("python3 server.py"));
    }

    #[test]
    fn moments_are_those_of_rfc_9110() {
        assert_eq!(moment(Duration::from_secs(1_704_067_200)), "Mon, 01 Jan 2024 00:00:00 GMT");
    }
}
