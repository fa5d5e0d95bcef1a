//! Waiting for an instant of the machine's clock, to the nanosecond.

use super::executor::Net;
use crate::model::Instant;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

impl Net {
    /// Waits so long.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.sleep_until(self.now() + time)
    }

    /// Waits until then.
    pub fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep { net: self.clone(), at, timer: None }
    }

    /// Waits for a future, at most so long.
    pub async fn timeout<T>(&self, time: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        let (mut future, mut sleep) = (pin!(future), self.sleep(time));
        std::future::poll_fn(move |cx| {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            Pin::new(&mut sleep).poll(cx).map(|()| Err(Elapsed(())))
        })
        .await
    }
}

/// The time was over first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was over first")
    }
}

impl std::error::Error for Elapsed {}

/// Waits for an instant.
pub struct Sleep {
    net: Net,
    at: Instant,
    timer: Option<(Instant, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.net.now();
        let mut shared = self.net.shared.borrow_mut();
        if let Some(timer) = self.timer {
            shared.forget_timer(timer);
        }
        if now >= self.at {
            return Poll::Ready(());
        }
        let timer = shared.wait_until(self.at, cx);
        drop(shared);
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.net.shared.borrow_mut().forget_timer(timer);
        }
    }
}
