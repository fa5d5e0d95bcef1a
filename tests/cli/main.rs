//! The `nettwin` binary as its users run it: exit codes, messages, and what stays behind.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod attach;
#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod bonds;
mod check;
mod commands;
mod harness;
mod holder;
mod import;
mod lab;
mod plan;
mod probe;
#[cfg(target_os = "linux")]
mod programs;
mod readme;
#[cfg(target_os = "linux")]
mod reference;
mod run;
mod sh;
mod sim;
mod why;
