//! Any text as a topology file: reading, checking, drawing and printing never panic and never contradict each other.

#![no_main]

#[path = "../../model/tests/exercise/mod.rs"]
mod exercise;

use exercise::{FORMATS, exercise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| FORMATS.into_iter().for_each(|format| exercise(text, format)));
