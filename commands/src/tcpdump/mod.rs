//! `tcpdump`.
//!
//! Counterpart: `main()` of tcpdump 4.99.3 and libpcap 1.10.3's live captures. Packets come in blocks, as they do from a
//! TPACKET_V3 ring: a block is handed over when it is full, or when its time is up (1 s, with `-l` or on a terminal 100 ms),
//! counted from the beginning; what lies in a block that is not handed over when a signal comes is counted and not printed.
//! Output is held in a buffer of 4 KiB unless it is a terminal or `-l` is given. Deliberately absent: rotating files, other
//! link types, `-d`, `-D`, `-L`, devices that come after `-i any` began.

mod arith;
mod filter;
mod inet;
mod options;
mod packet;
mod print;
mod savefile;

use crate::clock::wall;
use crate::job::{Context, Invocation, Job, Next, Signal, Waits, Wake};
use crate::names::{Names, Services};
use crate::say;
use crate::stdio::Stdout;
use filter::{Filter, Lookup, Wrong};
use nettwin_model::probe::{Capture, Direction, Probe, ProbeEvent, ProbeId};
use nettwin_model::{Fault, IfName, Instant, NetnsState};
use options::{Options, fail};
use packet::{LinkType, Nic, Packet};
use print::Printer;
use savefile::Savefile;
use std::collections::BTreeMap;
use std::time::Duration;

/// Begins `tcpdump`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(Tcpdump { words: invocation.words.clone(), is_tty: invocation.is_tty, live: None, reader: None })
}

struct Tcpdump {
    words: Vec<String>,
    is_tty: bool,
    live: Option<Live>,
    reader: Option<Reader>,
}

/// A savefile that is read.
struct Reader {
    options: Options,
    path: String,
    /// From when its header has come.
    open: Option<(Filter, Sink)>,
    /// How many packets were looked at.
    seen: usize,
}

/// A capture that runs.
struct Live {
    nics: BTreeMap<ProbeId, Nic>,
    filter: Filter,
    direction: Option<Direction>,
    count: Option<u64>,
    began: Instant,
    /// How long a block waits; nothing: it is handed over at once.
    patience: Duration,
    /// The block at hand, and its size in the ring.
    block: Vec<Packet>,
    block_bytes: usize,
    received: u64,
    dropped: u64,
    sink: Sink,
}

/// Where packets go.
struct Sink {
    link: LinkType,
    printer: Option<Printer>,
    file: Option<String>,
    stdout: Stdout,
    captured: u64,
}

impl Job for Tcpdump {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        if let Some(reader) = &mut self.reader {
            return reader.more(cx, &self.words[0]);
        }
        let Some(live) = &mut self.live else {
            return match begin(cx, &self.words, self.is_tty) {
                Ok(Begun::Live(live)) => {
                    self.live = Some(*live);
                    Next::Wait(Waits::default())
                }
                Ok(Begun::Reader(reader)) => self.reader.insert(*reader).more(cx, &self.words[0]),
                Err(end) => end,
            };
        };
        match why {
            Wake::Event(id, ProbeEvent::Frame { direction, len, bytes }) => live.frame(cx, id, direction, len, bytes),
            Wake::Event(_, ProbeEvent::FramesLost { count }) => {
                live.dropped += u64::from(count);
                live.received += u64::from(count);
            }
            Wake::Event(id, ProbeEvent::Done(_)) => {
                live.nics.remove(&id);
                if live.nics.is_empty() {
                    live.sink.stdout.flush(cx);
                    cx.complain(&format!("{}: pcap_loop: The interface disappeared\n", self.words[0]));
                    return live.end(cx, 1);
                }
            }
            Wake::Time => live.hand_over(cx),
            _ => {}
        }
        if live.is_enough() {
            live.sink.stdout.flush(cx);
            return live.end(cx, 0);
        }
        live.wait(cx.machine.now())
    }

    fn signal(&mut self, cx: &mut Context<'_>, signal: Signal) -> Option<Next> {
        if !matches!(signal, Signal::INT | Signal::TERM | Signal::PIPE) {
            return None;
        }
        if let Some((_, sink)) = self.reader.as_mut().and_then(|reader| reader.open.as_mut()) {
            sink.stdout.flush(cx);
            return Some(Next::Done(0));
        }
        let live = self.live.as_mut()?;
        if live.sink.file.is_none() {
            live.sink.stdout.print(cx, "\n");
        }
        live.sink.stdout.flush(cx);
        Some(live.end(cx, 0))
    }
}

impl Live {
    fn frame(&mut self, cx: &mut Context<'_>, id: ProbeId, direction: Direction, len: u32, bytes: Vec<u8>) {
        let Some(nic) = self.nics.get(&id) else { return };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let packet = Packet { at: wall(cx.machine.now()), len, bytes, direction: Some(direction) };
        let packet = if self.sink.link == LinkType::Cooked { packet.cook(*nic) } else { packet };
        if !self.filter.passes(self.sink.link, &packet) {
            return;
        }
        // On lo the filter sees a frame as it is sent, too; libpcap leaves it out behind the filter.
        self.received += if nic.is_lo { 2 } else { 1 };
        if self.direction.is_some_and(|wanted| wanted != direction) {
            return;
        }
        self.block_bytes += (RECORD_BYTES + packet.bytes.len()).next_multiple_of(16);
        self.block.push(packet);
        if self.patience.is_zero() || self.block_bytes > BLOCK_BYTES {
            self.hand_over(cx);
        }
    }

    fn hand_over(&mut self, cx: &mut Context<'_>) {
        self.block_bytes = 0;
        for packet in std::mem::take(&mut self.block) {
            if self.is_enough() {
                return;
            }
            self.sink.take(cx, &packet);
        }
    }

    fn is_enough(&self) -> bool {
        self.count.is_some_and(|count| self.sink.captured >= count)
    }

    /// Until the block's time is up, if it holds something.
    fn wait(&self, now: Instant) -> Next {
        if self.block.is_empty() {
            return Next::Wait(Waits::default());
        }
        let ticks = now.since(self.began).as_nanos() / self.patience.as_nanos().max(1) + 1;
        let after = self.patience.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
        Next::Wait(Waits { until: Some(self.began + after), input: false })
    }

    /// The statistics (`info()`).
    fn end(&mut self, cx: &mut Context<'_>, status: u8) -> Next {
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        let (captured, received, dropped) = (self.sink.captured, self.received, self.dropped);
        cx.complain(&format!("{captured} packet{} captured\n", plural(captured)));
        cx.complain(&format!("{received} packet{} received by filter\n", plural(received)));
        cx.complain(&format!("{dropped} packet{} dropped by kernel\n", plural(dropped)));
        Next::Done(status)
    }
}

impl Sink {
    /// A packet that passed.
    fn take(&mut self, cx: &mut Context<'_>, packet: &Packet) {
        self.captured += 1;
        if let Some(path) = &self.file {
            let mut record = Vec::new();
            savefile::record(packet, &mut record);
            // What a full disk refuses is lost, as it is to a buffered stream until the end.
            match path.as_str() {
                "-" => cx.out.extend(record),
                path => drop(cx.files.write(path, &record, true)),
            }
        }
        if let Some(printer) = &mut self.printer {
            let text = printer.packet(packet, self.captured);
            self.stdout.print(cx, &text);
        }
    }
}

/// What was begun: what reads a file to its end is over by then.
enum Begun {
    Live(Box<Live>),
    Reader(Box<Reader>),
}

/// Reads the command line, and begins to capture or reads a file.
fn begin(cx: &mut Context<'_>, words: &[String], is_tty: bool) -> Result<Begun, Next> {
    let program = words.first().map_or("tcpdump", String::as_str);
    let options = Options::parse(cx, program, words)?;
    if let Some(path) = options.read.clone() {
        let mut reader = Reader { options, path, open: None, seen: 0 };
        if reader.path == "-" {
            return Ok(Begun::Reader(Box::new(reader)));
        }
        let bytes = cx.files.read(&reader.path);
        let bytes = bytes.map_err(|e| fail(cx, program, &format!("{}: {}", reader.path, say::io_error(&e))))?;
        return Err(reader.read(cx, program, &bytes, true));
    }
    let state = match say::state(cx) {
        Ok(state) => state,
        Err(fault) => return Err(say::errno(cx, program, &fault).map_or_else(|end| end, |_| Next::Done(1))),
    };
    let device = options.device.clone().unwrap_or_else(|| default_device(&state));
    let link = if device == "any" { LinkType::Cooked } else { LinkType::Ethernet };
    let captured_on = devices(cx, program, &state, &device)?;
    if link == LinkType::Cooked {
        cx.complain(&format!("{program}: data link type LINUX_SLL2\n"));
    }
    let (filter, mut sink) = prepare(cx, program, &options, link, &state, is_tty)?;
    open_file(cx, program, &mut sink, options.snap_len)?;
    let promiscuous = options.promiscuous && link == LinkType::Ethernet;
    let mut nics = BTreeMap::new();
    for (dev, nic) in captured_on {
        let probe = Capture { netns: cx.netns.clone(), dev, snap_len: options.snap_len, promiscuous };
        match cx.start(Probe::Capture(probe)) {
            Ok(id) => drop(nics.insert(id, nic)),
            Err(Fault::Refused { errno, .. }) => return Err(fail(cx, program, &format!("{device}: {errno}"))),
            Err(fault) => return Err(say::errno(cx, program, &fault).map_or_else(|end| end, |_| Next::Done(1))),
        }
    }
    if options.style.verbose == 0 && sink.file.is_none() {
        cx.complain(&format!("{program}: verbose output suppressed, use -v[v]... for full protocol decode\n"));
    } else {
        cx.complain(&format!("{program}: "));
    }
    let (text, snap_len) = (link.text(), options.snap_len);
    cx.complain(&format!("listening on {device}, link-type {text}, snapshot length {snap_len} bytes\n"));
    let patience = match () {
        () if options.immediate => Duration::ZERO,
        () if sink.printer.is_some() && (is_tty || options.line_buffered) => Duration::from_millis(100),
        () => Duration::from_secs(1),
    };
    let (direction, count, began) = (options.direction, options.count, cx.machine.now());
    let (block, block_bytes, received, dropped) = (Vec::new(), 0, 0, 0);
    let live = Live { nics, filter, direction, count, began, patience, block, block_bytes, received, dropped, sink };
    Ok(Begun::Live(Box::new(live)))
}

impl Reader {
    /// Goes on with what has come on standard input.
    fn more(&mut self, cx: &mut Context<'_>, program: &str) -> Next {
        let (bytes, ended) = (std::mem::take(&mut cx.input.bytes), cx.input.ended);
        let next = self.read(cx, program, &bytes, ended);
        cx.input.bytes = bytes;
        next
    }

    /// Reads as much of a savefile as is there.
    fn read(&mut self, cx: &mut Context<'_>, program: &str, bytes: &[u8], ended: bool) -> Next {
        let wait = Next::Wait(Waits { input: true, ..Waits::default() });
        if bytes.len() < savefile::HEADER_BYTES && !ended {
            return wait;
        }
        let file = match savefile::read(bytes) {
            Ok(file) => file,
            Err(text) => return fail(cx, program, &text),
        };
        if self.open.is_none() {
            match self.begin(cx, program, &file) {
                Ok(open) => self.open = Some(open),
                Err(end) => return end,
            }
        }
        let Some((filter, sink)) = &mut self.open else { return wait };
        let wanted = self.options.count.unwrap_or(u64::MAX);
        for packet in file.packets.iter().skip(std::mem::replace(&mut self.seen, file.packets.len())) {
            if sink.captured < wanted && filter.passes(file.link, packet) {
                sink.take(cx, packet);
            }
        }
        let is_enough = sink.captured >= wanted;
        if !ended && !is_enough {
            return wait;
        }
        sink.stdout.flush(cx);
        if let Some(text) = file.broken.filter(|_| !is_enough) {
            return fail(cx, program, &format!("pcap_loop: {text}"));
        }
        if self.options.only_count {
            let plural = if sink.captured == 1 { "" } else { "s" };
            cx.print(&format!("{} packet{plural}\n", sink.captured));
        }
        Next::Done(0)
    }

    /// Its header has come.
    fn begin(&self, cx: &mut Context<'_>, program: &str, file: &Savefile) -> Result<(Filter, Sink), Next> {
        let (path, text, snap_len) = (&self.path, file.link.text(), file.snap_len);
        cx.complain(&format!("reading from file {path}, link-type {text}, snapshot length {snap_len}\n"));
        if file.link == LinkType::Cooked {
            cx.complain("Warning: interface names might be incorrect\n");
        }
        let state = say::state(cx).unwrap_or_default();
        let (filter, mut sink) = prepare(cx, program, &self.options, file.link, &state, false)?;
        open_file(cx, program, &mut sink, snap_len)?;
        Ok((filter, sink))
    }
}

/// The filter, and where packets go.
fn prepare(
    cx: &mut Context<'_>,
    program: &str,
    options: &Options,
    link: LinkType,
    state: &NetnsState,
    is_tty: bool,
) -> Result<(Filter, Sink), Next> {
    let (hosts, services) = (Names::hosts(cx), Services::read(cx));
    let filter = match filter::parse(&options.expression, &Lookup { hosts: &hosts, services: &services }) {
        Ok(filter) => filter,
        Err(Wrong::Said(text)) => return Err(fail(cx, program, &text)),
        Err(Wrong::Unsupported(what)) => return Err(say::unsupported(cx, program, &format!("filter {what}"))),
    };
    let names = state.derived.links.iter().map(|(name, link)| (link.ifindex, name.to_string())).collect();
    let prints = options.write.is_none() && !options.only_count || options.print;
    let printer = prints.then(|| Printer::new(options.style.clone(), link, names, hosts, services));
    let stdout = Stdout::new(is_tty || options.line_buffered);
    Ok((filter, Sink { link, printer, file: options.write.clone(), stdout, captured: 0 }))
}

fn open_file(cx: &mut Context<'_>, program: &str, sink: &mut Sink, snap_len: u32) -> Result<(), Next> {
    let Some(path) = &sink.file else { return Ok(()) };
    let header = savefile::header(sink.link, snap_len);
    if path == "-" {
        cx.out.extend(header);
        return Ok(());
    }
    cx.files.write(path, &header, false).map_err(|e| fail(cx, program, &format!("{path}: {}", say::io_error(&e))))
}

/// The devices that a name means; `any` means all that are there.
fn devices(cx: &mut Context<'_>, program: &str, state: &NetnsState, name: &str) -> Result<Vec<(IfName, Nic)>, Next> {
    let nic = |name: &IfName| {
        let link = state.derived.links.get(name)?;
        Some((*name, Nic { ifindex: link.ifindex, mac: link.mac, is_lo: *name == IfName::lo() }))
    };
    if name == "any" {
        return Ok(state.config.links.keys().filter_map(nic).collect());
    }
    let found = IfName::new(name).ok().and_then(|dev| Some((dev, state.config.links.get(&dev)?)));
    match found {
        None => Err(fail(cx, program, &format!("{name}: No such device exists\n(No such device exists)"))),
        Some((_, link)) if !link.up => Err(fail(cx, program, &format!("{name}: That device is not up"))),
        Some((dev, _)) => Ok(nic(&dev).into_iter().collect()),
    }
}

/// The first that is up and runs and is not `lo`, else all.
fn default_device(state: &NetnsState) -> String {
    let runs = |name: &IfName| state.config.links[name].up && state.derived.links.get(name).is_some_and(|l| l.carrier);
    let mut links: Vec<&IfName> = state.config.links.keys().filter(|n| **n != IfName::lo() && runs(n)).collect();
    links.sort_by_key(|name| state.derived.links.get(*name).map(|l| l.ifindex));
    links.first().map_or_else(|| "any".to_owned(), |name| name.to_string())
}

/// `struct tpacket3_hdr`, a socket address and the room that the kernel leaves before a packet.
const RECORD_BYTES: usize = 82;
/// A block of libpcap's ring.
const BLOCK_BYTES: usize = 262_144;
