//! The kernel's machine for tests: in this process as root, through a holder in a user namespace otherwise.
//!
//! Shared by several test targets, each of which includes it as a module.

use nettwin_model::Backend;

/// Whether this machine allows namespaces; if not, says so and counts what is skipped. With `NETTWIN_REQUIRE_KERNEL` set, a
/// skip is a failure.
pub(crate) fn is_there(skipped: &str) -> bool {
    match machine() {
        Ok(_) => true,
        Err(why) => {
            assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
            println!("skipped on the kernel: {skipped}: {why}");
            false
        }
    }
}

/// Whether the machine's own administrator runs this.
#[allow(dead_code)]
pub(crate) fn is_root() -> bool {
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    return nettwin::kernel::is_root();
    #[cfg(not(all(feature = "kernel", target_os = "linux")))]
    false
}

/// Frames are compared in order: the calling thread, and all that it starts, stay on one processor.
pub(crate) fn stay_on_this_cpu() {
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    nettwin::kernel::affinity::stay_on_this_cpu().expect("a thread may choose its processor");
}

/// A machine without namespaces, thrown away at the end.
#[cfg(all(feature = "kernel", target_os = "linux"))]
pub(crate) fn machine() -> Result<Box<dyn Backend>, String> {
    use nettwin::kernel::{KernelBackend, Options, holder, is_root};
    if is_root() {
        return Ok(Box::new(KernelBackend::new(Options::default()).map_err(|f| f.to_string())?));
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_nettwin"));
    Ok(Box::new(holder::spawn(program, &["holder".as_ref()]).map_err(|f| f.to_string())?))
}

/// A machine without namespaces, thrown away at the end.
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
pub(crate) fn machine() -> Result<Box<dyn Backend>, String> {
    Err("this build has no kernel backend".into())
}
