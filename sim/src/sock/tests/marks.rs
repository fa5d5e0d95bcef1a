//! Marks instead of losses, and times in segments, as seen on the pipe.

use super::*;
use crate::sock::segment::flag::{CWR, ECE};

/// Who sent what since the log was last looked at: marks of segments with data (`+`) and without.
fn seen(pipe: &mut Pipe) -> Vec<String> {
    let told = |&(_, end, ref p): &(Instant, usize, Vec<u8>)| {
        let data = if p.len() > 20 + usize::from(p[32] >> 4) * 4 { "+" } else { "" };
        let word = |set, word| if set { word } else { "" };
        format!("{end}{data} {}{}{}", p[1] & 3, word(p[33] & ECE != 0, " ece"), word(p[33] & CWR != 0, " cwr"))
    };
    pipe.log.drain(..).map(|p| told(&p)).collect()
}

#[test]
fn a_mark_is_told_of_until_it_is_answered() {
    let mut pipe = Pipe::new(5);
    pipe.ends[0].settings.ecn = 1;
    let (client, _, _) = pipe.connected();
    assert_eq!(seen(&mut pipe), ["0 0 ece cwr", "1 0 ece", "0 0"]);
    let say = |pipe: &mut Pipe, congested: bool| {
        pipe.congested = congested;
        pipe.ends[0].send(client, b"words").unwrap();
        pipe.settle();
        seen(pipe)
    };
    assert_eq!(say(&mut pipe, false), ["0+ 2", "1 0"]);
    assert_eq!(say(&mut pipe, true), ["0+ 2", "1 0 ece"]);
    // The answer is marked itself, so it is told of again; what is sent from then on has heard of it.
    assert_eq!(say(&mut pipe, true), ["0+ 2 cwr", "1 0 ece"]);
    assert_eq!(say(&mut pipe, false), ["0+ 2 cwr", "1 0"]);
    assert_eq!(say(&mut pipe, false), ["0+ 2", "1 0"]);
}

#[test]
fn a_syn_that_is_sent_again_asks_for_no_marks() {
    let mut pipe = Pipe::new(5);
    pipe.ends[0].settings.ecn = 1;
    pipe.silent = true;
    let _ = pipe.ends[0].tcp_connect(pipe.now, at(0, 0), at(1, 80), PATH).unwrap();
    pipe.run(Instant::ZERO + Duration::from_millis(2500));
    assert_eq!(seen(&mut pipe), ["0 0 ece cwr", "0 0", "0 0"]);
}

#[test]
fn checksums_hold_and_clocks_go_on() {
    for timestamps in [0, 1, 2] {
        let mut pipe = Pipe::new(9);
        pipe.ends[0].settings.timestamps = timestamps;
        pipe.loss = 10;
        assert_eq!(echo(&mut pipe, 100_000).len(), 100_000);
        let mut before = [None, None];
        for (_, end, packet) in &pipe.log {
            let segment = Segment::parse(packet).expect("a sound segment");
            let ours = &packet[40..20 + usize::from(packet[32] >> 4) * 4];
            let Some(at) = ours.windows(2).position(|w| w == [8, 10]).filter(|_| timestamps != 0) else {
                assert!(timestamps == 0 || segment.has(flag::RST), "{packet:?}");
                continue;
            };
            let time = u32::from_be_bytes(ours[at + 2..at + 6].try_into().unwrap());
            let last = before[*end].replace(time).unwrap_or(time);
            assert!(time.wrapping_sub(last) < 10_000, "the clock of end {end} jumps from {last} to {time}");
            assert!(timestamps != 2 || *end == 1 || time < 3_600_000, "from nothing on");
        }
    }
}
