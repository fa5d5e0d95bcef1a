//! Filters: which class a frame belongs to.
//!
//! Kernel counterpart: `tcf_classify`, `net/sched/cls_u32.c`, `net/sched/cls_fw.c`, `net/sched/cls_matchall.c`. Deliberately
//! absent: hash tables of u32 besides the first of each place, links, chains, actions.

use super::tree::{Io, Tree, Waiting};
use crate::frame::L2_LEN;
use nettwin_model::queue::{FilterOptions, FilterRow, Handle, U32Key};

/// All filters of one kind at one place in the order (`struct tcf_proto`).
pub(super) struct Filters {
    pub(super) parent: Handle,
    pub(super) prio: u16,
    pub(super) protocol: u16,
    pub(super) kind: String,
    /// u32's number of its hash table (`htid`), 0 for other kinds.
    pub(super) table: u32,
    /// By number.
    pub(super) rows: Vec<(u32, FilterOptions)>,
}

/// `ETH_P_ALL`.
pub(super) const ALL: u16 = 3;

impl Tree {
    /// Where the filters of a qdisc or class send a frame (`tcf_classify`).
    pub(super) fn classify(&self, at: Handle, w: &Waiting, io: &Io<'_>) -> Option<Handle> {
        if self.filters.is_empty() {
            return None;
        }
        let bytes = io.frames.bytes(w.pkt.frame);
        let protocol = bytes.get(L2_LEN - 2..L2_LEN).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
        let packet = bytes.get(L2_LEN..).unwrap_or_default();
        let mut here = self.filters.iter().filter(|f| f.parent == at && (f.protocol == ALL || f.protocol == protocol));
        here.find_map(|filters| {
            if filters.kind == "fw" && filters.rows.is_empty() {
                // Without rules the mark is the class.
                let class = Handle(w.pkt.mark);
                let is_here = class != Handle::NONE && (class.major() == 0 || class.qdisc() == at.qdisc());
                return is_here.then(|| Handle::new(at.major(), class.minor()));
            }
            filters.rows.iter().find_map(|(id, options)| match options {
                FilterOptions::U32 { classid, keys } => keys.iter().all(|key| agrees(key, packet)).then_some(*classid),
                FilterOptions::Fw { classid, mask } => {
                    (w.pkt.mark & mask.unwrap_or(u32::MAX) == *id).then_some(*classid)
                }
                FilterOptions::Matchall { classid } => Some(*classid),
            })
        })
    }

    /// The filters as a dump shows them: a row for each place, for u32 one for its table, and one for each filter.
    pub(super) fn filter_rows(&self) -> Vec<FilterRow> {
        let mut out = Vec::new();
        for f in &self.filters {
            let row = |handle: u32, options: Option<&FilterOptions>| FilterRow {
                parent: f.parent,
                prio: f.prio,
                protocol: f.protocol,
                kind: f.kind.clone(),
                handle,
                options: options.cloned(),
            };
            out.push(row(0, None));
            if f.kind != "u32" {
                out.extend(f.rows.iter().map(|(id, options)| row(*id, Some(options))));
                continue;
            }
            // The tables of a qdisc are in one list, and each place shows those of its priority, the youngest first.
            let is_near = |g: &&Filters| g.kind == "u32" && g.prio == f.prio && g.parent.qdisc() == f.parent.qdisc();
            let mut tables: Vec<&Filters> = self.filters.iter().filter(is_near).collect();
            tables.sort_by_key(|g| std::cmp::Reverse(g.table));
            for g in tables {
                out.push(row(g.table, None));
                out.extend(g.rows.iter().map(|(id, options)| row(*id, Some(options))));
            }
        }
        out
    }
}

fn agrees(key: &U32Key, packet: &[u8]) -> bool {
    // What is counted from behind the network header is counted from its front until a link says otherwise.
    let start = usize::try_from(key.at).ok();
    let word = start.and_then(|at| packet.get(at..at + 4)).and_then(|word| word.try_into().ok());
    word.is_some_and(|word| (u32::from_be_bytes(word) ^ key.value) & key.mask == 0)
}
