//! URLs of `http`, and where a redirection leads.
//!
//! Counterpart: `urlapi.c` of curl 7.88. Deliberately absent, and refused by name: users, IPv6, globs, other schemes that the
//! real tool knows.

use super::Failed;

/// An URL of `http`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) host: String,
    pub(super) port: u16,
    /// From the first slash on.
    pub(super) path: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url, Failed> {
        let malformed = || Failed(3, "URL using bad/illegal format or missing URL".into());
        let rest = match text.split_once("://") {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "http" => rest,
                "https" | "ftp" | "file" | "tftp" | "telnet" | "ftps" | "scp" | "sftp" | "smtp" | "dict" | "gopher" => {
                    return Err(Failed(255, format!("{scheme}://")));
                }
                scheme => {
                    return Err(Failed(1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl")));
                }
            },
            None => text,
        };
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(at);
        if place.contains('@') || place.starts_with('[') || rest.contains(['{', '[']) {
            return Err(Failed(255, text.to_owned()));
        }
        let (host, port) = match place.split_once(':') {
            Some((host, "")) => (host, 80),
            Some((host, port)) => (host, port.parse().map_err(|_| malformed())?),
            None => (place, 80),
        };
        if host.is_empty() || host.contains(' ') {
            return Err(malformed());
        }
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { normal(path) } else { format!("/{path}") };
        Ok(Url { host: host.to_owned(), port, path })
    }

    pub(super) fn text(&self) -> String {
        let port = if self.port == 80 { String::new() } else { format!(":{}", self.port) };
        format!("http://{}{port}{}", self.host, self.path)
    }

    /// What was typed, completed.
    pub(super) fn effective(&self, typed: &str, redirects: u32) -> String {
        if redirects > 0 || !typed.contains("://") || typed.matches('/').count() < 3 {
            self.text()
        } else {
            typed.to_owned()
        }
    }
}

/// A path without `.` and `..`.
fn normal(path: &str) -> String {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (path, String::new()),
    };
    let mut steps: Vec<&str> = Vec::new();
    let all: Vec<&str> = path.split('/').skip(1).collect();
    for (i, step) in all.iter().enumerate() {
        let is_last = i + 1 == all.len();
        match *step {
            "." | ".." => {
                if *step == ".." {
                    steps.pop();
                }
                if is_last {
                    steps.push("");
                }
            }
            step => steps.push(step),
        }
    }
    format!("/{}{query}", steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let read = |text: &str| Url::parse(text).map(|url| url.text()).map_err(|failed| failed.0);
        assert_eq!(read("10.0.0.2"), Ok("http://10.0.0.2/".into()));
        assert_eq!(read("http://h:8000/a/../b?x=1#f"), Ok("http://h:8000/b?x=1".into()));
        assert_eq!((read("http://"), read("foo://x"), read("https://x")), (Err(3), Err(1), Err(255)));
    }
}
