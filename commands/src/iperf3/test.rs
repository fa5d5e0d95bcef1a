//! One test between a client and a server: the control connection, the streams, and what went over them.
//!
//! Counterpart: `iperf_client_api.c`, `iperf_server_api.c`, `iperf_tcp.c`, `iperf_udp.c` of iperf3 3.12: the states and messages are
//! theirs. A sender without a rate goes at 10 Gbit/s, which is what a veth says of itself. Deliberately absent: processors'
//! shares, which virtual time has none of.

use super::options::{Options, Task, Until};
use super::report::{BETWEEN, Share, Side, Style, sum};
use crate::job::{Context, Waits};
use nettwin_model::probe::{ProbeId, Proto};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault, Instant};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

/// The states that go over the control connection, by their number.
pub(super) mod state {
    pub(crate) const TEST_START: u8 = 1;
    pub(crate) const TEST_RUNNING: u8 = 2;
    pub(crate) const TEST_END: u8 = 4;
    pub(crate) const PARAM_EXCHANGE: u8 = 9;
    pub(crate) const CREATE_STREAMS: u8 = 10;
    pub(crate) const EXCHANGE_RESULTS: u8 = 13;
    pub(crate) const DISPLAY_RESULTS: u8 = 14;
    pub(crate) const IPERF_DONE: u8 = 16;
    pub(crate) const ACCESS_DENIED: u8 = 255;
    pub(crate) const CLIENT_TERMINATE: u8 = 12;
    pub(crate) const SERVER_TERMINATE: u8 = 11;
}

/// Bytes of the word that tells one test from another.
pub(super) const COOKIE_LEN: usize = 37;
/// What a stream of datagrams begins with, and the answer.
const UDP_HELLO: [u8; 4] = 0x3637_3839u32.to_le_bytes();
const UDP_HELLO_BACK: [u8; 4] = 0x3938_3736u32.to_le_bytes();
/// Seconds, microseconds and number of a datagram.
const UDP_HEADER: usize = 12;
const WITHOUT_RATE: u64 = 10_000_000_000;

/// A connection of control messages.
pub(super) struct Control {
    pub(super) sock: ProbeId,
    heard: Vec<u8>,
    pub(super) ended: bool,
}

impl Control {
    pub(super) fn new(sock: ProbeId) -> Self {
        Control { sock, heard: Vec::new(), ended: false }
    }

    pub(super) fn listen(&mut self, cx: &mut Context<'_>) {
        loop {
            match cx.socket(&Call::Recv(self.sock, 1 << 16)) {
                Ok(Reply::Received(bytes)) if bytes.is_empty() => self.ended = true,
                Ok(Reply::Received(bytes)) => {
                    self.heard.extend_from_slice(&bytes);
                    continue;
                }
                Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => {}
                _ => self.ended = true,
            }
            return;
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.heard.len() >= count).then(|| self.heard.drain(..count).collect())
    }

    pub(super) fn state(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A text behind its length.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = u32::from_be_bytes(*self.heard.first_chunk()?);
        let all = self.take(4 + usize::try_from(length).ok()?)?;
        Some(String::from_utf8_lossy(&all[4..]).into_owned())
    }

    pub(super) fn say(&mut self, cx: &mut Context<'_>, bytes: &[u8]) {
        // These are few and short: they fit, or the other end has gone.
        self.ended |= cx.socket(&Call::Send(self.sock, bytes.to_vec())).is_err();
    }

    pub(super) fn say_text(&mut self, cx: &mut Context<'_>, text: &str) {
        let length = u32::try_from(text.len()).unwrap_or(0).to_be_bytes();
        self.say(cx, &[&length, text.as_bytes()].concat());
    }
}

/// One way of data.
pub(super) struct Stream {
    pub(super) id: usize,
    pub(super) sock: ProbeId,
    /// Whose datagrams are its own, where one socket serves several streams.
    pub(super) peer: Option<SocketAddrV4>,
    total: Share,
    /// Since the last line.
    fresh: Share,
    /// What is left of the block that was begun.
    left: usize,
    blocks: u64,
    transit: Option<f64>,
    /// The highest number of a datagram.
    last: u64,
}

impl Stream {
    pub(super) fn new(id: usize, sock: ProbeId, peer: Option<SocketAddrV4>) -> Self {
        let (total, fresh) = (Share::default(), Share::default());
        Stream { id, sock, peer, total, fresh, left: 0, blocks: 0, transit: None, last: 0 }
    }

    fn count(&mut self, bytes: usize) {
        for share in [&mut self.total, &mut self.fresh] {
            share.bytes += bytes as u64;
        }
    }

    /// Sends what is due; when the next is, if that is all that it waits for.
    fn send(&mut self, cx: &mut Context<'_>, task: &Task, begun: Instant, all: &mut u64) -> Option<Instant> {
        let rate = if task.rate == 0 { WITHOUT_RATE } else { task.rate };
        loop {
            let now = cx.machine.now();
            if self.left == 0 {
                let bits = u128::from(self.total.bytes) * 8 * 1_000_000_000;
                let due = begun + Duration::from_nanos(u64::try_from(bits / u128::from(rate)).unwrap_or(u64::MAX));
                if due > now {
                    return Some(due);
                }
                if task.is_enough(*all, self.blocks) {
                    return None;
                }
                self.left = task.block;
            }
            let bytes = match task.udp {
                false => vec![0; self.left],
                true => datagram(now, self.total.packets + 1, self.left),
            };
            let call = match self.peer {
                Some(peer) => Call::SendTo(self.sock, peer, bytes),
                None => Call::Send(self.sock, bytes),
            };
            match cx.socket(&call) {
                Ok(sent @ (Reply::Sent(_) | Reply::Done)) => {
                    let count = match sent {
                        Reply::Sent(count) if !task.udp => count,
                        _ => self.left,
                    };
                    self.left -= count.min(self.left);
                    self.count(count);
                    *all += count as u64;
                    if self.left == 0 {
                        self.blocks += 1;
                        self.total.packets += 1;
                        self.fresh.packets += 1;
                    }
                    if count == 0 {
                        return None;
                    }
                }
                _ => return None,
            }
        }
    }

    /// Takes what has come.
    fn receive(&mut self, cx: &mut Context<'_>, udp: bool) {
        loop {
            match cx.socket(&Call::Recv(self.sock, 1 << 20)) {
                Ok(Reply::Received(bytes)) if !bytes.is_empty() => match udp {
                    true => self.datagram(cx.machine.now(), &bytes),
                    false => self.count(bytes.len()),
                },
                _ => return,
            }
        }
    }

    /// Counts a datagram (`iperf_udp_recv`).
    pub(super) fn datagram(&mut self, now: Instant, bytes: &[u8]) {
        let Some(header) = bytes.first_chunk::<UDP_HEADER>() else { return };
        let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let number = u64::from(word(8));
        self.count(bytes.len());
        let missing = number.saturating_sub(self.last + 1);
        let is_late = number <= self.last;
        for share in [&mut self.total, &mut self.fresh] {
            // One that comes late was taken for lost.
            share.lost = if is_late { share.lost.saturating_sub(1) } else { share.lost + missing };
            share.packets += number.saturating_sub(self.last);
        }
        self.last = self.last.max(number);
        let sent = f64::from(word(0)) + f64::from(word(4)) / 1e6;
        let transit = now.since(Instant::ZERO).as_secs_f64() - sent;
        let before = self.transit.replace(transit).unwrap_or(transit);
        self.total.jitter_ms += ((transit - before).abs() * 1000.0 - self.total.jitter_ms) / 16.0;
        self.fresh.jitter_ms = self.total.jitter_ms;
    }
}

fn datagram(now: Instant, number: u64, length: usize) -> Vec<u8> {
    let at = now.since(Instant::ZERO);
    let mut bytes = vec![0; length.max(UDP_HEADER)];
    // The clock of a simulation does not reach 2106, nor a test 2^32 datagrams.
    bytes[..4].copy_from_slice(&(at.as_secs() as u32).to_be_bytes());
    bytes[4..8].copy_from_slice(&at.subsec_micros().to_be_bytes());
    bytes[8..12].copy_from_slice(&(number as u32).to_be_bytes());
    bytes
}

impl Task {
    fn is_enough(&self, bytes: u64, blocks: u64) -> bool {
        match self.until {
            Until::Seconds(_) => false,
            Until::Bytes(limit) => bytes >= limit,
            Until::Blocks(limit) => blocks >= limit,
        }
    }

    /// As it is sent to the server.
    pub(super) fn to_text(&self) -> String {
        let (time, bytes, blocks) = match self.until {
            Until::Seconds(time) => (time, 0, 0),
            Until::Bytes(bytes) => (0, bytes, 0),
            Until::Blocks(blocks) => (0, 0, blocks),
        };
        let proto = if self.udp { "udp" } else { "tcp" };
        let reverse = if self.reverse { "\"reverse\":true," } else { "" };
        format!(
            "{{\"{proto}\":true,\"omit\":0,\"time\":{time},\"num\":{bytes},\"blockcount\":{blocks},\"parallel\":{},{reverse}\
             \"len\":{},\"bandwidth\":{},\"pacing_timer\":1000,\"client_version\":\"3.12\"}}",
            self.streams, self.block, self.rate
        )
    }

    pub(super) fn from_text(text: &str) -> Self {
        let number = |name: &str| field(text, name).unwrap_or(0.0) as u64;
        let until = match (number("num"), number("blockcount")) {
            (0, 0) => Until::Seconds(number("time")),
            (0, blocks) => Until::Blocks(blocks),
            (bytes, _) => Until::Bytes(bytes),
        };
        Task {
            udp: text.contains("\"udp\":true"),
            reverse: text.contains("\"reverse\":true"),
            streams: number("parallel").clamp(1, 128) as usize,
            block: number("len").clamp(1, 1 << 20) as usize,
            until,
            rate: number("bandwidth"),
        }
    }
}

/// A number in a text of JSON.
fn field(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
    crate::number::strtod_rest(rest).map(|(number, _)| number)
}

/// The data of a test while it goes on and when it is over.
pub(super) struct Test {
    pub(super) task: Task,
    pub(super) streams: Vec<Stream>,
    /// Whether this end sends.
    pub(super) sends: bool,
    style: Style,
    interval: Option<Duration>,
    begun: Option<Instant>,
    line: Duration,
    ended: Option<Instant>,
    lines: u32,
    all: u64,
    /// The socket that all streams of a server's datagrams share, and the streams by peer.
    pub(super) shared: Option<ProbeId>,
    by_peer: BTreeMap<SocketAddrV4, usize>,
}

impl Test {
    pub(super) fn new(options: &Options, task: Task, sends: bool) -> Self {
        let style = Style { udp: task.udp, unit: options.unit };
        Test {
            task,
            streams: Vec::new(),
            sends,
            style,
            interval: options.interval,
            begun: None,
            line: Duration::ZERO,
            ended: None,
            lines: 0,
            all: 0,
            shared: None,
            by_peer: BTreeMap::new(),
        }
    }

    fn side(&self) -> Side {
        if self.sends { Side::Sender } else { Side::Receiver }
    }

    /// A stream stands.
    pub(super) fn add(&mut self, cx: &mut Context<'_>, control: ProbeId, stream: Stream) {
        let (names, through) = (cx.socket(&Call::Names(stream.sock)), cx.socket(&Call::Names(control)));
        if let (Ok(Reply::Names(mut local, remote)), Ok(Reply::Names(through, _))) = (names, through) {
            if local.ip().is_unspecified() {
                local.set_ip(*through.ip());
            }
            let remote = stream.peer.or(remote).unwrap_or(local);
            cx.print(&format!(
                "[{:3}] local {} port {} connected to {} port {}\n",
                stream.id,
                local.ip(),
                local.port(),
                remote.ip(),
                remote.port()
            ));
        }
        if let Some(peer) = stream.peer {
            self.by_peer.insert(peer, self.streams.len());
        }
        self.streams.push(stream);
    }

    /// Begins.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>) {
        self.begun = Some(cx.machine.now());
        cx.print(self.style.header(self.side()));
    }

    /// Goes on, and says whether it is over by itself, and until when to wait.
    pub(super) fn go(&mut self, cx: &mut Context<'_>) -> (bool, Waits) {
        let Some(begun) = self.begun else { return (false, Waits::default()) };
        let now = cx.machine.now();
        let end = match self.task.until {
            Until::Seconds(seconds) => Some(begun + Duration::from_secs(seconds)),
            _ => None,
        };
        let mut next: Option<Instant> = None;
        if self.sends && end.is_none_or(|end| now < end) {
            for stream in &mut self.streams {
                let due = stream.send(cx, &self.task, begun, &mut self.all);
                next = next.into_iter().chain(due).min();
            }
        } else if !self.sends {
            self.receive(cx);
        }
        let blocks = self.streams.iter().map(|stream| stream.blocks).max().unwrap_or(0);
        let received: u64 = self.streams.iter().map(|stream| stream.total.bytes).sum();
        let is_over = end.is_some_and(|end| now >= end)
            || self.task.is_enough(if self.sends { self.all } else { received }, blocks);
        if !is_over && let Some(interval) = self.interval {
            let at = begun + self.line + interval;
            if now >= at {
                self.tell(cx, now.since(begun));
            }
            next = next.into_iter().chain([begun + self.line + interval]).min();
        }
        (is_over, Waits { until: next.into_iter().chain(end.filter(|_| !is_over)).min(), input: false })
    }

    pub(super) fn receive(&mut self, cx: &mut Context<'_>) {
        match self.shared {
            Some(sock) => {
                while let Ok(Reply::Datagram(from, bytes)) = cx.socket(&Call::RecvFrom(sock)) {
                    let now = cx.machine.now();
                    let stream = self.by_peer.get(&from).and_then(|at| self.streams.get_mut(*at));
                    stream.into_iter().for_each(|stream| stream.datagram(now, &bytes));
                }
            }
            None => {
                let udp = self.task.udp;
                self.streams.iter_mut().for_each(|stream| stream.receive(cx, udp));
            }
        }
    }

    /// The lines of an interval that ends now.
    fn tell(&mut self, cx: &mut Context<'_>, now: Duration) {
        let mut shares = Vec::new();
        let side = self.side();
        let is_first = self.lines == 0;
        if !is_first && self.streams.len() > 1 {
            cx.print(BETWEEN);
        }
        self.lines += 1;
        for stream in &mut self.streams {
            let share = Share { from: self.line, to: now, ..std::mem::take(&mut stream.fresh) };
            let share = Share { jitter_ms: stream.total.jitter_ms, ..share };
            cx.print(&self.style.interval(Some(stream.id), &share, side));
            shares.push(share);
        }
        if shares.len() > 1 {
            cx.print(&self.style.interval(None, &sum(&shares), side));
        }
        self.line = now;
    }

    /// Ends: the last line, if it says anything.
    pub(super) fn end(&mut self, cx: &mut Context<'_>) {
        let (Some(begun), None) = (self.begun, self.ended) else { return };
        let now = cx.machine.now();
        self.ended = Some(now);
        if !self.sends {
            self.receive(cx);
        }
        let length = now.since(begun).saturating_sub(self.line);
        let is_long = self.interval.is_none_or(|interval| length >= interval / 10);
        if is_long && length > Duration::ZERO || self.streams.iter().any(|stream| stream.fresh.bytes > 0) {
            self.tell(cx, now.since(begun));
        }
    }

    fn shares(&self) -> Vec<Share> {
        let (begun, ended) = (self.begun.unwrap_or(Instant::ZERO), self.ended.unwrap_or(Instant::ZERO));
        self.streams.iter().map(|stream| Share { to: ended.since(begun), ..stream.total }).collect()
    }

    /// What the other end is told.
    pub(super) fn results(&self) -> String {
        let streams: Vec<String> = (1..)
            .zip(self.shares())
            .map(|(id, share)| {
                format!(
                    "{{\"id\":{id},\"bytes\":{},\"retransmits\":-1,\"jitter\":{},\"errors\":{},\"packets\":{},\
                     \"start_time\":0,\"end_time\":{}}}",
                    share.bytes,
                    share.jitter_ms / 1000.0,
                    share.lost,
                    share.packets,
                    share.to.as_secs_f64()
                )
            })
            .collect();
        format!(
            "{{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,\"sender_has_retransmits\":-1,\"streams\":[{}]}}",
            streams.join(",")
        )
    }

    /// The summary: what this end counted, and the other.
    pub(super) fn summarise(&self, cx: &mut Context<'_>, other: Option<&str>) {
        cx.print(BETWEEN);
        cx.print(self.style.summary_header());
        let ours = self.shares();
        let theirs: Option<Vec<Share>> = other.map(|text| text.split("{\"id\":").skip(1).map(share).collect());
        let (mut sent, mut received) = (Vec::new(), Vec::new());
        for (at, stream) in self.streams.iter().enumerate() {
            let own = ours.get(at).copied().unwrap_or_default();
            let other = theirs.as_ref().map(|theirs| theirs.get(at).copied().unwrap_or_default());
            let (sender, receiver) = if self.sends { (Some(own), other) } else { (other, Some(own)) };
            if let Some(share) = sender {
                // A sender does not know what was lost.
                let share = Share { lost: 0, jitter_ms: 0.0, ..share };
                cx.print(&self.style.summary(Some(stream.id), &share, Side::Sender));
                sent.push(share);
            }
            if let Some(share) = receiver {
                cx.print(&self.style.summary(Some(stream.id), &share, Side::Receiver));
                received.push(share);
            }
        }
        for (shares, side) in [(sent, Side::Sender), (received, Side::Receiver)] {
            if shares.len() > 1 {
                cx.print(&self.style.summary(None, &sum(&shares), side));
            }
        }
    }
}

fn share(text: &str) -> Share {
    let number = |name: &str| field(text, name).unwrap_or(0.0).max(0.0);
    Share {
        from: Duration::ZERO,
        to: Duration::try_from_secs_f64(number("end_time")).unwrap_or_default(),
        bytes: number("bytes") as u64,
        packets: number("packets") as u64,
        lost: number("errors") as u64,
        jitter_ms: number("jitter") * 1000.0,
    }
}

/// The greeting of a stream of datagrams, and its answer.
pub(super) fn greets(bytes: &[u8]) -> bool {
    bytes == UDP_HELLO
}

/// Opens a stream of a client.
pub(super) fn open(cx: &mut Context<'_>, options: &Options, task: &Task, to: SocketAddrV4) -> Result<ProbeId, Fault> {
    let proto = if task.udp { Proto::Udp } else { Proto::Tcp };
    let from = SocketAddrV4::new(options.bind, 0);
    let call = Call::Connect { netns: cx.netns.clone(), proto, from, to };
    match cx.socket(&call)? {
        Reply::Opened(sock) => {
            if task.udp {
                cx.socket(&Call::Send(sock, UDP_HELLO.to_vec()))?;
            }
            Ok(sock)
        }
        _ => Err(Fault::Broken("the machine answered another question".into())),
    }
}

/// Answers a greeting.
pub(super) fn greet_back(cx: &mut Context<'_>, sock: ProbeId, to: SocketAddrV4) {
    // Who has gone hears nothing.
    let _ = cx.socket(&Call::SendTo(sock, to, UDP_HELLO_BACK.to_vec()));
}
