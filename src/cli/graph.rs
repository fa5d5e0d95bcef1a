//! `nettwin graph`: a picture of a topology.

use super::args::{Drawing, GraphArgs};
use super::input::Loaded;
use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::draw::{dot, mermaid, svg};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &GraphArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let loaded = Loaded::open(&args.file)?;
    let topology = loaded.checked.topology();
    let picture = match args.format {
        Drawing::Svg => svg(topology),
        Drawing::Dot => dot(topology),
        Drawing::Mermaid => mermaid(topology),
    };
    if out.json {
        out.json(&json!({ "picture": picture }))?;
    } else {
        out.write_all(picture.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}
