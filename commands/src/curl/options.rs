//! `curl`'s command line.
//!
//! Counterpart: `tool_getparam.c`, `tool_paramhlp.c` of curl 7.88. Deliberately absent, and refused by name: everything about
//! other protocols than HTTP, TLS, proxies, cookies, uploads, retries, configuration files.

use crate::job::{Context, Next};
use crate::say;
use std::time::Duration;

/// What it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) silent: bool,
    pub(super) show_error: bool,
    pub(super) fail: bool,
    pub(super) head: bool,
    pub(super) include: bool,
    pub(super) verbose: bool,
    pub(super) location: bool,
    pub(super) no_meter: bool,
    pub(super) old: bool,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) max_time: Option<Duration>,
    pub(super) method: Option<String>,
    pub(super) data: Option<String>,
    pub(super) headers: Vec<String>,
    pub(super) agent: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) interface: Option<String>,
    pub(super) write_out: Option<String>,
    /// Where each body goes: a file, or (`None`) one that is called like the end of the URL.
    pub(super) outputs: Vec<Option<String>>,
    pub(super) urls: Vec<String>,
}

/// Options with a letter and without.
#[rustfmt::skip]
const KNOWN: &[(&str, char, bool)] = &[
    ("silent", 's', false), ("show-error", 'S', false), ("fail", 'f', false), ("head", 'I', false),
    ("include", 'i', false), ("verbose", 'v', false), ("location", 'L', false), ("output", 'o', true),
    ("remote-name", 'O', false), ("write-out", 'w', true), ("max-time", 'm', true), ("connect-timeout", '\u{1}', true),
    ("request", 'X', true), ("data", 'd', true), ("header", 'H', true), ("user-agent", 'A', true),
    ("referer", 'e', true), ("ipv4", '4', false), ("insecure", 'k', false), ("no-buffer", 'N', false),
    ("disable", 'q', false), ("url", '\u{2}', true), ("interface", '\u{3}', true), ("version", 'V', false),
    ("http1.0", '0', false), ("http1.1", '\u{4}', false), ("no-progress-meter", '\u{5}', false),
    ("noproxy", '\u{6}', true), ("compressed", '\u{7}', false), ("globoff", 'g', false),
];

/// Options that the real tool knows besides, by letter.
const OTHER_LETTERS: &str = "#:abBcCDEFGhJjKlMnPQpRrTtUuxYyzZ12369";

impl Options {
    /// Reads the command line.
    pub(super) fn parse(cx: &mut Context<'_>, words: &[String]) -> Result<Options, Next> {
        let mut options = Options::default();
        let mut words = words.iter().skip(1);
        let mut only_urls = false;
        while let Some(word) = words.next() {
            if only_urls || !word.starts_with('-') || word == "-" {
                options.urls.push(word.clone());
            } else if word == "--" {
                only_urls = true;
            } else if let Some(name) = word.strip_prefix("--") {
                let Some((_, key, takes)) = KNOWN.iter().find(|(full, ..)| *full == name) else {
                    return Err(long(cx, name));
                };
                let value = if *takes { Some(words.next().ok_or_else(|| missing(cx, word))?.clone()) } else { None };
                options.take(cx, *key, word, value.unwrap_or_default())?;
            } else {
                let mut letters = word[1..].chars();
                while let Some(letter) = letters.next() {
                    let Some((_, key, takes)) = KNOWN.iter().find(|(_, key, _)| *key == letter) else {
                        if OTHER_LETTERS.contains(letter) {
                            return Err(say::unsupported(cx, "curl", &format!("-{letter}")));
                        }
                        return Err(wrong(cx, &format!("option {word}: is unknown")));
                    };
                    let rest = letters.as_str();
                    let value = match (takes, rest) {
                        (false, _) => String::new(),
                        (true, "") => words.next().ok_or_else(|| missing(cx, word))?.clone(),
                        (true, rest) => rest.to_owned(),
                    };
                    options.take(cx, *key, word, value)?;
                    if *takes {
                        break;
                    }
                }
            }
        }
        if options.urls.is_empty() {
            cx.complain(TRY);
            return Err(Next::Done(2));
        }
        Ok(options)
    }

    fn take(&mut self, cx: &mut Context<'_>, key: char, word: &str, value: String) -> Result<(), Next> {
        match key {
            's' => self.silent = true,
            'S' => self.show_error = true,
            'f' => self.fail = true,
            'I' => self.head = true,
            'i' => self.include = true,
            'v' => self.verbose = true,
            'L' => self.location = true,
            '0' => self.old = true,
            '\u{5}' => self.no_meter = true,
            'o' => self.outputs.push(Some(value)),
            'O' => self.outputs.push(None),
            'w' => self.write_out = Some(value),
            'm' => self.max_time = seconds(cx, word, &value)?,
            '\u{1}' => self.connect_timeout = seconds(cx, word, &value)?,
            'X' => self.method = Some(value),
            'd' => {
                if value.starts_with('@') {
                    return Err(say::unsupported(cx, "curl", &format!("-d {value}")));
                }
                self.data = Some(match self.data.take() {
                    Some(before) => format!("{before}&{value}"),
                    None => value,
                });
            }
            'H' => self.headers.push(value),
            'A' => self.agent = Some(value),
            'e' => self.referer = Some(value),
            '\u{2}' => self.urls.push(value),
            '\u{3}' => self.interface = Some(value),
            'V' => {
                cx.print(VERSION);
                return Err(Next::Done(0));
            }
            '\u{7}' => return Err(say::unsupported(cx, "curl", word)),
            // What it says holds here anyway: IPv4, no proxy, no TLS, no buffer, no file.
            _ => {}
        }
        Ok(())
    }

    /// Whether a meter is shown.
    pub(super) fn has_meter(&self) -> bool {
        !self.silent && !self.no_meter
    }

    /// Whether errors are told.
    pub(super) fn tells_errors(&self) -> bool {
        !self.silent || self.show_error
    }
}

fn seconds(cx: &mut Context<'_>, word: &str, value: &str) -> Result<Option<Duration>, Next> {
    let number = value.parse().ok().and_then(|s: f64| Duration::try_from_secs_f64(s).ok());
    match number {
        Some(time) => Ok(Some(time).filter(|time| !time.is_zero())),
        None => Err(wrong(cx, &format!("option {word}: expected a proper numerical parameter"))),
    }
}

fn missing(cx: &mut Context<'_>, word: &str) -> Next {
    wrong(cx, &format!("option {word}: requires parameter"))
}

fn wrong(cx: &mut Context<'_>, complaint: &str) -> Next {
    cx.complain(&format!("curl: {complaint}\n{TRY}"));
    Next::Done(2)
}

/// A long option that is not among ours.
fn long(cx: &mut Context<'_>, name: &str) -> Next {
    const OTHERS: &[&str] = &[
        "anyauth",
        "basic",
        "cacert",
        "cookie",
        "cookie-jar",
        "config",
        "data-binary",
        "data-raw",
        "data-urlencode",
        "digest",
        "form",
        "get",
        "help",
        "http2",
        "ipv6",
        "json",
        "keepalive-time",
        "limit-rate",
        "local-port",
        "max-redirs",
        "netrc",
        "no-keepalive",
        "parallel",
        "progress-bar",
        "proxy",
        "range",
        "resolve",
        "retry",
        "retry-connrefused",
        "retry-delay",
        "retry-max-time",
        "speed-limit",
        "speed-time",
        "socks5",
        "stderr",
        "trace",
        "trace-ascii",
        "unix-socket",
        "upload-file",
        "user",
        "remote-time",
        "create-dirs",
        "fail-with-body",
        "dump-header",
    ];
    if OTHERS.contains(&name) {
        return say::unsupported(cx, "curl", &format!("--{name}"));
    }
    wrong(cx, &format!("option --{name}: is unknown"))
}

const TRY: &str = "curl: try 'curl --help' or 'curl --manual' for more information\n";
const VERSION: &str = "curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.19 zlib/1.2.13 brotli/1.0.9 \
zstd/1.5.4 libidn2/2.3.3 libpsl/0.21.2 (+libidn2/2.3.3) libssh2/1.10.0 nghttp2/1.52.0 librtmp/2.3 OpenLDAP/2.5.13
Release-Date: 2023-02-20, security patched: 7.88.1-10+deb12u15
Protocols: dict file ftp ftps gopher gophers http https imap imaps ldap ldaps mqtt pop3 pop3s rtmp rtsp scp sftp smb \
smbs smtp smtps telnet tftp
Features: alt-svc AsynchDNS brotli GSS-API HSTS HTTP2 HTTPS-proxy IDN IPv6 Kerberos Largefile libz NTLM NTLM_WB PSL \
SPNEGO SSL threadsafe TLS-SRP UnixSockets zstd
";
