//! The limits of this machine beside what nettwin does on it: one interleaved run, ratios of processor time.
//!
//! `cargo bench --bench limits` runs all sections, `… -- bare bridge` those whose names begin so. Deliberately absent: peers,
//! which `nettwin bench` measures. Each work checks that its frames arrived.

#[cfg(all(feature = "kernel", target_os = "linux"))]
mod bare;
#[cfg(all(feature = "kernel", target_os = "linux"))]
mod sections;

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    sections::run(&wanted);
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn main() {
    println!("skipped: this build has no kernel backend, whose clock it takes");
}
