//! `nettwin gen`: a topology of a known shape, as TOML.

use super::args::{GenArgs, Shape as Word};
use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::generate::{Shape, generate};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &GenArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let shape = match args.shape {
        Word::Line => Shape::Line,
        Word::Star => Shape::Star,
        Word::Ring => Shape::Ring,
        Word::Tree => Shape::Tree,
        Word::Grid => Shape::Grid,
        Word::FatTree => Shape::FatTree,
    };
    let mut topology = generate(shape, args.size).map_err(Trouble::input)?;
    topology.seed = args.seed;
    if out.json {
        out.json(&topology.to_json())?;
    } else {
        out.write_all(topology.to_toml().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
