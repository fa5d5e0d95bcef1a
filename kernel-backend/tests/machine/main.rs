//! Tests of the real machine, on the kernel at hand. Where this process may not make namespaces each test says so,
//! counted, and passes.

#![cfg(target_os = "linux")]

mod capable;
mod common;
mod idempotence;
mod links;
mod named;
mod queries;
mod second_opinion;
mod star;
