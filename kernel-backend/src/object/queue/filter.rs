//! Filters' options.
//!
//! Kernel counterpart: `struct tc_u32_sel` and `TCA_U32_*`, `TCA_FW_*`, `TCA_MATCHALL_*` of `linux/pkt_cls.h`. Deliberately
//! absent: hash tables, offsets read from the packet, actions.

use super::{attribute, attributes, u32_at};
use nettwin_model::queue::{FilterOptions, Handle, U32Key};

const U32_CLASSID: u16 = 1;
const U32_SEL: u16 = 5;
const FW_CLASSID: u16 = 1;
const FW_MASK: u16 = 5;
const MATCHALL_CLASSID: u16 = 1;

/// The first match ends the search (`TC_U32_TERMINAL`).
const TERMINAL: u8 = 1;
/// `struct tc_u32_sel` without its keys, and a key, in bytes.
const SEL_BYTES: usize = 16;
const KEY_BYTES: usize = 16;

pub(super) fn options(options: &FilterOptions) -> Vec<u8> {
    let mut out = Vec::new();
    match options {
        FilterOptions::U32 { classid, keys } => {
            attribute(&mut out, U32_CLASSID, &classid.0.to_ne_bytes());
            let mut sel = vec![0; SEL_BYTES];
            // No more than the kernel's byte counts.
            (sel[0], sel[2]) = (TERMINAL, u8::try_from(keys.len()).unwrap_or(u8::MAX));
            for key in keys {
                // The mask of an offset that the packet says: all of it, or none.
                let off = if key.behind { -1 } else { 0i32 };
                sel.extend(key.mask.to_be_bytes());
                sel.extend(key.value.to_be_bytes());
                sel.extend(key.at.to_ne_bytes());
                sel.extend(off.to_ne_bytes());
            }
            attribute(&mut out, U32_SEL, &sel);
        }
        FilterOptions::Fw { classid, mask } => {
            attribute(&mut out, FW_CLASSID, &classid.0.to_ne_bytes());
            if let Some(mask) = mask {
                attribute(&mut out, FW_MASK, &mask.to_ne_bytes());
            }
        }
        FilterOptions::Matchall { classid } => attribute(&mut out, MATCHALL_CLASSID, &classid.0.to_ne_bytes()),
    }
    out
}

pub(super) fn parse(kind: &str, bytes: &[u8]) -> Option<FilterOptions> {
    let find = |wanted| attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, v)| v);
    let classid = |kind| find(kind).and_then(|v| u32_at(v, 0)).map(Handle);
    match kind {
        "u32" => {
            let sel = find(U32_SEL)?;
            let keys = sel.get(SEL_BYTES..)?.chunks_exact(KEY_BYTES).map_while(|key| {
                Some(U32Key {
                    mask: u32::from_be(u32_at(key, 0)?),
                    value: u32::from_be(u32_at(key, 4)?),
                    at: u32_at(key, 8)?.cast_signed(),
                    behind: u32_at(key, 12)? != 0,
                })
            });
            Some(FilterOptions::U32 { classid: classid(U32_CLASSID).unwrap_or_default(), keys: keys.collect() })
        }
        "fw" => Some(FilterOptions::Fw {
            classid: classid(FW_CLASSID).unwrap_or_default(),
            mask: find(FW_MASK).and_then(|v| u32_at(v, 0)),
        }),
        "matchall" => Some(FilterOptions::Matchall { classid: classid(MATCHALL_CLASSID).unwrap_or_default() }),
        _ => None,
    }
}
