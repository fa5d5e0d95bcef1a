//! `curl`: gets what an URL of `http` names.
//!
//! Counterpart: curl 7.88.1, as far as scripts about networks use it: one transfer after the other, each with a connection of
//! its own. Deliberately absent: other protocols, connections that are used again, and what [`options`] refuses.

mod meter;
mod options;
mod reply;
mod url;

use crate::job::{Context, Invocation, Job, Next, Waits, Wake};
use crate::names::{Names, aton};
use crate::say;
use meter::Gone;
use nettwin_model::probe::{ProbeId, Proto};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault, IfName, Instant};
use options::Options;
use reply::{Ends, Response};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use url::Url;

/// Begins `curl`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(Curl {
        words: invocation.words.clone(),
        is_tty: invocation.is_tty,
        options: Options::default(),
        left: VecDeque::new(),
        transfer: None,
        status: 0,
        titled: false,
    })
}

struct Curl {
    words: Vec<String>,
    is_tty: bool,
    options: Options,
    /// The URLs that are left, with where each goes.
    left: VecDeque<(String, Option<Option<String>>)>,
    transfer: Option<Transfer>,
    status: u8,
    titled: bool,
}

/// One transfer.
struct Transfer {
    url: Url,
    /// As it was typed.
    typed: String,
    output: Option<String>,
    addr: Ipv4Addr,
    begun: Instant,
    /// When the meter is drawn next.
    tick: Instant,
    number: u32,
    sock: Option<ProbeId>,
    local: Option<SocketAddrV4>,
    is_connected: bool,
    unsent: Vec<u8>,
    sent: u64,
    /// How much of what is sent is a body.
    upload: u64,
    response: Response,
    body: Vec<u8>,
    received: u64,
    redirects: u32,
    /// The server has spoken HTTP/1.0.
    is_old: bool,
}

/// How a transfer ended: a status and what is said of it.
struct Failed(u8, String);

impl Job for Curl {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        if why == Wake::Start {
            match Options::parse(cx, &self.words) {
                Ok(options) => self.options = options,
                Err(end) => return end,
            }
            let outputs = self.options.outputs.iter().cloned().map(Some).chain(std::iter::repeat(None));
            self.left = self.options.urls.iter().cloned().zip(outputs).collect();
            if self.options.method.as_deref().is_some_and(|method| method == self.usual_method())
                && self.options.verbose
                && !self.options.silent
            {
                let method = self.usual_method();
                cx.complain(&format!("Note: Unnecessary use of -X or --request, {method} is already inferred.\n"));
            }
        }
        loop {
            let Some(transfer) = &mut self.transfer else {
                match self.left.pop_front() {
                    Some((url, output)) => {
                        if let Err(end) = self.begin(cx, &url, output) {
                            return end;
                        }
                        continue;
                    }
                    None => return Next::Done(self.status),
                }
            };
            match transfer.go(cx, &self.options) {
                Ok(Some(until)) => {
                    let now = cx.machine.now();
                    let tick = self.has_meter().then(|| self.tick(cx, now)).flatten();
                    let until = [until, tick].into_iter().flatten().min();
                    return Next::Wait(Waits { until, input: false });
                }
                Ok(None) => {
                    if let Some(url) = self.redirect() {
                        let _ = self.redirected(cx, url);
                        continue;
                    }
                    self.end(cx, None);
                }
                Err(Ok(failed)) => self.end(cx, Some(failed)),
                Err(Err(end)) => return end,
            }
        }
    }
}

impl Curl {
    fn usual_method(&self) -> &'static str {
        match (&self.options.data, self.options.head) {
            (Some(_), _) => "POST",
            (None, true) => "HEAD",
            _ => "GET",
        }
    }

    /// A meter is drawn where the body does not go to a terminal.
    fn has_meter(&self) -> bool {
        let to_file = self.transfer.as_ref().is_some_and(|t| t.output.is_some());
        self.options.has_meter() && (to_file || !self.is_tty)
    }

    fn begin(&mut self, cx: &mut Context<'_>, typed: &str, output: Option<Option<String>>) -> Result<(), Next> {
        let url = match Url::parse(typed) {
            Ok(url) => url,
            Err(Failed(255, word)) => return Err(say::unsupported(cx, "curl", &word)),
            Err(failed) => {
                self.fail(cx, &failed);
                return Ok(());
            }
        };
        let output = match output {
            Some(None) => match url.path.split('?').next().and_then(|path| path.rsplit('/').next()) {
                Some("") | None => {
                    self.fail(cx, &Failed(23, "Remote file name has no length!".into()));
                    return Ok(());
                }
                Some(name) => Some(name.to_owned()),
            },
            Some(Some(file)) => Some(file).filter(|file| file != "-"),
            None => None,
        };
        let now = cx.machine.now();
        self.transfer = Some(Transfer::new(url, typed.to_owned(), output, now));
        if self.has_meter() {
            if !self.titled {
                cx.complain(meter::TITLES);
                self.titled = true;
            }
            cx.complain(&meter::line(Gone::default()));
        }
        self.open(cx)
    }

    /// Finds the host and connects.
    fn open(&mut self, cx: &mut Context<'_>) -> Result<(), Next> {
        let from = match self.from(cx) {
            Ok(from) => from,
            Err(failed) => {
                self.end(cx, Some(failed));
                return Ok(());
            }
        };
        let request = self.request();
        let (verbose, options) = (self.options.verbose, self.options.clone());
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        let host = transfer.url.host.clone();
        let found = aton(&host).or_else(|| Names::hosts(cx).of_name(&host).map(|(addr, _)| addr));
        let Some(addr) = found else {
            if verbose {
                cx.complain(&format!("* Could not resolve host: {host}\n* Closing connection {}\n", transfer.number));
            }
            let failed = Failed(6, format!("Could not resolve host: {host}"));
            // The meter's line is not ended then.
            self.transfer = None;
            self.status = failed.0;
            if options.tells_errors() {
                cx.complain(&format!("curl: ({}) {}\n", failed.0, failed.1));
            }
            return Ok(());
        };
        transfer.addr = addr;
        transfer.unsent = request;
        transfer.upload = options.data.as_ref().map_or(0, |data| data.len() as u64);
        let to = SocketAddrV4::new(addr, transfer.url.port);
        if verbose {
            cx.complain(&format!("*   Trying {to}...\n"));
        }
        let call = Call::Connect { netns: cx.netns.clone(), proto: Proto::Tcp, from, to };
        match cx.socket(&call) {
            Ok(Reply::Opened(sock)) => transfer.sock = Some(sock),
            Ok(_) => {}
            Err(fault) => {
                let errno = say::errno(cx, "curl", &fault)?;
                let failed = transfer.not_connected(cx, verbose, errno);
                self.end(cx, Some(failed));
            }
        }
        Ok(())
    }

    /// The address of `--interface`.
    fn from(&self, cx: &mut Context<'_>) -> Result<SocketAddrV4, Failed> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let Some(name) = &self.options.interface else { return Ok(any) };
        if let Some(addr) = aton(name) {
            return Ok(SocketAddrV4::new(addr, 0));
        }
        let state = say::state(cx).ok();
        let of = |state: nettwin_model::NetnsState| {
            let dev = IfName::new(name).ok()?;
            let automatic = state.derived.links.get(&dev).and_then(|link| link.auto_addrs.first().cloned());
            let own = state.config.links.get(&dev).and_then(|link| link.addrs.first().cloned());
            match automatic.or(own)?.cidr.addr {
                IpAddr::V4(addr) => Some(SocketAddrV4::new(addr, 0)),
                IpAddr::V6(_) => None,
            }
        };
        state.and_then(of).ok_or_else(|| Failed(45, format!("Couldn't bind to '{name}'")))
    }

    fn request(&self) -> Vec<u8> {
        let (o, Some(t)) = (&self.options, &self.transfer) else { return Vec::new() };
        let method = o.method.as_deref().unwrap_or(self.usual_method());
        let host = if t.url.port == 80 { t.url.host.clone() } else { format!("{}:{}", t.url.host, t.url.port) };
        let own = |key: &str| {
            o.headers.iter().any(|h| h.split([':', ';']).next().is_some_and(|k| k.eq_ignore_ascii_case(key)))
        };
        // Who has answered in HTTP/1.0 is spoken to so.
        let version = if o.old || t.is_old { "1.0" } else { "1.1" };
        let mut out = format!("{method} {} HTTP/{version}\r\n", t.url.path);
        let agent = o.agent.as_deref().unwrap_or("curl/7.88.1");
        let mut head = |key: &str, value: &str| {
            if !own(key) && !value.is_empty() {
                out += &format!("{key}: {value}\r\n");
            }
        };
        head("Host", &host);
        head("User-Agent", agent);
        head("Accept", "*/*");
        head("Referer", o.referer.as_deref().unwrap_or_default());
        for header in &o.headers {
            if let Some((key, value)) = header.split_once(':')
                && !value.trim().is_empty()
            {
                out += &format!("{key}:{value}\r\n");
            }
        }
        if let Some(data) = &o.data {
            out += &format!("Content-Length: {}\r\n", data.len());
            if !own("Content-Type") {
                out += "Content-Type: application/x-www-form-urlencoded\r\n";
            }
        }
        out += "\r\n";
        out += o.data.as_deref().unwrap_or_default();
        out.into_bytes()
    }

    /// Where a redirection leads, if it is followed.
    fn redirect(&self) -> Option<Url> {
        let transfer = self.transfer.as_ref().filter(|t| self.options.location && t.redirects < 50)?;
        let to = transfer.response.header("location").filter(|_| (300..400).contains(&transfer.response.status))?;
        match to.strip_prefix('/') {
            Some(_) => Some(Url { path: to.to_owned(), ..transfer.url.clone() }),
            None if to.contains("://") => Url::parse(to).ok(),
            None => {
                let base = transfer.url.path.rsplit_once('/').map_or("", |(base, _)| base);
                Some(Url { path: format!("{base}/{to}"), ..transfer.url.clone() })
            }
        }
    }

    fn redirected(&mut self, cx: &mut Context<'_>, url: Url) -> Result<(), Next> {
        let verbose = self.options.verbose;
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        transfer.close(cx);
        if verbose {
            cx.complain(&format!("* Closing connection {}\n", transfer.number));
            cx.complain(&format!("* Issue another request to this URL: '{}'\n", url.text()));
            if url.host == transfer.url.host {
                cx.complain(&format!("* Hostname {} was found in DNS cache\n", url.host));
            }
        }
        transfer.again(url);
        self.open(cx)
    }

    /// Ends the transfer.
    fn end(&mut self, cx: &mut Context<'_>, failed: Option<Failed>) {
        let has_meter = self.has_meter();
        let Some(mut transfer) = self.transfer.take() else { return };
        if has_meter {
            let gone = transfer.gone(cx.machine.now());
            cx.complain(&meter::line(gone));
            cx.complain("\n");
        }
        if self.options.verbose {
            cx.complain(&transfer.farewell(failed.is_some()));
        }
        let status = failed.as_ref().map_or(0, |failed| failed.0);
        self.finish(cx, &transfer, status);
        transfer.close(cx);
        match failed {
            Some(failed) => self.fail(cx, &failed),
            None => self.status = 0,
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, failed: &Failed) {
        self.status = failed.0;
        if self.options.tells_errors() {
            cx.complain(&format!("curl: ({}) {}\n", failed.0, failed.1));
        }
    }

    /// Writes the file and what `-w` asks for.
    fn finish(&mut self, cx: &mut Context<'_>, transfer: &Transfer, status: u8) {
        if let Some(file) = &transfer.output
            && (status == 0 || !transfer.body.is_empty())
            && file != "/dev/null"
            && cx.files.write(file, &transfer.body, false).is_err()
        {
            cx.complain(&format!("Warning: Failed to open the file {file}: {}\n", Errno::EACCES));
        }
        if let Some(text) = &self.options.write_out {
            let method = self.options.method.as_deref().unwrap_or(self.usual_method()).to_owned();
            let (out, unknown) = meter::write_out(text, |name| transfer.variable(cx, name, &method, status));
            for name in unknown {
                cx.complain(&format!("curl: unknown --write-out variable: '{name}'\n"));
            }
            cx.print(&out);
        }
    }

    /// Draws the meter where it is time to; says when it is time again.
    fn tick(&mut self, cx: &mut Context<'_>, now: Instant) -> Option<Instant> {
        let transfer = self.transfer.as_mut()?;
        if transfer.tick <= now {
            let gone = transfer.gone(cx.machine.now());
            cx.complain(&meter::line(gone));
            transfer.tick = now + SECOND;
        }
        Some(transfer.tick)
    }
}

impl Transfer {
    fn new(url: Url, typed: String, output: Option<String>, now: Instant) -> Self {
        Transfer {
            url,
            typed,
            output,
            addr: Ipv4Addr::UNSPECIFIED,
            begun: now,
            tick: now + SECOND,
            number: 0,
            sock: None,
            local: None,
            is_connected: false,
            unsent: Vec::new(),
            sent: 0,
            upload: 0,
            response: Response::default(),
            body: Vec::new(),
            received: 0,
            redirects: 0,
            is_old: false,
        }
    }

    /// Begins anew, with another URL.
    fn again(&mut self, url: Url) {
        let is_old = self.response.version == "HTTP/1.0";
        let fresh = Transfer::new(url, self.typed.clone(), self.output.take(), self.begun);
        *self = Transfer { number: self.number + 1, redirects: self.redirects + 1, tick: self.tick, is_old, ..fresh };
    }

    /// Goes on as far as it can: until when it waits, or `None` at its end.
    fn go(&mut self, cx: &mut Context<'_>, options: &Options) -> Result<Option<Option<Instant>>, Result<Failed, Next>> {
        let Some(sock) = self.sock else { return Ok(None) };
        let now = cx.machine.now();
        let deadline = options.max_time.map(|time| self.begun + time);
        if !self.is_connected {
            let connect = options.connect_timeout.map(|time| self.begun + time);
            match cx.socket(&Call::Connected(sock)) {
                Ok(_) => self.connected(cx, sock, options.verbose),
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => {
                    let ms = now.since(self.begun).as_millis();
                    if deadline.is_some_and(|at| at <= now) {
                        return Err(Ok(Failed(28, format!("Connection timed out after {ms} milliseconds"))));
                    }
                    if connect.is_some_and(|at| at <= now) {
                        return Err(Ok(self.connect_timeout(cx, options.verbose, ms)));
                    }
                    return Ok(Some([deadline, connect].into_iter().flatten().min()));
                }
                Err(fault) => {
                    let errno = say::errno(cx, "curl", &fault).map_err(Err)?;
                    return Err(Ok(self.not_connected(cx, options.verbose, errno)));
                }
            }
        }
        if let Err(failed) = self.send(cx, sock) {
            return Err(Ok(failed));
        }
        match self.receive(cx, sock, options) {
            Ok(true) => Ok(None),
            Ok(false) if deadline.is_some_and(|at| at <= now) => {
                let ms = now.since(self.begun).as_millis();
                let got = match self.response.length() {
                    Some(length) if self.received > 0 => format!("{} out of {length}", self.received),
                    _ => self.received.to_string(),
                };
                Err(Ok(Failed(28, format!("Operation timed out after {ms} milliseconds with {got} bytes received"))))
            }
            Ok(false) => Ok(Some(deadline)),
            Err(failed) => Err(Ok(failed)),
        }
    }

    fn connected(&mut self, cx: &mut Context<'_>, sock: ProbeId, verbose: bool) {
        self.is_connected = true;
        if let Ok(Reply::Names(local, _)) = cx.socket(&Call::Names(sock)) {
            self.local = Some(local);
        }
        if verbose {
            let (host, addr, port, number) = (&self.url.host, self.addr, self.url.port, self.number);
            cx.complain(&format!("* Connected to {host} ({addr}) port {port} (#{number})\n"));
            let text = String::from_utf8_lossy(&self.unsent).into_owned();
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            for line in head.split("\r\n").chain([""]) {
                cx.complain(&format!("> {line}\r\n"));
            }
            if !body.is_empty() {
                cx.complain(&format!("}} [{} bytes data]\n", body.len()));
            }
        }
    }

    fn connect_timeout(&self, cx: &mut Context<'_>, verbose: bool, ms: u128) -> Failed {
        let text =
            format!("Failed to connect to {} port {} after {ms} ms: Timeout was reached", self.url.host, self.url.port);
        if verbose {
            cx.complain(&format!("* ipv4 connect timeout after {ms}ms, move on!\n* {text}\n"));
        }
        Failed(28, text)
    }

    fn not_connected(&self, cx: &mut Context<'_>, verbose: bool, errno: Errno) -> Failed {
        let ms = cx.machine.now().since(self.begun).as_millis();
        let (host, port) = (&self.url.host, self.url.port);
        let text = format!("Failed to connect to {host} port {port} after {ms} ms: Couldn't connect to server");
        if verbose {
            match self.sock {
                Some(_) => cx.complain(&format!(
                    "* connect to {} port {port} failed: {errno}
",
                    self.addr
                )),
                None => cx.complain(&format!(
                    "* Immediate connect fail for {}: {errno}
",
                    self.addr
                )),
            }
            cx.complain(&format!(
                "* {text}
"
            ));
        }
        Failed(7, text)
    }

    fn send(&mut self, cx: &mut Context<'_>, sock: ProbeId) -> Result<(), Failed> {
        while !self.unsent.is_empty() {
            match cx.socket(&Call::Send(sock, self.unsent.clone())) {
                Ok(Reply::Sent(n)) => {
                    self.unsent.drain(..n.min(self.unsent.len()));
                    if self.unsent.is_empty() {
                        self.sent = self.upload;
                    }
                }
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return Ok(()),
                Err(Fault::Refused { errno, .. }) => return Err(Failed(55, format!("Send failure: {errno}"))),
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Takes what has come; says whether that was all.
    fn receive(&mut self, cx: &mut Context<'_>, sock: ProbeId, options: &Options) -> Result<bool, Failed> {
        loop {
            let bytes = match cx.socket(&Call::Recv(sock, AT_ONCE)) {
                Ok(Reply::Received(bytes)) => bytes,
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => return Ok(false),
                Err(Fault::Refused { errno, .. }) => return Err(Failed(56, format!("Recv failure: {errno}"))),
                _ => return Ok(true),
            };
            let is_end = bytes.is_empty();
            let had_head = self.response.is_headed();
            let taken = self.response.take(&bytes);
            if taken.is_err() {
                return Err(Failed(1, "Received HTTP/0.9 when not allowed".into()));
            }
            if !had_head && self.response.is_headed() {
                self.headed(cx, options)?;
            }
            let body = self.response.body(options.head);
            if !body.is_empty() {
                if options.verbose && (self.output.is_some() || !self.response.told) {
                    self.response.told = true;
                    cx.complain(&format!("{{ [{} bytes data]\n", self.response.last_bytes(body.len())));
                }
                self.received += body.len() as u64;
                let follows = options.location && (300..400).contains(&self.response.status);
                if !follows {
                    match self.output {
                        Some(_) => self.body.extend(&body),
                        None => cx.out.extend(&body),
                    }
                }
            }
            match self.response.ends(options.head) {
                Ends::Now => return Ok(true),
                _ if !is_end => {}
                Ends::Open if !self.response.is_headed() => {
                    return Err(match self.response.is_empty() {
                        true => Failed(52, "Empty reply from server".into()),
                        false => Failed(1, "Received HTTP/0.9 when not allowed".into()),
                    });
                }
                Ends::Open => return Ok(true),
                Ends::Missing(left) => {
                    return Err(Failed(18, format!("transfer closed with {left} bytes remaining to read")));
                }
                Ends::Chunks => return Err(Failed(18, "transfer closed with outstanding read data remaining".into())),
            }
        }
    }

    /// The headers have come.
    fn headed(&mut self, cx: &mut Context<'_>, options: &Options) -> Result<(), Failed> {
        let r = &self.response;
        if options.verbose {
            if r.version == "HTTP/1.0" && !r.keeps_alive() {
                cx.complain("* HTTP 1.0, assume close after body\n");
            }
            let no_end = r.length().is_none() && !r.is_chunked() && r.version == "HTTP/1.1" && !r.closes();
            for (i, line) in r.headers.iter().enumerate() {
                cx.complain(&format!("< {line}\r\n"));
                if i + 1 == r.headers.len() && no_end && !options.head && r.status != 204 && r.status != 304 {
                    cx.complain("* no chunk, no close, no size. Assume close to signal end\n");
                }
            }
            cx.complain("< \r\n");
        }
        if options.fail && r.status >= 400 {
            return Err(Failed(22, format!("The requested URL returned error: {}", r.status)));
        }
        if options.include || options.head {
            let text: String = r.headers.iter().map(|line| format!("{line}\r\n")).chain(["\r\n".into()]).collect();
            match self.output {
                Some(_) => self.body.extend(text.bytes()),
                None => cx.print(&text),
            }
        }
        Ok(())
    }

    fn gone(&self, now: Instant) -> Gone {
        let size = self.response.length().filter(|_| self.response.is_headed());
        Gone { size, down: self.received, up: self.sent, spent: now.since(self.begun) }
    }

    fn farewell(&self, failed: bool) -> String {
        let stays = !failed && self.response.stays();
        match stays {
            true => format!("* Connection #{} to host {} left intact\n", self.number, self.url.host),
            false => format!("* Closing connection {}\n", self.number),
        }
    }

    fn close(&mut self, cx: &mut Context<'_>) {
        if let Some(sock) = self.sock.take() {
            // That it is gone already is no matter.
            let _ = cx.socket(&Call::Close(sock));
        }
    }

    /// A variable of `-w`.
    fn variable(&self, cx: &Context<'_>, name: &str, method: &str, status: u8) -> Option<String> {
        let local = self.local.unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        let is_open = self.is_connected;
        let spent = || format!("{:.6}", cx.machine.now().since(self.begun).as_secs_f64());
        Some(match name {
            "http_code" | "response_code" => format!("{:03}", self.response.status),
            "size_download" => self.received.to_string(),
            "size_upload" => self.sent.to_string(),
            "url_effective" => self.url.effective(&self.typed, self.redirects),
            "url" => self.typed.clone(),
            "remote_ip" => {
                if is_open {
                    self.addr.to_string()
                } else {
                    String::new()
                }
            }
            "remote_port" => if is_open { self.url.port } else { 0 }.to_string(),
            "local_ip" => {
                if is_open {
                    local.ip().to_string()
                } else {
                    String::new()
                }
            }
            "local_port" => local.port().to_string(),
            "content_type" => self.response.header("content-type").unwrap_or_default().to_owned(),
            "num_connects" => u32::from(is_open).to_string(),
            "num_redirects" => self.redirects.to_string(),
            "exitcode" => status.to_string(),
            "scheme" => "HTTP".into(),
            "http_version" => {
                self.response.version.strip_prefix("HTTP/").unwrap_or("0").trim_end_matches(".0").to_owned()
            }
            "method" => method.to_owned(),
            "time_total" | "time_connect" | "time_starttransfer" | "time_pretransfer" | "time_namelookup" => spent(),
            "time_redirect" | "time_appconnect" => "0.000000".into(),
            "speed_download" => {
                let us = cx.machine.now().since(self.begun).as_micros().max(1) as u64;
                (self.received * 1_000_000 / us).to_string()
            }
            _ => return None,
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 16384;
