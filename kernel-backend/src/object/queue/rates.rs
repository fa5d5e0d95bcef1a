//! What goes by rates: tbf, htb and its classes.
//!
//! Kernel counterpart: `struct tc_ratespec`, `struct tc_tbf_qopt`, `struct tc_htb_glob`, `struct tc_htb_opt`. Deliberately
//! absent: the tables of times that older kernels wanted.

use super::{attribute, attributes, u16_at, u32_at, u64_at};
use nettwin_model::queue::{Htb, HtbClass, HtbCounters, Rate, Tbf};

const TBF_PARMS: u16 = 1;
const TBF_RATE64: u16 = 4;
const TBF_PRATE64: u16 = 5;
const TBF_BURST: u16 = 6;
const TBF_PBURST: u16 = 7;

const HTB_PARMS: u16 = 1;
const HTB_INIT: u16 = 2;
const HTB_DIRECT_QLEN: u16 = 5;
const HTB_RATE64: u16 = 6;
const HTB_CEIL64: u16 = 7;
const HTB_VERSION: u32 = 3;

const LINKLAYER_ETHERNET: u8 = 1;
const LINKLAYER_ATM: u8 = 2;
/// `struct tc_ratespec`, in bytes.
const RATE_BYTES: usize = 12;

fn rate(rate: Rate) -> Vec<u8> {
    let layer = if rate.atm { LINKLAYER_ATM } else { LINKLAYER_ETHERNET };
    let bps = u32::try_from(rate.bps).unwrap_or(u32::MAX);
    let mut out = vec![0, layer];
    out.extend(rate.overhead.to_ne_bytes());
    // cell_align, as tc has it.
    out.extend((-1i16).to_ne_bytes());
    out.extend(rate.mpu.to_ne_bytes());
    out.extend(bps.to_ne_bytes());
    out
}

fn parse_rate(bytes: &[u8], at: usize) -> Option<Rate> {
    let bytes = bytes.get(at..at + RATE_BYTES)?;
    Some(Rate {
        bps: u32_at(bytes, 8)?.into(),
        mpu: u16_at(bytes, 6)?,
        overhead: u16_at(bytes, 2)?,
        atm: bytes[1] == LINKLAYER_ATM,
    })
}

fn rate64(out: &mut Vec<u8>, kind: u16, rate: Rate) {
    if rate.bps > u64::from(u32::MAX) {
        attribute(out, kind, &rate.bps.to_ne_bytes());
    }
}

pub(super) fn tbf(tbf: &Tbf) -> Vec<u8> {
    let mut parms = rate(tbf.rate);
    parms.extend(tbf.peak.map_or_else(|| vec![0; RATE_BYTES], rate));
    for word in [tbf.limit, tbf.buffer_ticks, tbf.mtu_ticks] {
        parms.extend(word.to_ne_bytes());
    }
    let mut out = Vec::new();
    attribute(&mut out, TBF_PARMS, &parms);
    if let Some(burst) = tbf.burst {
        attribute(&mut out, TBF_BURST, &burst.to_ne_bytes());
    }
    rate64(&mut out, TBF_RATE64, tbf.rate);
    if let Some(peak) = tbf.peak {
        rate64(&mut out, TBF_PRATE64, peak);
        if let Some(mtu) = tbf.mtu {
            attribute(&mut out, TBF_PBURST, &mtu.to_ne_bytes());
        }
    }
    out
}

pub(super) fn parse_tbf(bytes: &[u8]) -> Option<Tbf> {
    let mut out = Tbf::default();
    let (mut rate64, mut peak64) = (None, None);
    for (kind, v) in attributes(bytes) {
        match kind {
            TBF_PARMS => {
                out.rate = parse_rate(v, 0)?;
                out.peak = parse_rate(v, RATE_BYTES).filter(|peak| peak.bps > 0);
                (out.limit, out.buffer_ticks, out.mtu_ticks) = (u32_at(v, 24)?, u32_at(v, 28)?, u32_at(v, 32)?);
            }
            TBF_RATE64 => rate64 = u64_at(v),
            TBF_PRATE64 => peak64 = u64_at(v),
            _ => {}
        }
    }
    out.rate.bps = rate64.unwrap_or(out.rate.bps);
    if let Some(peak) = &mut out.peak {
        peak.bps = peak64.unwrap_or(peak.bps);
    }
    Some(out)
}

pub(super) fn htb(htb: &Htb) -> Vec<u8> {
    let glob = [HTB_VERSION, htb.r2q, htb.default, 0, 0];
    let mut out = Vec::new();
    attribute(&mut out, HTB_INIT, &glob.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>());
    if let Some(direct) = htb.direct_qlen {
        attribute(&mut out, HTB_DIRECT_QLEN, &direct.to_ne_bytes());
    }
    out
}

pub(super) fn parse_htb(bytes: &[u8]) -> Option<Htb> {
    let mut out = Htb::default();
    for (kind, v) in attributes(bytes) {
        match kind {
            HTB_INIT => (out.r2q, out.default, out.direct_packets) = (u32_at(v, 4)?, u32_at(v, 8)?, u32_at(v, 16)?),
            HTB_DIRECT_QLEN => out.direct_qlen = u32_at(v, 0),
            _ => {}
        }
    }
    Some(out)
}

pub(super) fn class(class: &HtbClass) -> Vec<u8> {
    let mut parms = rate(class.rate);
    parms.extend(rate(class.ceil));
    for word in [class.buffer_ticks, class.cbuffer_ticks, class.quantum, class.level, class.prio] {
        parms.extend(word.to_ne_bytes());
    }
    let mut out = Vec::new();
    attribute(&mut out, HTB_PARMS, &parms);
    rate64(&mut out, HTB_RATE64, class.rate);
    rate64(&mut out, HTB_CEIL64, class.ceil);
    out
}

pub(super) fn parse_class(bytes: &[u8]) -> Option<HtbClass> {
    let mut out = HtbClass::default();
    let (mut rate64, mut ceil64) = (None, None);
    for (kind, v) in attributes(bytes) {
        match kind {
            HTB_PARMS => {
                (out.rate, out.ceil) = (parse_rate(v, 0)?, parse_rate(v, RATE_BYTES)?);
                (out.buffer_ticks, out.cbuffer_ticks) = (u32_at(v, 24)?, u32_at(v, 28)?);
                (out.quantum, out.level, out.prio) = (u32_at(v, 32)?, u32_at(v, 36)?, u32_at(v, 40)?);
            }
            HTB_RATE64 => rate64 = u64_at(v),
            HTB_CEIL64 => ceil64 = u64_at(v),
            _ => {}
        }
    }
    out.rate.bps = rate64.unwrap_or(out.rate.bps);
    out.ceil.bps = ceil64.unwrap_or(out.ceil.bps);
    Some(out)
}

/// `struct tc_htb_xstats`.
pub(super) fn parse_htb_counters(v: &[u8]) -> Option<HtbCounters> {
    let signed = |at| u32_at(v, at).map(u32::cast_signed);
    Some(HtbCounters {
        lends: u32_at(v, 0)?,
        borrows: u32_at(v, 4)?,
        giants: u32_at(v, 8)?,
        tokens: signed(12)?,
        ctokens: signed(16)?,
    })
}
