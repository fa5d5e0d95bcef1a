//! A plan as a shell script that does the same when run by hand as root.
//!
//! Deliberately absent: undoing; the script stops at the first refusal and leaves what it has made.

use super::op::{setting, sysctl};
use crate::op::Op;
use crate::plan::Plan;
use std::fmt;

impl fmt::Display for Plan {
    /// A script of iproute2 commands. Sysctls of one namespace that follow each other share a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#!/bin/sh\nset -e\n")?;
        let mut ops = self.ops.iter().peekable();
        while let Some(op) = ops.next() {
            let Op::SetSysctl { netns, key, value } = op else {
                writeln!(f, "{op}")?;
                continue;
            };
            write!(f, "{} {}", sysctl(netns), setting(&key.dotted(), value))?;
            let same = |next: &&Op| matches!(next, Op::SetSysctl { netns: n, .. } if n == netns);
            while let Some(Op::SetSysctl { key, value, .. }) = ops.next_if(same) {
                write!(f, " {}", setting(&key.dotted(), value))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
