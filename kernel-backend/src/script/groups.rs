//! Programs that give up groups where nobody may.
//!
//! Who is root in a user namespace of one user may not call `setgroups(2)` (`user_namespaces(7)`), and tcpdump, which gives up
//! its privileges before it begins, ends there. Kernel counterpart: `seccomp(2)`. Deliberately absent: any other call.

use std::io;

/// From here on `setgroups` says yes and does nothing, in this process and those that it starts or becomes.
pub fn let_groups_be() -> io::Result<()> {
    // The constants of `linux/bpf_common.h` and `linux/seccomp.h` are small; a filter's fields have 16 and 32 bits.
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut steps = [
        // The number of the call is the first word of `struct seccomp_data`.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_setgroups as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
    // SAFETY: the kernel copies the filter and its four steps, which live until the call is over.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter, 0, 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
