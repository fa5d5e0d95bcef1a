//! What rules share by its name: counters, quotas, limits.
//!
//! Kernel counterpart: `struct nft_object`, `nft_counter.c`, `nft_quota.c`, `nft_limit.c`. Deliberately absent: helpers and
//! timeouts of connections, secmarks, synproxies.

use super::change::{Done, Part, refuse};
use super::{Limit, Stmt, Style, Table, in_unit, print_stmt};
use crate::errno::Errno;
use serde::{Deserialize, Serialize};

/// What kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum ObjectKind {
    Counter,
    Quota,
    Limit,
}

impl ObjectKind {
    /// All.
    pub const ALL: [ObjectKind; 3] = [ObjectKind::Counter, ObjectKind::Quota, ObjectKind::Limit];

    /// nft's word.
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Counter => "counter",
            ObjectKind::Quota => "quota",
            ObjectKind::Limit => "limit",
        }
    }
}

/// So many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quota {
    /// How many.
    pub bytes: u64,
    /// Goes on only beyond them.
    #[serde(default)]
    pub over: bool,
    /// How many there were, at most all of them.
    #[serde(default)]
    pub used: u64,
}

impl Quota {
    /// Takes in a packet; whether it goes on with the rule (`nft_quota_do_eval`).
    pub fn takes(&mut self, length: u64) -> bool {
        let sum = self.used.saturating_add(length);
        self.used = sum.min(self.bytes);
        (sum > self.bytes) == self.over
    }

    /// In nft's words, without the first.
    pub fn print(&self, style: Style) -> String {
        let words = |bytes| {
            let (n, unit) = in_unit(bytes);
            format!("{n} {unit}")
        };
        let over = if self.over { "over " } else { "" };
        let used = match self.used {
            0 => String::new(),
            _ if style.stateless => String::new(),
            used => format!(" used {}", words(used)),
        };
        format!("{over}{}{used}", words(self.bytes))
    }
}

/// What an object is, and has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Stateful {
    Counter { packets: u64, bytes: u64 },
    Quota(Quota),
    Limit(Limit),
}

impl Stateful {
    /// Lets it begin anew; a limit has nothing to begin.
    pub(super) fn reset(&mut self) {
        match self {
            Stateful::Counter { packets, bytes } => (*packets, *bytes) = (0, 0),
            Stateful::Quota(quota) => quota.used = 0,
            Stateful::Limit(_) => {}
        }
    }
}

/// Something with a name that rules share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name; another kind's may be the same.
    pub name: String,
    /// Its handle.
    pub handle: u64,
    /// What somebody says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is.
    pub what: Stateful,
}

impl Object {
    /// Of which kind it is.
    pub fn kind(&self) -> ObjectKind {
        self.what.kind()
    }

    /// The object as nft lists it.
    pub fn print(&self, style: Style) -> String {
        let handle = if style.handles { format!(" # handle {}", self.handle) } else { String::new() };
        let mut out = format!("\t{} {} {{{handle}\n", self.kind().word(), self.name);
        if let Some(comment) = &self.comment {
            out += &format!("\t\tcomment \"{comment}\"\n");
        }
        let inside = match &self.what {
            Stateful::Counter { .. } if style.stateless => String::new(),
            Stateful::Counter { packets, bytes } => format!("packets {packets} bytes {bytes}"),
            Stateful::Quota(quota) => quota.print(style),
            Stateful::Limit(limit) => print_stmt(&Stmt::Limit(*limit), style).replacen("limit ", "", 1),
        };
        if !inside.is_empty() {
            out += &format!("\t\t{inside}\n");
        }
        out + "\t}\n"
    }
}

impl Table {
    pub(super) fn add_object(&mut self, object: &Object, fresh: bool) -> Done {
        if let Stateful::Limit(limit) = &object.what {
            limit.check()?;
        }
        if let Some(known) = self.object_mut(&object.name, object.kind()) {
            if fresh {
                return refuse(Errno::EEXIST, Part::Name);
            }
            if let (Stateful::Quota(known), Stateful::Quota(new)) = (&mut known.what, &object.what) {
                (known.bytes, known.over) = (new.bytes, new.over);
            }
            return Ok(());
        }
        let handle = self.next_handle();
        self.objects.push(Object { handle, ..object.clone() });
        Ok(())
    }

    pub(super) fn del_object(&mut self, name: &str, kind: ObjectKind) -> Done {
        if self.object_mut(name, kind).is_none() {
            return refuse(Errno::ENOENT, Part::Name);
        }
        let names = |stmt: &Stmt| matches!(stmt, Stmt::Object { kind: k, name: n } if *k == kind && n == name);
        if self.chains.iter().flat_map(|c| &c.rules).flat_map(|r| &r.stmts).any(names) {
            return refuse(Errno::EBUSY, Part::Name);
        }
        self.objects.retain(|o| o.name != name || o.kind() != kind);
        Ok(())
    }

    pub(super) fn reset_object(&mut self, name: &str, kind: ObjectKind) -> Done {
        self.object_mut(name, kind).ok_or(Errno::ENOENT)?.what.reset();
        Ok(())
    }

    /// The object of that name and kind.
    pub fn object_mut(&mut self, name: &str, kind: ObjectKind) -> Option<&mut Object> {
        self.objects.iter_mut().find(|o| o.name == name && o.kind() == kind)
    }
}
