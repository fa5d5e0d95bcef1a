//! The spanning tree's messages on the wire.
//!
//! Kernel counterpart: `net/bridge/br_stp_bpdu.c`; IEEE 802.1D-1998, clause 9. Times are in 1/256 s there. Deliberately
//! absent: padding (a veth does none), RSTP's message.

use nettwin_model::Mac;
use nettwin_model::link::BridgeId;
use std::time::Duration;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bpdu {
    /// Who is the root, and how far.
    Config(Config),
    /// Something changed below.
    TopologyChange,
}

/// What a bridge says of the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) topology_change: bool,
    pub(crate) topology_change_ack: bool,
    pub(crate) root: BridgeId,
    pub(crate) root_path_cost: u32,
    pub(crate) bridge: BridgeId,
    pub(crate) port: u16,
    pub(crate) message_age: Duration,
    pub(crate) max_age: Duration,
    pub(crate) hello_time: Duration,
    pub(crate) forward_delay: Duration,
}

/// Ethernet header, then 802.2 with both SAPs 0x42, unnumbered.
const LLC: [u8; 3] = [0x42, 0x42, 3];
const GROUPS: [u8; 5] = [0x01, 0x80, 0xc2, 0, 0];
const BODY: usize = 17;

/// The whole frame of a message to the group 01:80:c2:00:00:`group`, sent by the port with this MAC.
pub(crate) fn emit(source: Mac, group: u8, bpdu: &Bpdu) -> Vec<u8> {
    let mut out = Vec::with_capacity(52);
    out.extend_from_slice(&GROUPS);
    out.push(group);
    out.extend_from_slice(&source.0);
    let length: u16 = if matches!(bpdu, Bpdu::Config(_)) { 38 } else { 7 };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&LLC);
    out.extend_from_slice(&[0, 0, 0]);
    match bpdu {
        Bpdu::TopologyChange => out.push(0x80),
        Bpdu::Config(c) => {
            out.push(0);
            out.push(u8::from(c.topology_change) | u8::from(c.topology_change_ack) << 7);
            push_id(&mut out, c.root);
            out.extend_from_slice(&c.root_path_cost.to_be_bytes());
            push_id(&mut out, c.bridge);
            out.extend_from_slice(&c.port.to_be_bytes());
            for time in [c.message_age, c.max_age, c.hello_time, c.forward_delay] {
                let ticks = (time.as_nanos() * 256).div_ceil(1_000_000_000);
                out.extend_from_slice(&u16::try_from(ticks).unwrap_or(u16::MAX).to_be_bytes());
            }
        }
    }
    out
}

/// The message of a frame, if it is one to this group.
pub(crate) fn parse(frame: &[u8], group: u8) -> Option<Bpdu> {
    let body = frame.get(BODY..)?;
    if frame[..5] != GROUPS || frame[5] != group || frame[14..BODY] != LLC || body.get(..3)? != [0, 0, 0] {
        return None;
    }
    match *body.get(3)? {
        0x80 => Some(Bpdu::TopologyChange),
        0 => {
            let b: &[u8; 31] = body.get(4..35)?.try_into().ok()?;
            let be16 = |at: usize| u16::from_be_bytes([b[at], b[at + 1]]);
            let time = |at: usize| Duration::from_nanos(u64::from(be16(at)) * 1_000_000_000 / 256);
            let id = |at: usize| BridgeId {
                priority: be16(at),
                mac: Mac([b[at + 2], b[at + 3], b[at + 4], b[at + 5], b[at + 6], b[at + 7]]),
            };
            Some(Bpdu::Config(Config {
                topology_change: b[0] & 1 != 0,
                topology_change_ack: b[0] & 0x80 != 0,
                root: id(1),
                root_path_cost: u32::from_be_bytes([b[9], b[10], b[11], b[12]]),
                bridge: id(13),
                port: be16(21),
                message_age: time(23),
                max_age: time(25),
                hello_time: time(27),
                forward_delay: time(29),
            }))
        }
        _ => None,
    }
}

fn push_id(out: &mut Vec<u8>, id: BridgeId) {
    out.extend_from_slice(&id.priority.to_be_bytes());
    out.extend_from_slice(&id.mac.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip_and_have_the_kernels_lengths() {
        let id = |n| BridgeId { priority: 0x8000, mac: Mac([2, 0, 0, 0, 0, n]) };
        let config = Bpdu::Config(Config {
            topology_change: true,
            topology_change_ack: true,
            root: id(1),
            root_path_cost: 4,
            bridge: id(2),
            port: 0x8001,
            message_age: Duration::from_nanos(3_906_250),
            max_age: Duration::from_secs(20),
            hello_time: Duration::from_secs(2),
            forward_delay: Duration::from_secs(15),
        });
        let frame = emit(Mac([2, 0, 0, 0, 0, 9]), 0, &config);
        assert_eq!(frame.len(), 52);
        assert_eq!(parse(&frame, 0), Some(config));
        let tcn = emit(Mac([2, 0, 0, 0, 0, 9]), 0, &Bpdu::TopologyChange);
        assert_eq!((tcn.len(), parse(&tcn, 0)), (21, Some(Bpdu::TopologyChange)));
        assert_eq!(parse(&frame[..40], 0), None);
        assert_eq!(parse(&[], 0), None);
        assert_eq!(parse(&frame, 8), None, "of another group");
    }
}
