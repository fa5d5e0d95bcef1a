//! Queueing disciplines: what they are, what they refuse, what they lose, and when frames leave them.

use crate::harness::{Case, See, dev, ns};
use nettwin_model::probe::{Ping, Probe, ProbeEvent};
use nettwin_model::queue::{
    ClassRequest, FilterOptions, FilterRequest, Handle, Htb, HtbClass, Prio, QdiscOptions, QdiscRequest, QueueChange,
    QueueVerb, Rate, Tbf, U32Key,
};
use nettwin_model::{Backend, Op};
use std::time::Duration;

/// Two hosts on a wire, who know each other.
fn pair(name: &'static str) -> Case {
    Case::new(name)
        .netns(&["h1", "h2"])
        .wire(("h1", "eth0"), ("h2", "eth0"), (1, 2))
        .addr("h1", "eth0", "10.0.0.1/24")
        .addr("h2", "eth0", "10.0.0.2/24")
        .neigh("h1", "eth0", "10.0.0.2", Some(crate::harness::mac(2)))
        .neigh("h2", "eth0", "10.0.0.1", Some(crate::harness::mac(1)))
}

fn queue(case: Case, change: QueueChange) -> Case {
    case.op(Op::SetQueue { netns: ns("h1"), dev: dev("eth0"), change: Box::new(change) })
}

fn qdisc(
    case: Case,
    verb: QueueVerb,
    (parent, handle): (Handle, Handle),
    kind: &str,
    options: Option<QdiscOptions>,
) -> Case {
    queue(case, QueueChange::Qdisc(QdiscRequest { verb, parent, handle, kind: Some(kind.into()), options }))
}

fn class(case: Case, parent: u16, minor: u16, options: HtbClass) -> Case {
    queue(
        case,
        QueueChange::Class(ClassRequest {
            verb: QueueVerb::Add,
            parent: Handle::new(1, parent),
            classid: Handle::new(1, minor),
            kind: Some("htb".into()),
            options: Some(options),
        }),
    )
}

const ROOT: (Handle, Handle) = (Handle::ROOT, Handle::new(1, 0));

fn rate(kbit: u64) -> Rate {
    Rate { bps: kbit * 125, ..Rate::default() }
}

fn tbf(kbit: u64, burst: u32, limit: u32) -> Tbf {
    // What tc says besides: the same by the time that it takes.
    Tbf { rate: rate(kbit), burst: Some(burst), buffer_ticks: 1000, limit, ..Tbf::default() }
}

fn shaped(case: Case, tbf: Tbf) -> Case {
    qdisc(case, QueueVerb::Replace, ROOT, "tbf", Some(QdiscOptions::Tbf(tbf)))
}

fn classful(case: Case, default: u32) -> Case {
    let htb = Htb { default, r2q: 10, direct_qlen: Some(5), direct_packets: 0 };
    qdisc(case, QueueVerb::Add, ROOT, "htb", Some(QdiscOptions::Htb(htb)))
}

/// A class of so many kbit/s, which may borrow up to `ceil`, with buckets of 10 and 2 ms.
fn share(kbit: u64, ceil: u64) -> HtbClass {
    let (buffer_ticks, cbuffer_ticks) = (156_250, 31_250);
    HtbClass { rate: rate(kbit), ceil: rate(ceil), buffer_ticks, cbuffer_ticks, ..HtbClass::default() }
}

fn fifo(case: Case, verb: QueueVerb, at: (Handle, Handle), kind: &str, limit: Option<u32>) -> Case {
    qdisc(case, verb, at, kind, limit.map(|limit| QdiscOptions::Fifo { limit }))
}

#[test]
fn settings() {
    use QueueVerb::{Add, Change, Delete, Replace};
    let below = (Handle::new(1, 1), Handle::new(0x10, 0));
    let fifos = ["pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast"].into_iter().fold(
        pair("one fifo after another"),
        |case, kind| {
            let case = fifo(case, Replace, (Handle::ROOT, Handle::NONE), kind, None).observe();
            match kind {
                "pfifo_fast" => case,
                _ => fifo(case, Change, (Handle::ROOT, Handle::NONE), kind, Some(7)).observe(),
            }
        },
    );
    let peak = Tbf { peak: Some(rate(2000)), mtu: Some(1600), mtu_ticks: 500, ..tbf(1000, 5000, 9000) };
    let low = Tbf { peak: Some(rate(1000)), ..peak };
    let refused = pair("what is refused");
    let refused = fifo(refused, Change, ROOT, "pfifo", None);
    let refused = fifo(refused, Add, (Handle::new(2, 1), Handle::NONE), "pfifo", None);
    let refused = fifo(refused, Add, (Handle::NONE, Handle::NONE), "pfifo", None);
    let refused = fifo(refused, Add, (Handle::NONE, Handle::new(3, 0)), "pfifo", None);
    let refused = fifo(refused, Delete, (Handle::ROOT, Handle::NONE), "pfifo", None);
    let refused = shaped(refused, low);
    let refused = shaped(refused, Tbf { burst: Some(0), ..tbf(1000, 0, 1) });
    let refused = shaped(refused, tbf(1000, 3000, 3000));
    let refused = fifo(refused, Add, ROOT, "tbf", None);
    let refused = fifo(refused, Add, (Handle::ROOT, Handle::new(2, 0)), "pfifo", None);
    let refused = fifo(refused, Replace, ROOT, "pfifo", None);
    let refused = fifo(refused, Add, below, "noqueue", None);
    let refused = fifo(refused, Add, (Handle::new(0x10, 1), Handle::NONE), "pfifo", None);
    let refused = fifo(refused, Delete, below, "pfifo", None).observe();
    let tree = fifo(shaped(pair("a child of a tbf"), tbf(1000, 3000, 3000)), Add, below, "pfifo", Some(3)).observe();
    let tree = fifo(tree, Replace, (Handle::new(1, 1), Handle::new(0x20, 0)), "bfifo", Some(3000)).observe();
    let tree = fifo(tree, Delete, (Handle::new(1, 1), Handle::NONE), "bfifo", None).observe();
    let classes = class(classful(pair("classes"), 0x20), 0, 1, share(2000, 2000));
    let classes = class(class(classes, 1, 0x10, share(1000, 2000)), 1, 0x20, share(500, 1500)).observe();
    let classes = class(classes, 1, 0x20, share(500, 1500));
    let classes = class(classes, 9, 0x30, share(500, 0));
    let classes = fifo(classes, Add, (Handle::new(1, 0x10), Handle::new(0x30, 0)), "pfifo", Some(4)).observe();
    let classes = fifo(classes, Add, below, "pfifo", Some(4));
    let classes = fifo(classes, Add, (Handle::new(1, 0x99), Handle::NONE), "pfifo", Some(4));
    crate::agree(
        "queue-settings",
        vec![
            fifos,
            shaped(shaped(shaped(pair("a bucket"), tbf(1000, 5000, 9000)).observe(), peak).observe(), tbf(1, 1, 0))
                .observe(),
            refused,
            tree,
            classes,
        ],
    );
}

/// Several requests at once, of so many bytes.
fn burst(count: u32, size: u16) -> impl Fn(&mut Ping) {
    move |p: &mut Ping| {
        (p.preload, p.size) = (count, size);
        p.interval = Duration::from_millis(10);
        p.linger = Duration::from_millis(1500);
    }
}

#[test]
fn losses() {
    use QueueVerb::{Add, Replace};
    let none = (Handle::ROOT, Handle::NONE);
    let below = (Handle::new(1, 1), Handle::new(0x10, 0));
    let fed = |case: Case, count, size| case.ping_with("h1", "10.0.0.2", count, burst(count, size)).observe();
    let classes = class(classful(pair("a class that is full"), 0x10), 0, 0x10, share(200, 200));
    let classes = fifo(classes, Add, (Handle::new(1, 0x10), Handle::new(0x10, 0)), "pfifo", Some(2));
    // A class's tokens move with the clock, and a sender that hears of a loss tries again as often as it can.
    let unobserved = |case: Case, count, size| case.ping_with("h1", "10.0.0.2", count, burst(count, size));
    crate::agree(
        "queue-losses",
        vec![
            unobserved(fifo(pair("no room"), Replace, none, "pfifo", Some(0)), 2, 100),
            fed(fifo(pair("room for short frames"), Replace, none, "bfifo", Some(142)), 2, 100),
            unobserved(fifo(pair("no room for longer ones"), Replace, none, "bfifo", Some(141)), 2, 100),
            unobserved(shaped(pair("a bucket's queue is full"), tbf(400, 1600, 3200)), 8, 1000),
            unobserved(shaped(pair("a bucket that is too small"), tbf(1000, 1000, 9000)), 2, 1000),
            unobserved(
                fifo(shaped(pair("short queues below"), tbf(400, 1600, 9000)), Add, below, "pfifo", Some(3)),
                8,
                1000,
            ),
            unobserved(
                fifo(shaped(pair("the oldest are lost"), tbf(400, 1600, 9000)), Add, below, "pfifo_head_drop", Some(3)),
                8,
                1000,
            ),
            unobserved(classes, 8, 1000),
            fed(classful(pair("past all classes"), 0), 3, 100),
            // A part that is lost is the last that is sent of its packet.
            fifo(pair("a long packet whose end alone would fit"), Replace, none, "bfifo", Some(1100))
                .capture("cap", "h2", "eth0")
                .ping_with("h1", "10.0.0.2", 1, burst(1, 4000))
                .end("cap"),
            fed(
                fifo(
                    shaped(pair("parts of it are lost for others"), tbf(400, 1600, 90000)),
                    Add,
                    below,
                    "pfifo_head_drop",
                    Some(2),
                ),
                1,
                8000,
            ),
            pair("a long packet without carrier")
                .down("h2", "eth0")
                .wait_ms(2000)
                .ping_with("h1", "10.0.0.2", 1, burst(1, 4000))
                .see(See { stats: true, ..See::default() }),
        ],
    );
}

/// What goes to 10.0.0.3 goes to a class.
fn aside(case: Case, minor: u16) -> Case {
    const IP: u16 = 0x0800;
    let keys = vec![U32Key { value: 0x0a00_0003, mask: u32::MAX, at: 16, behind: false }];
    queue(
        case,
        QueueChange::Filter(FilterRequest {
            verb: QueueVerb::Add,
            parent: Handle::new(1, 0),
            handle: 0,
            prio: 1,
            protocol: IP,
            kind: Some("u32".into()),
            options: Some(FilterOptions::U32 { classid: Handle::new(1, minor), keys }),
        }),
    )
}

#[test]
fn sorted_into_classes() {
    use QueueVerb::{Add, Delete};
    let two = |name| {
        pair(name).addr("h2", "eth0", "10.0.0.3/24").neigh("h1", "eth0", "10.0.0.3", Some(crate::harness::mac(2)))
    };
    let bands = |name| qdisc(two(name), Add, ROOT, "prio", Some(QdiscOptions::Prio(Prio::default())));
    let closed = |case: Case, minor| fifo(case, Add, (Handle::new(1, minor), Handle::new(0x30, 0)), "pfifo", Some(0));
    let both = |case: Case| case.ping("h1", "10.0.0.2", 2).ping("h1", "10.0.0.3", 2);
    let tos = |case: Case, tos: u8| case.ping_with("h1", "10.0.0.2", 1, |p| p.tos = tos);
    let classes = class(
        class(classful(two("a class for an address"), 0x20), 0, 0x10, share(1000, 1000)),
        0,
        0x20,
        share(1000, 1000),
    );
    let delayed = |name: &'static str| {
        let impairment = nettwin_model::words::netem::parse("delay 20ms").expect("an impairment");
        qdisc(two(name), Add, ROOT, "netem", Some(QdiscOptions::Netem(Box::new(impairment))))
    };
    let child =
        fifo(delayed("a queue behind a delay"), Add, (Handle::new(1, 1), Handle::new(0x30, 0)), "pfifo", Some(3));
    let gone = fifo(
        closed(delayed("no room behind a delay"), 1).ping("h1", "10.0.0.2", 2).observe(),
        Delete,
        (Handle::new(1, 1), Handle::NONE),
        "pfifo",
        None,
    );
    crate::agree_somewhere(
        "queue-classful",
        vec![
            both(aside(bands("bands without a queue of their own"), 3)).observe(),
            both(closed(aside(bands("a band for an address"), 3), 3)).observe(),
            tos(tos(tos(closed(bands("a band for a type of service"), 1), 0x10), 0x08), 0).observe(),
            both(closed(aside(classes, 0x10), 0x10)),
            both(child).observe(),
            gone.observe().ping("h1", "10.0.0.2", 1),
        ],
    );
}

/// When each of several requests came back.
fn times(case: &Case, ping: &Ping, machine: &mut dyn Backend) -> Vec<Duration> {
    for op in case.ops() {
        machine.execute(std::slice::from_ref(&op)).expect("a good op");
    }
    machine.settle().expect("the machine settles");
    let id = machine.start(Probe::Ping(ping.clone())).expect("a good workload");
    let mut out = vec![Duration::ZERO; ping.count.unwrap_or(0) as usize];
    while let Some((_, of, event)) = machine.advance(machine.now() + Duration::from_secs(20)) {
        match event {
            ProbeEvent::Reply { seq, rtt, .. } if of == id => out[usize::from(seq) - 1] = rtt,
            ProbeEvent::Done(_) => break,
            _ => {}
        }
    }
    out
}

/// Frames leave at the kernel's instants: a kernel under load may be later, never earlier.
#[test]
fn instants() {
    if crate::reference::is_inside() {
        return;
    }
    let ping = |count: u32, size: u16| {
        let mut ping = Ping::new(ns("h1"), "10.0.0.2".parse().expect("an address"), count);
        burst(count, size)(&mut ping);
        ping
    };
    let peak = Tbf { peak: Some(rate(800)), mtu: Some(1100), mtu_ticks: 500, ..tbf(400, 3300, 20_000) };
    let inner = class(classful(pair("a class that borrows"), 0x10), 0, 1, share(400, 400));
    let cases = [
        (shaped(pair("a bucket"), tbf(400, 2200, 20_000)), ping(6, 1000)),
        (
            shaped(
                pair("a bucket with overhead"),
                Tbf { rate: Rate { overhead: 100, mpu: 500, ..rate(400) }, ..tbf(400, 2200, 20_000) },
            ),
            ping(6, 58),
        ),
        (shaped(pair("two buckets"), peak), ping(6, 1000)),
        (class(classful(pair("a class"), 0x10), 0, 0x10, share(400, 400)), ping(6, 1000)),
        (class(classful(pair("a class with a ceiling"), 0x10), 0, 0x10, share(200, 800)), ping(6, 1000)),
        (class(inner, 1, 0x10, share(100, 400)), ping(6, 1000)),
    ];
    for (case, ping) in cases {
        let ours = times(&case, &ping, &mut nettwin_sim::Sim::new(7));
        assert!(ours.iter().all(|time| !time.is_zero()) || ours[0].is_zero(), "{}: {ours:?}", case.name());
        if !crate::machine::is_there(case.name()) {
            continue;
        }
        const LATE: Duration = Duration::from_millis(8);
        let is_near = |theirs: &[Duration]| {
            theirs
                .iter()
                .zip(&ours)
                .all(|(theirs, ours)| *theirs + Duration::from_millis(2) >= *ours && *theirs <= *ours + LATE)
        };
        // A machine that is busy is asked again.
        let mut theirs = Vec::new();
        let agrees = (0..3).any(|_| {
            theirs = times(&case, &ping, &mut *crate::machine::machine().expect("as the first one"));
            is_near(&theirs)
        });
        println!("{}: kernel {theirs:?}, sim {ours:?}", case.name());
        assert!(agrees, "{}: kernel {theirs:?}, sim {ours:?}", case.name());
    }
}
