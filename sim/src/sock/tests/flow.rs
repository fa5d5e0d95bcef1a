//! Flows and servers at the ends of the pipe.

use super::*;
use crate::sock::flow::{Flows, Routes};
use nettwin_model::NetnsName;
use nettwin_model::probe::{FlowOutcome, Listen, Outcome, ProbeEvent, ProbeId, Stop, TcpFlow, UdpFlow};

/// 10.0.0.0/24 is on the link, nothing else is anywhere.
struct Lan(usize);

impl Routes for Lan {
    fn route(&self, to: SocketAddrV4, source: Option<Ipv4Addr>, _: Proto) -> Result<Route, Errno> {
        let dst = *to.ip();
        let path = Path { source: source.unwrap_or(ip(self.0)), mtu: 1500, mss: 1460 };
        match dst.octets() {
            [10, 0, 0, 255] => Ok(Route { dst, path, reach: Reach::Broadcast }),
            [10, 0, 0, _] => Ok(Route { dst, path, reach: Reach::Host }),
            _ => Err(Errno::ENETUNREACH),
        }
    }

    fn can_bind(&self, addr: Ipv4Addr) -> bool {
        addr == ip(self.0)
    }
}

/// Runs until the flow that `start` begins at end 0 has ended; an echo server for both protocols is at end 1, port 7.
fn run(pipe: &mut Pipe, start: impl FnOnce(&mut Flows, Instant, &mut Sockets, ProbeId)) -> Vec<ProbeEvent> {
    let netns = NetnsName::new("x").unwrap();
    let mut flows = [Flows::default(), Flows::default()];
    for (n, proto) in [Proto::Tcp, Proto::Udp].into_iter().enumerate() {
        let listen = Listen { netns: netns.clone(), proto, addr: None, port: 7 };
        flows[1].start_listen(pipe.now, &mut pipe.ends[1], &Lan(1), ProbeId(n as u64), &listen);
    }
    start(&mut flows[0], pipe.now, &mut pipe.ends[0], ProbeId(9));
    let mut events = Vec::new();
    loop {
        for (end, flows) in flows.iter_mut().enumerate() {
            flows.expire(pipe.now, &mut pipe.ends[end]);
            while let Some(sock) = pipe.ends[end].next_news() {
                flows.news(pipe.now, &mut pipe.ends[end], &Lan(end), sock);
            }
        }
        events.extend(flows[0].take_reports().into_iter().map(|(_, event)| event));
        if flows[0].is_idle() {
            break;
        }
        let until = flows[0].wake_at().unwrap();
        if !pipe.step_until(until) {
            pipe.now = until;
        }
    }
    for n in 0..2 {
        flows[1].stop(pipe.now, &mut pipe.ends[1], ProbeId(n), Stop::Interrupt);
    }
    pipe.run(pipe.now + Duration::from_secs(200));
    assert!(pipe.ends.iter().all(Sockets::is_empty), "nothing stays behind");
    events
}

fn tcp(dst: [u8; 4], port: u16, bytes: u64) -> TcpFlow {
    let netns = NetnsName::new("x").unwrap();
    TcpFlow { netns, dst: dst.into(), port, source: None, bytes, timeout: Duration::from_secs(60) }
}

fn udp(dst: [u8; 4], port: u16, size: u16) -> UdpFlow {
    let netns = NetnsName::new("x").unwrap();
    let timeout = Duration::from_secs(5);
    UdpFlow { netns, dst: dst.into(), port, source: None, source_port: None, size, timeout }
}

fn tcp_end(pipe: &mut Pipe, flow: &TcpFlow) -> Outcome {
    let mut events = run(pipe, |f, now, s, id| f.start_tcp(now, s, &Lan(0), id, flow));
    match events.pop() {
        Some(ProbeEvent::Done(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

fn udp_end(pipe: &mut Pipe, flow: &UdpFlow) -> Outcome {
    let mut events = run(pipe, |f, now, s, id| f.start_udp(now, s, &Lan(0), id, flow));
    match events.pop() {
        Some(ProbeEvent::Done(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

fn fate(error: Option<Errno>, sent: u64, received: u64, ms: u64) -> FlowOutcome {
    FlowOutcome { error, sent, received, intact: error.is_none(), time: Duration::from_millis(ms) }
}

#[test]
fn a_connection_brings_its_bytes_back() {
    for (bytes, loss) in [(0, 0), (1, 0), (1_000_000, 0), (200_000, 4)] {
        let mut pipe = Pipe::new(11);
        pipe.loss = loss;
        match tcp_end(&mut pipe, &tcp([10, 0, 0, 2], 7, bytes)) {
            Outcome::Tcp(f) => {
                assert_eq!((f.error, f.sent, f.received, f.intact), (None, bytes, bytes, true), "{bytes} {loss}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_connection_says_when_it_stands() {
    let mut pipe = Pipe::new(1);
    let flow = tcp([10, 0, 0, 2], 7, 0);
    let events = run(&mut pipe, |f, now, s, id| f.start_tcp(now, s, &Lan(0), id, &flow));
    let [ProbeEvent::Started { source }, ProbeEvent::Connected { after }, ProbeEvent::Done(_)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*source, *after), (Some(ip(0).into()), Duration::from_millis(2)));
}

#[test]
fn a_connection_that_fails_says_why() {
    let check = |flow: &TcpFlow, expect| assert_eq!(tcp_end(&mut Pipe::new(1), flow), expect);
    check(&tcp([10, 0, 0, 2], 8, 10), Outcome::Tcp(fate(Some(Errno::ECONNREFUSED), 0, 0, 2)));
    check(&tcp([10, 9, 0, 2], 8, 10), Outcome::Failed(Errno::ENETUNREACH));
    check(&tcp([10, 0, 0, 255], 8, 10), Outcome::Failed(Errno::ENETUNREACH));
    let foreign = TcpFlow { source: Some(ip(1)), ..tcp([10, 0, 0, 2], 8, 10) };
    check(&foreign, Outcome::Failed(Errno::EADDRNOTAVAIL));
    let mut pipe = Pipe::new(1);
    pipe.silent = true;
    let expect = Outcome::Tcp(fate(Some(Errno::ETIMEDOUT), 0, 0, 60_000));
    assert_eq!(tcp_end(&mut pipe, &tcp([10, 0, 0, 2], 7, 10)), expect);
}

#[test]
fn a_datagram_and_its_fates() {
    let check = |flow: &UdpFlow, expect| assert_eq!(udp_end(&mut Pipe::new(1), flow), expect);
    check(&udp([10, 0, 0, 2], 7, 100), Outcome::Udp(fate(None, 100, 100, 2)));
    check(&udp([10, 0, 0, 2], 8, 100), Outcome::Udp(fate(Some(Errno::ECONNREFUSED), 100, 0, 1)));
    check(&udp([10, 0, 0, 2], 7, 65_507), Outcome::Udp(fate(None, 65_507, 65_507, 2)));
    check(&udp([10, 0, 0, 2], 7, 65_508), Outcome::Udp(fate(Some(Errno::EMSGSIZE), 0, 0, 0)));
    check(&udp([10, 0, 0, 255], 7, 1), Outcome::Failed(Errno::EACCES));
    check(&udp([10, 9, 0, 2], 7, 1), Outcome::Failed(Errno::ENETUNREACH));
    let mut pipe = Pipe::new(1);
    pipe.silent = true;
    let expect = Outcome::Udp(fate(Some(Errno::ETIMEDOUT), 100, 0, 5000));
    assert_eq!(udp_end(&mut pipe, &udp([10, 0, 0, 2], 7, 100)), expect);
}

#[test]
fn a_flow_can_be_interrupted() {
    let mut pipe = Pipe::new(1);
    let mut flows = Flows::default();
    for (n, how) in [(1, Stop::Interrupt), (2, Stop::Kill)] {
        flows.start_tcp(pipe.now, &mut pipe.ends[0], &Lan(0), ProbeId(n), &tcp([10, 0, 0, 2], 7, 10));
        flows.stop(pipe.now, &mut pipe.ends[0], ProbeId(n), how);
    }
    let done: Vec<_> = flows.take_reports().into_iter().filter(|(_, e)| matches!(e, ProbeEvent::Done(_))).collect();
    let interrupted = Outcome::Tcp(fate(Some(Errno::EINTR), 0, 0, 0));
    assert_eq!(done, [(ProbeId(1), ProbeEvent::Done(interrupted)), (ProbeId(2), ProbeEvent::Done(Outcome::Stopped))]);
    assert!(flows.is_idle());
}
