//! How a run ends: the documented exit codes, and what is said besides.

use nettwin::model::Fault;
use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// The exit codes of every verb but `exec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Ok = 0,
    /// The command line, the file or what it says is wrong.
    BadInput = 1,
    /// An operation failed.
    Failed = 2,
    /// An expectation did not hold.
    Expectation = 3,
    /// Two things that should be alike differ.
    Divergence = 4,
    /// This machine lacks something.
    Missing = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// With a message, and the remedy if there is one.
    Said {
        /// The exit code.
        exit: Exit,
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// All was said already.
    Shown(Exit),
    /// Nobody reads our output any more.
    Pipe,
}

impl Trouble {
    /// Bad input.
    pub(crate) fn input(message: impl Display) -> Self {
        Trouble::Said { exit: Exit::BadInput, message: message.to_string(), help: None }
    }

    /// An operation that failed.
    pub(crate) fn failed(message: impl Display) -> Self {
        Trouble::Said { exit: Exit::Failed, message: message.to_string(), help: None }
    }

    /// Something that this machine lacks.
    pub(crate) fn missing(message: impl Display, remedy: impl Display) -> Self {
        Trouble::Said { exit: Exit::Missing, message: message.to_string(), help: Some(remedy.to_string()) }
    }

    /// With the remedy.
    pub(crate) fn help(self, remedy: impl Display) -> Self {
        match self {
            Trouble::Said { exit, message, .. } => Trouble::Said { exit, message, help: Some(remedy.to_string()) },
            other => other,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::BrokenPipe { Trouble::Pipe } else { Trouble::failed(e) }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing { capability, remedy } => Trouble::missing(format!("{capability} is missing"), remedy),
            other => Trouble::failed(other),
        }
    }
}
