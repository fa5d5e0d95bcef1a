//! What is answered to a path: a file, a folder's list, or an error.
//!
//! Counterpart: `send_head()`, `list_directory()`, `translate_path()` and `send_error()` of `http/server.py`, `mimetypes.py`.
//! Deliberately absent: types that `/etc/mime.types` adds.

use super::moment;
use crate::job::{Context, Entry};
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn ok(kind: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-type", kind.to_owned()), ("Content-Length", body.len().to_string())];
        Answer { status: 200, reason: "OK".into(), headers, body }
    }

    /// An error with its page.
    pub(super) fn error(status: u16, reason: &str, explanation: &str) -> Self {
        let message = escape(reason);
        let body = format!(
            "<!DOCTYPE HTML>\n<html lang=\"en\">\n    <head>\n        <meta charset=\"utf-8\">\n        \
             <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        \
             <p>Error code: {status}</p>\n        <p>Message: {message}.</p>\n        \
             <p>Error code explanation: {status} - {explanation}.</p>\n    </body>\n</html>\n"
        )
        .into_bytes();
        let headers = vec![
            ("Connection", "close".to_owned()),
            ("Content-Type", "text/html;charset=utf-8".to_owned()),
            ("Content-Length", body.len().to_string()),
        ];
        Answer { status, reason: reason.to_owned(), headers, body }
    }

    fn not_found() -> Self {
        Answer::error(404, "File not found", "Nothing matches the given URI")
    }
}

/// What stands at a path below `folder`.
pub(super) fn answer(cx: &mut Context<'_>, folder: &str, url: &str) -> Answer {
    let without_fragment = url.split('#').next().unwrap_or_default();
    let (path, query) = match without_fragment.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (without_fragment, None),
    };
    let wants_folder = path.trim_end().ends_with('/');
    let plain = unquote(path);
    let mut steps: Vec<&str> = Vec::new();
    for step in plain.split('/').filter(|step| !step.is_empty() && *step != ".") {
        match step {
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    let root = if folder.is_empty() { "." } else { folder };
    let file = std::iter::once(root).chain(steps.iter().copied()).collect::<Vec<_>>().join("/");
    if let Ok(entries) = cx.files.list(&file) {
        if !wants_folder {
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            let headers = vec![("Location", format!("{path}/{query}")), ("Content-Length", "0".to_owned())];
            return Answer { status: 301, reason: "Moved Permanently".into(), headers, body: Vec::new() };
        }
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        return match ["index.html", "index.htm"].into_iter().find(|name| has(name)) {
            Some(name) => send(cx, &file, name),
            None => list(&plain, entries),
        };
    }
    match steps.split_last() {
        Some((name, before)) if !wants_folder => {
            let parent = std::iter::once(root).chain(before.iter().copied()).collect::<Vec<_>>().join("/");
            send(cx, &parent, name)
        }
        _ => Answer::not_found(),
    }
}

fn send(cx: &mut Context<'_>, folder: &str, name: &str) -> Answer {
    let Ok(body) = cx.files.read(&format!("{folder}/{name}")) else { return Answer::not_found() };
    let entries = cx.files.list(folder).unwrap_or_default();
    let modified = entries.iter().find(|entry| entry.name == name).map_or(0, |entry| entry.modified_s);
    let mut answer = Answer::ok(kind(name), body);
    answer.headers.push(("Last-Modified", moment(Duration::from_secs(modified))));
    answer
}

fn list(path: &str, mut entries: Vec<Entry>) -> Answer {
    entries.sort_by_key(|entry| entry.name.to_lowercase());
    let title = format!("Directory listing for {}", escape(path));
    let mut out = format!(
        "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<hr>\n<ul>\n"
    );
    for entry in entries {
        let slash = if entry.is_folder { "/" } else { "" };
        let mark = if entry.is_link { "@" } else { slash };
        let link = quote(&format!("{}{slash}", entry.name));
        out += &format!("<li><a href=\"{link}\">{}{mark}</a></li>\n", escape(&entry.name));
    }
    out += "</ul>\n<hr>\n</body>\n</html>\n";
    Answer::ok("text/html; charset=utf-8", out.into_bytes())
}

/// `html.escape`, quotes left.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `urllib.parse.quote`.
fn quote(text: &str) -> String {
    let one = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b"_.-~/".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

/// `urllib.parse.unquote`.
fn unquote(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A file's type by the end of its name.
fn kind(name: &str) -> &'static str {
    let end = name.rsplit_once('.').filter(|(before, _)| !before.is_empty()).map_or("", |(_, end)| end);
    match end.to_ascii_lowercase().as_str() {
        "gz" => "application/gzip",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "html" | "htm" => "text/html",
        "txt" | "c" | "h" | "bat" | "pl" | "ksh" => "text/plain",
        "css" => "text/css",
        "csv" => "text/csv",
        "py" => "text/x-python",
        "xml" => "text/xml",
        "js" | "mjs" => "application/javascript",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "sh" => "application/x-sh",
        "tar" => "application/x-tar",
        "zip" => "application/zip",
        "png" => "image/png",
        "gif" => "image/gif",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "svg" => "image/svg+xml",
        "ico" => "image/vnd.microsoft.icon",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_python_quotes_them() {
        assert_eq!(quote("a b&c.html"), "a%20b%26c.html");
        assert_eq!(unquote("a%20b%zz%2"), "a b%zz%2");
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; \"b\"&gt;");
    }
}
