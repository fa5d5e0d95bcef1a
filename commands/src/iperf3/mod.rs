//! `iperf3`: how much goes from here to there.
//!
//! Counterpart: `main.c`, `iperf_run_client()` and `iperf_run_server()` of iperf3 3.12, between simulated sockets, in virtual
//! time. Deliberately absent: what [`options`] refuses, retransmissions and windows (see [`report`]), and that a second client
//! waits for nothing: it is told at once that the server is busy.

mod help;
mod options;
mod report;
mod test;

use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::say;
use nettwin_model::probe::ProbeId;
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Answer, Errno, Fault, Instant, Query, RouteGet};
use options::{Options, Task};
use std::net::SocketAddrV4;
use std::time::Duration;
use test::{COOKIE_LEN, Control, Stream, Test, greet_back, greets, open, state};

/// Begins `iperf3`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(IperfJob { words: invocation.words.clone(), end: None })
}

struct IperfJob {
    words: Vec<String>,
    end: Option<End>,
}

/// One of the two ends.
enum End {
    Client(Client),
    Server(Server),
}

/// What follows a step.
enum Go {
    Wait(Waits),
    End(Next),
}

impl Job for IperfJob {
    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Next {
        if self.end.is_none() {
            let begun = options::parse(cx, &self.words).and_then(|options| match options.client {
                Some(_) => Client::begin(cx, options).map(End::Client),
                None => Server::begin(cx, options).map(End::Server),
            });
            match begun {
                Ok(end) => self.end = Some(end),
                Err(end) => return end,
            }
        }
        let go = match &mut self.end {
            Some(End::Client(client)) => client.go(cx),
            Some(End::Server(server)) => server.go(cx),
            None => return Next::Done(1),
        };
        match go {
            Ok(Go::Wait(waits)) => Next::Wait(waits),
            Ok(Go::End(end)) | Err(end) => end,
        }
    }

    fn signal(&mut self, cx: &mut Context<'_>, signal: Signal) -> Option<Next> {
        if !matches!(signal, Signal::INT | Signal::TERM | Signal(1)) {
            return None;
        }
        let who = match self.end.as_mut()? {
            End::Client(client) => {
                if let Stage::Running(test) = &mut client.stage {
                    test.end(cx);
                    test.summarise(cx, None);
                }
                client.control.say(cx, &[state::CLIENT_TERMINATE]);
                "client"
            }
            End::Server(server) => {
                if let Some(Guest { control, .. }) = &mut server.guest {
                    control.say(cx, &[state::SERVER_TERMINATE]);
                }
                "server"
            }
        };
        Some(fail(cx, &format!("interrupt - the {who} has terminated")))
    }
}

fn fail(cx: &mut Context<'_>, what: &str) -> Next {
    cx.complain(&format!("iperf3: {what}\n"));
    Next::Done(1)
}

/// The end of a tool whose socket failed.
fn failed(cx: &mut Context<'_>, what: &str, fault: &Fault) -> Next {
    match say::errno(cx, "iperf3", fault) {
        Ok(errno) => fail(cx, &format!("error - {what}: {errno}")),
        Err(end) => end,
    }
}

const CANNOT_CONNECT: &str = "unable to connect to server";
const CLOSED: &str = "error - control socket has closed unexpectedly";

/// How far a test has come.
enum Stage {
    /// The control connection is under way.
    Connecting,
    /// The two agree on what to do.
    Talking,
    /// A stream is under way; those before it stand.
    Opening(Test, ProbeId),
    /// Data goes.
    Running(Test),
    /// It is over; whether the other end's results are awaited, and what they are.
    Over(Test, bool, Option<String>),
    /// Nothing: while the stage changes.
    Nowhere,
}

struct Client {
    options: Options,
    to: SocketAddrV4,
    control: Control,
    cookie: Vec<u8>,
    stage: Stage,
    /// When the server is told of the end: not before what was sent at the last instant is there.
    told_at: Option<Instant>,
}

impl Client {
    fn begin(cx: &mut Context<'_>, mut options: Options) -> Result<Self, Next> {
        let Some((_, addr)) = options.client else { return Err(Next::Done(1)) };
        let to = SocketAddrV4::new(addr, options.port);
        if options.task.block == 0 {
            options.task.block = if options.task.udp { datagram(cx, to) } else { 1 << 17 };
        }
        let control = Task { udp: false, ..options.task.clone() };
        let sock = open(cx, &options, &control, to).map_err(|fault| failed(cx, CANNOT_CONNECT, &fault))?;
        // Tells this test from others of the run.
        let mut cookie = format!("{:016x}{:020}", cx.machine.now().as_nanos(), cx.me.pid).into_bytes();
        cookie.resize(COOKIE_LEN, 0);
        Ok(Client { options, to, control: Control::new(sock), cookie, stage: Stage::Connecting, told_at: None })
    }

    fn go(&mut self, cx: &mut Context<'_>) -> Result<Go, Next> {
        loop {
            let waits = match std::mem::replace(&mut self.stage, Stage::Nowhere) {
                Stage::Connecting => match cx.socket(&Call::Connected(self.control.sock)) {
                    Ok(_) => {
                        self.connected(cx);
                        self.stage = Stage::Talking;
                        continue;
                    }
                    Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => {
                        self.stage = Stage::Connecting;
                        return Ok(Go::Wait(Waits::default()));
                    }
                    Err(fault) => return Err(failed(cx, CANNOT_CONNECT, &fault)),
                },
                Stage::Opening(test, sock) => match self.opening(cx, test, sock)? {
                    true => continue,
                    false => return Ok(Go::Wait(Waits::default())),
                },
                Stage::Running(mut test) => {
                    let now = cx.machine.now();
                    let (is_over, mut waits) = if self.told_at.is_some() { (true, WAIT) } else { test.go(cx) };
                    if is_over {
                        test.end(cx);
                        let at = *self.told_at.get_or_insert(now + GRACE);
                        if now >= at {
                            self.control.say(cx, &[state::TEST_END]);
                            self.stage = Stage::Over(test, false, None);
                            continue;
                        }
                        waits.until = Some(at);
                    }
                    self.stage = Stage::Running(test);
                    waits
                }
                stage => {
                    self.stage = stage;
                    Waits::default()
                }
            };
            self.control.listen(cx);
            match self.hear(cx)? {
                Some(Go::End(end)) => return Ok(Go::End(end)),
                Some(Go::Wait(_)) => {}
                None if self.control.ended => return Err(fail(cx, CLOSED)),
                None => return Ok(Go::Wait(waits)),
            }
        }
    }

    fn connected(&mut self, cx: &mut Context<'_>) {
        let name = self.options.client.as_ref().map_or("", |(name, _)| name);
        cx.print(&format!("Connecting to host {name}, port {}\n", self.options.port));
        if self.options.task.reverse {
            cx.print(&format!("Reverse mode, remote host {name} is sending\n"));
        }
        self.control.say(cx, &self.cookie);
    }

    /// A stream that is under way. Says whether it stands.
    fn opening(&mut self, cx: &mut Context<'_>, mut test: Test, sock: ProbeId) -> Result<bool, Next> {
        let answer = if test.task.udp { Call::Recv(sock, 64) } else { Call::Connected(sock) };
        match cx.socket(&answer) {
            Ok(_) => {}
            Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => {
                self.stage = Stage::Opening(test, sock);
                return Ok(false);
            }
            Err(fault) => return Err(failed(cx, "unable to connect stream", &fault)),
        }
        if !test.task.udp {
            // An empty connection takes this much.
            let _ = cx.socket(&Call::Send(sock, self.cookie.clone()));
        }
        let id = 5 + 2 * test.streams.len();
        test.add(cx, self.control.sock, Stream::new(id, sock, None));
        self.stage = if test.streams.len() < test.task.streams {
            let next = self.stream(cx)?;
            Stage::Opening(test, next)
        } else {
            Stage::Running(test)
        };
        Ok(true)
    }

    fn stream(&mut self, cx: &mut Context<'_>) -> Result<ProbeId, Next> {
        open(cx, &self.options, &self.options.task, self.to).map_err(|f| failed(cx, "unable to connect stream", &f))
    }

    /// Takes one message. Something: there may be more.
    fn hear(&mut self, cx: &mut Context<'_>) -> Result<Option<Go>, Next> {
        if let Stage::Over(_, awaits @ true, theirs) = &mut self.stage {
            let Some(text) = self.control.text() else { return Ok(None) };
            (*awaits, *theirs) = (false, Some(text));
        }
        // The streams come first.
        if matches!(self.stage, Stage::Opening(..)) {
            return Ok(None);
        }
        let Some(told) = self.control.state() else { return Ok(None) };
        match (told, &mut self.stage) {
            (state::PARAM_EXCHANGE, _) => {
                let text = self.options.task.to_text();
                self.control.say_text(cx, &text);
            }
            (state::CREATE_STREAMS, _) => {
                let task = self.options.task.clone();
                let sends = !task.reverse;
                let sock = self.stream(cx)?;
                self.stage = Stage::Opening(Test::new(&self.options, task, sends), sock);
            }
            (state::TEST_RUNNING, Stage::Running(test)) => test.begin(cx),
            (state::EXCHANGE_RESULTS, Stage::Over(test, awaits, _)) => {
                let text = test.results();
                *awaits = true;
                self.control.say_text(cx, &text);
            }
            (state::DISPLAY_RESULTS, Stage::Over(test, _, theirs)) => {
                test.summarise(cx, theirs.as_deref());
                self.control.say(cx, &[state::IPERF_DONE]);
                cx.print("\niperf Done.\n");
                return Ok(Some(Go::End(Next::Done(0))));
            }
            (state::ACCESS_DENIED, _) => {
                return Err(fail(cx, "error - the server is busy running a test. try again later"));
            }
            (state::SERVER_TERMINATE, _) => return Err(fail(cx, "error - the server has terminated")),
            _ => {}
        }
        Ok(Some(Go::Wait(Waits::default())))
    }
}

const WAIT: Waits = Waits { until: None, input: false };
/// Longer than a network without delay takes.
const GRACE: Duration = Duration::from_micros(10);

/// How long datagrams to somebody are: what a segment of the control connection holds.
fn datagram(cx: &mut Context<'_>, to: SocketAddrV4) -> usize {
    let question = RouteGet::new(cx.netns.clone(), (*to.ip()).into());
    let dev = match cx.machine.query(&Query::RouteGet(question)) {
        Ok(Answer::Route(got)) => got.route.nexthops.first().and_then(|hop| hop.dev),
        _ => None,
    };
    let mtu = dev.and_then(|dev| Some(say::state(cx).ok()?.derived.links.get(&dev)?.mtu)).unwrap_or(1500);
    // Headers of IP and TCP, and time stamps.
    (mtu as usize).saturating_sub(52).clamp(UDP_LEAST, UDP_MOST)
}

const UDP_LEAST: usize = 16;
/// Half of the first window.
const UDP_MOST: usize = 32768;

struct Server {
    options: Options,
    listener: ProbeId,
    guest: Option<Guest>,
    tests: u32,
}

/// A client and what it came for.
struct Guest {
    control: Control,
    from: SocketAddrV4,
    greeted: bool,
    stage: Stage,
    /// Connections that have not yet said whose they are.
    coming: Vec<Control>,
}

impl Server {
    fn begin(cx: &mut Context<'_>, options: Options) -> Result<Self, Next> {
        let on = SocketAddrV4::new(options.bind, options.port);
        let call = Call::Listen { netns: cx.netns.clone(), on, backlog: 5 };
        let listener = match cx.socket(&call) {
            Ok(Reply::Opened(sock)) => sock,
            Ok(_) => return Err(Next::Done(1)),
            Err(fault) => {
                let end = failed(cx, "unable to start listener for connections", &fault);
                cx.complain("iperf3: exiting\n");
                return Err(end);
            }
        };
        let mut server = Server { options, listener, guest: None, tests: 0 };
        server.listens(cx);
        Ok(server)
    }

    fn listens(&mut self, cx: &mut Context<'_>) {
        self.tests += 1;
        let line = "-".repeat(59);
        cx.print(&format!("{line}\nServer listening on {} (test #{})\n{line}\n", self.options.port, self.tests));
    }

    fn go(&mut self, cx: &mut Context<'_>) -> Result<Go, Next> {
        loop {
            let waits = match &mut self.guest {
                None => Waits::default(),
                Some(guest) => match guest.go(cx, &self.options)? {
                    Some(waits) => waits,
                    None => {
                        self.guest.take().into_iter().for_each(|mut guest| guest.leave(cx));
                        if self.options.one_off {
                            return Ok(Go::End(Next::Done(0)));
                        }
                        self.listens(cx);
                        continue;
                    }
                },
            };
            // Whoever comes when a test ends is the next.
            if !self.accept(cx) {
                return Ok(Go::Wait(waits));
            }
        }
    }

    /// Takes the connections that wait: the first is a guest, those that follow its streams, or of somebody else.
    /// Says whether there was one.
    fn accept(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Ok(Reply::Accepted(sock, from)) = cx.socket(&Call::Accept(self.listener)) {
            any = true;
            let mut control = Control::new(sock);
            match &mut self.guest {
                None => {
                    let stage = Stage::Talking;
                    self.guest = Some(Guest { control, from, greeted: false, stage, coming: Vec::new() });
                }
                Some(guest) if matches!(&guest.stage, Stage::Opening(test, _) if !test.task.udp) => {
                    guest.coming.push(control);
                }
                Some(_) => {
                    control.say(cx, &[state::ACCESS_DENIED]);
                    // That it is gone already is no matter.
                    let _ = cx.socket(&Call::Close(sock));
                }
            }
        }
        any
    }
}

impl Guest {
    /// Goes on; until when to wait, or nothing at the end of the test.
    fn go(&mut self, cx: &mut Context<'_>, options: &Options) -> Result<Option<Waits>, Next> {
        loop {
            self.control.listen(cx);
            let mut waits = Waits::default();
            let moved = match std::mem::replace(&mut self.stage, Stage::Nowhere) {
                Stage::Talking => self.talk(cx, options)?,
                Stage::Opening(test, sock) => self.open(cx, test, sock),
                Stage::Running(mut test) => {
                    (_, waits) = test.go(cx);
                    match self.control.state() {
                        Some(state::TEST_END) => {
                            test.end(cx);
                            self.control.say(cx, &[state::EXCHANGE_RESULTS]);
                            self.stage = Stage::Over(test, true, None);
                            true
                        }
                        Some(state::CLIENT_TERMINATE) => {
                            test.end(cx);
                            test.summarise(cx, None);
                            cx.complain("iperf3: the client has terminated\n");
                            return Ok(None);
                        }
                        _ => {
                            self.stage = Stage::Running(test);
                            false
                        }
                    }
                }
                Stage::Over(test, true, _) => match self.control.text() {
                    Some(text) => {
                        self.control.say_text(cx, &test.results());
                        self.control.say(cx, &[state::DISPLAY_RESULTS]);
                        test.summarise(cx, None);
                        self.stage = Stage::Over(test, false, Some(text));
                        true
                    }
                    None => {
                        self.stage = Stage::Over(test, true, None);
                        false
                    }
                },
                Stage::Over(test, false, theirs) => {
                    let is_done = self.control.state() == Some(state::IPERF_DONE);
                    self.stage = Stage::Over(test, false, theirs);
                    if is_done {
                        return Ok(None);
                    }
                    false
                }
                stage => {
                    self.stage = stage;
                    false
                }
            };
            match moved {
                true => {}
                false if self.control.ended => {
                    if !matches!(self.stage, Stage::Over(_, false, _)) {
                        cx.complain(&format!("iperf3: {CLOSED}\n"));
                    }
                    return Ok(None);
                }
                false => return Ok(Some(waits)),
            }
        }
    }

    /// The cookie, then the task.
    fn talk(&mut self, cx: &mut Context<'_>, options: &Options) -> Result<bool, Next> {
        self.stage = Stage::Talking;
        if !self.greeted {
            if self.control.take(COOKIE_LEN).is_none() {
                return Ok(false);
            }
            self.greeted = true;
            cx.print(&format!("Accepted connection from {}, port {}\n", self.from.ip(), self.from.port()));
            self.control.say(cx, &[state::PARAM_EXCHANGE]);
        }
        let Some(text) = self.control.text() else { return Ok(false) };
        let task = Task::from_text(&text);
        let sends = task.reverse;
        let mut test = Test::new(options, task, sends);
        let mut sock = self.control.sock;
        if test.task.udp {
            let on = SocketAddrV4::new(options.bind, options.port);
            sock = match cx.socket(&Call::Bind { netns: cx.netns.clone(), on }) {
                Ok(Reply::Opened(sock)) => sock,
                Ok(_) => return Err(Next::Done(1)),
                Err(fault) => return Err(failed(cx, "unable to create a new stream", &fault)),
            };
            test.shared = Some(sock);
        }
        self.control.say(cx, &[state::CREATE_STREAMS]);
        self.stage = Stage::Opening(test, sock);
        Ok(true)
    }

    /// Takes the streams as they come.
    fn open(&mut self, cx: &mut Context<'_>, mut test: Test, sock: ProbeId) -> bool {
        let id = |test: &Test| 5 + 2 * test.streams.len() + usize::from(!test.streams.is_empty());
        if test.task.udp {
            while test.streams.len() < test.task.streams
                && let Ok(Reply::Datagram(from, bytes)) = cx.socket(&Call::RecvFrom(sock))
            {
                if greets(&bytes) {
                    let id = id(&test);
                    test.add(cx, self.control.sock, Stream::new(id, sock, Some(from)));
                    greet_back(cx, sock, from);
                }
            }
        } else {
            for mut control in std::mem::take(&mut self.coming) {
                control.listen(cx);
                match control.take(COOKIE_LEN) {
                    Some(_) => {
                        let id = id(&test);
                        test.add(cx, self.control.sock, Stream::new(id, control.sock, None));
                    }
                    None => self.coming.push(control),
                }
            }
        }
        if test.streams.len() < test.task.streams {
            self.stage = Stage::Opening(test, sock);
            return false;
        }
        self.control.say(cx, &[state::TEST_START, state::TEST_RUNNING]);
        test.begin(cx);
        self.stage = Stage::Running(test);
        true
    }

    /// Closes what the test had open.
    fn leave(&mut self, cx: &mut Context<'_>) {
        let mut socks = vec![self.control.sock];
        if let Stage::Opening(test, _) | Stage::Running(test) | Stage::Over(test, ..) = &self.stage {
            socks.extend(test.shared);
            socks.extend(test.streams.iter().map(|stream| stream.sock));
        }
        socks.sort_unstable();
        socks.dedup();
        for sock in socks {
            // That it is gone already is no matter.
            let _ = cx.socket(&Call::Close(sock));
        }
    }
}
