//! `ip -batch FILE`: a command on each line, which may run others.
//!
//! Counterpart: `batch()` of `ip/ip.c`.

use super::{After, Each, Ip, Options};
use crate::iproute::args::Stop;
use crate::iproute::batch::Lines;
use crate::job::{Context, Job, Next, Waits, Wake};
use nettwin_model::NetnsName;

/// A batch that runs.
pub(super) struct Batch {
    options: Options,
    netns: NetnsName,
    lines: Lines,
    each: Option<Each>,
    /// Links are shown as `ip link` does it, since it was called.
    link_only: bool,
}

impl Batch {
    pub(super) fn new(options: Options, netns: NetnsName, file: String) -> Self {
        let lines = Lines::of(file, options.force);
        Batch { options, netns, lines, each: None, link_only: false }
    }

    /// Runs lines until one runs another program.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Result<Next, Stop> {
        while let Some(words) = self.lines.next()? {
            let mut ip = Ip::new(cx, &self.netns, self.options.clone())?;
            ip.link_only = self.link_only;
            let ran = ip.object(&words);
            self.link_only = ip.link_only;
            match ran {
                Ok(After::Done) => {}
                Ok(After::Input) => return Err(super::route_dump::refuse_in_batch()),
                Ok(After::Run(program)) => return Ok(Next::Spawn(program)),
                Ok(After::RunEach(mut each)) => {
                    let first = each.next(cx);
                    self.each = Some(each);
                    if let Some(program) = first {
                        return Ok(Next::Spawn(program));
                    }
                }
                Err(stop) if stop.exits => return Err(stop),
                Err(stop) => {
                    cx.print(stop.out);
                    cx.complain(&stop.text);
                    self.lines.failed(cx);
                }
            }
        }
        Ok(Next::Done(self.lines.status))
    }

    fn woken(&mut self, cx: &mut Context<'_>, why: Wake) -> Result<Next, Stop> {
        if let Wake::Child(status) = why {
            match &mut self.each {
                // What became of each is nobody's business.
                Some(each) => match each.next(cx) {
                    Some(program) => return Ok(Next::Spawn(program)),
                    None => self.each = None,
                },
                None if status != 0 => self.lines.failed(cx),
                None => {}
            }
        } else if !self.lines.read(cx)? {
            return Ok(Next::Wait(Waits { input: true, ..Waits::default() }));
        }
        self.go_on(cx)
    }
}

impl Job for Batch {
    fn wake(&mut self, cx: &mut Context<'_>, why: Wake) -> Next {
        self.woken(cx, why).unwrap_or_else(|stop| super::end(cx, stop))
    }
}
