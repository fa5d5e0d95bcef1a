//! The `nettwin` binary.

#![forbid(unsafe_code)]

mod cli;
mod script;

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    if let Some(code) = script::under_another_name() {
        return code;
    }
    cli::main()
}
