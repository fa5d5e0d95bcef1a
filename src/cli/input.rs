//! Topologies from files: read, parse, check, and every complaint shown at its place.
//!
//! Deliberately absent: the wording of complaints; the model writes them, this draws them.

use super::trouble::{Exit, Trouble};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};
use nettwin::model::check::Checked;
use nettwin::model::complaint::{self, Complaint};
use nettwin::model::topology::{Format, Topology};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

/// A topology's text.
pub(crate) struct Source {
    /// The file's name as given.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// Its language.
    pub(crate) format: Format,
}

/// A topology as its file says it.
pub(crate) struct Loaded {
    /// Where it came from.
    pub(crate) source: Source,
    /// What it says, checked.
    pub(crate) checked: Checked,
}

impl Source {
    /// Reads a file; `-` is standard input.
    pub(crate) fn read(path: &Path) -> Result<Self, Trouble> {
        let name = if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let read = match is_stdin(path) {
            true => std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes),
            false => std::fs::File::open(path).and_then(|f| f.take(LIMIT + 1).read_to_end(&mut bytes)),
        };
        read.map_err(|e| {
            Trouble::input(format!("{name}: {e}"))
                .help("name a topology that can be read; `nettwin gen line 2 > lab.toml` writes one")
        })?;
        if bytes.len() as u64 > LIMIT {
            return Err(Trouble::input(format!("{name}: more than 64 MiB are no topology")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|e| Trouble::input(format!("{name}: not UTF-8 from byte {} on", e.utf8_error().valid_up_to())))?;
        let format = if is_stdin(path) { guess(&text) } else { by_extension(path, &name)? };
        Ok(Source { name, text, format })
    }

    /// Parses and checks; everything that is wrong is shown on standard error.
    pub(crate) fn check(self) -> Result<Loaded, Trouble> {
        match self.try_check() {
            Ok(checked) => {
                show(&self, checked.warnings());
                Ok(Loaded { source: self, checked })
            }
            Err(complaints) => {
                show(&self, &complaints);
                Err(Trouble::Shown(Exit::BadInput))
            }
        }
    }

    /// Parses and checks.
    pub(crate) fn try_check(&self) -> Result<Checked, Vec<Complaint>> {
        Topology::load(&self.text, self.format)
    }

    /// A complaint as JSON, with lines and columns.
    pub(crate) fn complaint_json(&self, c: &Complaint) -> Value {
        let place = |start: usize| {
            let (line, column) = complaint::line_column(&self.text, start);
            json!({ "line": line, "column": column })
        };
        let related: Vec<Value> =
            c.related.iter().map(|(range, label)| json!({ "place": place(range.start), "label": label })).collect();
        json!({
            "severity": c.severity, "code": c.code, "message": c.message, "label": c.label, "help": c.help,
            "place": c.span.as_ref().map(|s| place(s.start)), "related": related,
        })
    }

    /// The lab's name if the topology has none: the file's, without folder and extension.
    pub(crate) fn stem(&self) -> String {
        match Path::new(&self.name).file_stem().and_then(|s| s.to_str()) {
            Some(stem) if self.name != STDIN => stem.to_owned(),
            _ => "lab".to_owned(),
        }
    }
}

impl Loaded {
    /// Reads, parses and checks a file.
    pub(crate) fn open(path: &Path) -> Result<Self, Trouble> {
        Source::read(path)?.check()
    }

    /// The lab's name.
    pub(crate) fn lab(&self) -> String {
        self.checked.name().map_or_else(|| self.source.stem(), str::to_owned)
    }
}

/// What standard input is called.
const STDIN: &str = "standard input";

/// How many complaints of one code are shown; the others are counted.
const SHOWN: usize = 10;

/// Shows complaints on standard error.
pub(crate) fn show(source: &Source, complaints: &[Complaint]) {
    let theme = GraphicalTheme::unicode();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut err = anstream::stderr().lock();
    let mut seen = BTreeMap::new();
    for complaint in complaints {
        let count = seen.entry(complaint.code).or_insert(0);
        *count += 1;
        if *count > SHOWN {
            continue;
        }
        let drawn =
            Drawn { complaint, source: NamedSource::new(&source.name, source.text.clone()), file: &source.name };
        let mut text = String::new();
        // Both fail only where nobody reads.
        let _ = handler.render_report(&mut text, &drawn);
        let _ = writeln!(err, "{text}");
    }
    for (code, count) in seen.into_iter().filter(|(_, count)| *count > SHOWN) {
        let more = count - SHOWN;
        let file = if source.name == STDIN { "-" } else { &source.name };
        let _ = writeln!(err, "{more} more of {code}: `nettwin check --json {file}` lists them all");
    }
}

/// A complaint as miette draws it.
struct Drawn<'a> {
    complaint: &'a Complaint,
    source: NamedSource<String>,
    file: &'a str,
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.complaint.fmt(f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.complaint.span.is_none() {
            write!(f, "{}: ", self.file)?;
        }
        f.write_str(&self.complaint.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.complaint.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.complaint.is_error() { Severity::Error } else { Severity::Warning })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.complaint.help.is_empty()).then(|| Box::new(&self.complaint.help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.complaint.span.clone()?;
        let words = if self.complaint.label.is_empty() { "here" } else { &self.complaint.label };
        let main = LabeledSpan::new_primary_with_span(Some(words.to_owned()), span);
        let others = self.complaint.related.iter();
        let others = others.map(|(range, label)| LabeledSpan::new_with_span(Some(label.clone()), range.clone()));
        Some(Box::new(std::iter::once(main).chain(others)))
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn guess(text: &str) -> Format {
    if text.trim_start().starts_with('{') { Format::Json } else { Format::Toml }
}

fn by_extension(path: &Path, name: &str) -> Result<Format, Trouble> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("toml" | "json" | "yaml" | "yml") => Ok(Format::of_file_name(name)),
        _ => Err(Trouble::input(format!("{name}: its name tells no format")).help("name it *.toml, *.json or *.yaml")),
    }
}

/// The greatest size of a topology's text, bytes.
const LIMIT: u64 = 64 << 20;
