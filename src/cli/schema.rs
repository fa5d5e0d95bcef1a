//! `nettwin schema`: the JSON Schema of topologies.

use super::output::Output;
use super::trouble::Trouble;
use nettwin::model::topology::json_schema;
use std::process::ExitCode;

pub(crate) fn run(out: &mut Output) -> Result<ExitCode, Trouble> {
    out.json(&json_schema())?;
    Ok(ExitCode::SUCCESS)
}
