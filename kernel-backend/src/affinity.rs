//! Staying on one processor, so that a capture's order is the order of what happened.
//!
//! A veth hands a frame to the backlog of the processor that sends it. When a lab's timers and sockets live on several
//! processors, two frames can overtake each other between an interface and its capture; on one they cannot. Kernel
//! counterpart: `sched_setaffinity(2)`, `enqueue_to_backlog()`. Deliberately absent: speed, of which there is less.

use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};
use std::io;

/// Keeps the calling thread, and every thread and process that it starts from now on, on the processor it runs on.
pub fn stay_on_this_cpu() -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(sched_getcpu());
    Ok(sched_setaffinity(None, &one)?)
}
