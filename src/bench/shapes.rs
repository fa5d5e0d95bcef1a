//! The topologies of the benches, the frames that travel in them, and what an interface has counted.

use super::Failed;
use crate::model::{Backend, IfName, Mac, NetnsName};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A MAC that says whose it is.
pub fn mac(last: u16) -> Mac {
    let [a, b] = last.to_be_bytes();
    Mac([2, 0, 0, 0, a, b])
}

/// A namespace's name. Names here are constants.
pub fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("a name")
}

/// An interface's name. Names here are constants.
pub fn dev(name: &str) -> IfName {
    IfName::new(name).expect("a name")
}

/// Frames received by an interface.
pub fn received(machine: &mut dyn Backend, netns: &str, name: &str) -> Result<u64, Failed> {
    let seen = machine.observe(&Default::default()).map_err(Failed::new)?;
    let counted = seen.netns.get(&ns(netns)).and_then(|n| n.volatile.stats.get(&dev(name)));
    counted.map(|stats| stats.rx_packets).ok_or_else(|| Failed(format!("no interface {netns}:{name}")))
}

/// Hosts h0 to hN, with an interface `e` each, on one bridge; `delay` on both ends of every link.
pub fn star(ports: usize, delay: Option<&str>) -> String {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..ports {
        writeln!(text, "[netns.h{h}]\ninterfaces.e.mac = \"{}\"", mac(h as u16)).expect("a String takes all");
        writeln!(text, "[[link]]\nends = [\"s:p{h}\", \"h{h}:e\"]").expect("likewise");
        if let Some(delay) = delay {
            for end in [format!("s:p{h}"), format!("h{h}:e")] {
                writeln!(text, "impair.\"{end}\" = \"delay {delay}\"").expect("likewise");
            }
        }
    }
    text
}

/// A row of routers between `a` and `z`; whatever is in 10.99/16 goes to `z`, which drops it.
pub fn routers(count: usize) -> String {
    let mut text = "allow = [\"missing-return-route\"]\n".to_owned();
    let names: Vec<String> =
        ["a".to_owned()].into_iter().chain((0..count).map(|r| format!("r{r}"))).chain(["z".to_owned()]).collect();
    for (i, name) in names.iter().enumerate() {
        writeln!(text, "[netns.{name}]").expect("a String takes all");
        if i > 0 && i <= count {
            writeln!(text, "forwarding = true").expect("likewise");
        }
        if i > 0 {
            let mac = mac(2 * i as u16);
            writeln!(text, "interfaces.w = {{ addresses = [\"10.0.{i}.2/24\"], mac = \"{mac}\" }}").expect("likewise");
        }
        if i <= count {
            let next = i + 1;
            writeln!(text, "interfaces.e.addresses = [\"10.0.{next}.1/24\"]").expect("likewise");
            writeln!(text, "routes = [\"10.99.0.0/16 via 10.0.{next}.2\"]").expect("likewise");
        }
    }
    for pair in names.windows(2) {
        writeln!(text, "[[link]]\nends = [\"{}:e\", \"{}:w\"]", pair[0], pair[1]).expect("likewise");
    }
    text
}

/// Hosts with an address and a default route each, on one bridge: what is set up.
pub fn hosts(count: usize) -> String {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..count {
        let address = Ipv4Addr::from(0x0a01_0001 + h as u32);
        writeln!(
            text,
            "[netns.h{h}]\ninterfaces.eth0.addresses = [\"{address}/16\"]\nroutes = [\"default via 10.1.255.254\"]\n\
             [[link]]\nends = [\"h{h}:eth0\", \"s:p{h}\"]"
        )
        .expect("a String takes all");
    }
    text
}

/// A broadcast of 60 bytes that nobody answers.
pub fn shout(from: Mac) -> Vec<u8> {
    frame(Mac([0xff; 6]), from, 0x88b5, &[])
}

/// A frame of 60 bytes between two hosts that no protocol takes.
pub fn unicast(from: u16, to: u16) -> Vec<u8> {
    frame(mac(to), mac(from), 0x88b5, &[])
}

/// A datagram from `a` to 10.99.0.1 as the first of the [`routers`] gets it.
pub fn routed() -> Vec<u8> {
    datagram((mac(1), mac(2)), (Ipv4Addr::new(10, 0, 1, 1), Ipv4Addr::new(10, 99, 0, 1)), (9, 9))
}

/// A UDP datagram of 18 bytes, without checksum, in a frame of 60.
pub fn datagram((src, dst): (Mac, Mac), (from, to): (Ipv4Addr, Ipv4Addr), (sport, dport): (u16, u16)) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend([from.octets(), to.octets()].concat());
    let sum: u32 = packet.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    packet.extend([sport, dport, 26, 0].map(u16::to_be_bytes).concat());
    packet.resize(46, 0);
    frame(dst, src, 0x0800, &packet)
}

fn frame(dst: Mac, src: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&dst.0[..], &src.0, &ethertype.to_be_bytes(), payload].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}
