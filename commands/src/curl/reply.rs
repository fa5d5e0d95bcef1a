//! An HTTP response as it comes in.
//!
//! Counterpart: `lib/http.c`, `lib/http_chunks.c` of curl 7.88. Deliberately absent: trailers, encodings, HTTP/2.

/// A response.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) version: String,
    pub(super) status: u16,
    /// The status line and the headers.
    pub(super) headers: Vec<String>,
    /// Of what has come the first part was told of.
    pub(super) told: bool,
    heard: Vec<u8>,
    headed: bool,
    any: bool,
    /// Bytes of the body so far.
    got: u64,
    /// What is left of a chunk; the last one has come.
    chunk: u64,
    last_chunk: bool,
    /// How many bytes the last piece had on the wire.
    wire: usize,
}

/// When a response is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// It is.
    Now,
    /// With the connection.
    Open,
    /// With so many bytes more.
    Missing(u64),
    /// With more chunks.
    Chunks,
}

/// It does not begin as one.
#[derive(Debug)]
pub(super) struct NoResponse;

impl Response {
    /// Takes bytes that have come.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), NoResponse> {
        self.any |= !bytes.is_empty();
        self.heard.extend(bytes);
        self.wire = bytes.len();
        if self.headed {
            return Ok(());
        }
        let begins = self.heard.len().min(5);
        if self.heard[..begins] != b"HTTP/"[..begins] {
            return Err(NoResponse);
        }
        let end = self.heard.windows(4).position(|four| four == b"\r\n\r\n").map(|at| (at, at + 4));
        let end = end.or_else(|| self.heard.windows(2).position(|two| two == b"\n\n").map(|at| (at, at + 2)));
        if let Some((end, body)) = end {
            let head = String::from_utf8_lossy(&self.heard[..end]).into_owned();
            self.headers = head.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect();
            let mut words = self.headers[0].split(' ');
            self.version = words.next().unwrap_or_default().to_owned();
            self.status = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            self.heard.drain(..body);
            self.wire = self.heard.len();
            self.headed = true;
        }
        Ok(())
    }

    pub(super) fn is_headed(&self) -> bool {
        self.headed
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.iter().skip(1).filter_map(|line| line.split_once(':'));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length").and_then(|value| value.parse().ok())
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    pub(super) fn keeps_alive(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive"))
    }

    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Whether the connection could be used again.
    pub(super) fn stays(&self) -> bool {
        let is_bounded = self.length().is_some() || self.is_chunked() || self.has_no_body();
        is_bounded && !self.closes() && (self.version != "HTTP/1.0" || self.keeps_alive())
    }

    fn has_no_body(&self) -> bool {
        matches!(self.status, 100..200 | 204 | 304)
    }

    /// The bytes that a piece of the body, of so many bytes, took on the wire.
    pub(super) fn last_bytes(&self, body: usize) -> usize {
        if self.is_chunked() { self.wire } else { body }
    }

    /// What of the body has come since it was last asked for.
    pub(super) fn body(&mut self, head_only: bool) -> Vec<u8> {
        if !self.headed || head_only || self.has_no_body() {
            return Vec::new();
        }
        let mut out = Vec::new();
        if self.is_chunked() {
            self.chunks(&mut out);
        } else {
            let left = self.length().map_or(u64::MAX, |length| length.saturating_sub(self.got));
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(self.heard.len());
            out.extend(self.heard.drain(..take));
        }
        self.got += out.len() as u64;
        out
    }

    fn chunks(&mut self, out: &mut Vec<u8>) {
        while !self.last_chunk {
            if self.chunk > 0 {
                let take = usize::try_from(self.chunk).unwrap_or(usize::MAX).min(self.heard.len());
                out.extend(self.heard.drain(..take));
                self.chunk -= take as u64;
                if self.chunk > 0 {
                    return;
                }
            }
            // The line's end behind a chunk is an empty line before the next size.
            let Some(at) = self.heard.windows(2).position(|two| two == b"\r\n") else { return };
            let line = String::from_utf8_lossy(&self.heard[..at]).into_owned();
            self.heard.drain(..at + 2);
            if line.is_empty() {
                continue;
            }
            self.chunk = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
            self.last_chunk = self.chunk == 0;
        }
    }

    /// When it is over.
    pub(super) fn ends(&self, head_only: bool) -> Ends {
        match self.length() {
            _ if !self.headed => Ends::Open,
            _ if head_only || self.has_no_body() => Ends::Now,
            _ if self.is_chunked() => {
                if self.last_chunk {
                    Ends::Now
                } else {
                    Ends::Chunks
                }
            }
            Some(length) if self.got >= length => Ends::Now,
            Some(length) => Ends::Missing(length - self.got),
            None => Ends::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_put_together() {
        let mut r = Response::default();
        r.take(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").expect("a response");
        assert_eq!((r.body(false), r.ends(false)), (b"ab".to_vec(), Ends::Chunks));
        r.take(b"c\r\n0\r\n\r\n").expect("more");
        assert_eq!((r.body(false), r.ends(false), r.stays()), (b"c".to_vec(), Ends::Now, true));
    }

    #[test]
    fn a_body_has_its_length() {
        let mut r = Response::default();
        r.take(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabcd").expect("a response");
        assert_eq!((r.body(false), r.ends(false), r.stays()), (b"abc".to_vec(), Ends::Now, false));
        assert!(Response::default().take(b"hello").is_err());
    }
}
