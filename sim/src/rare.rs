//! State that most namespaces and devices never have: nothing until it is first changed, and then in a box.
//!
//! Kernel counterpart: none; there a namespace costs a third of a megabyte. Whoever only looks sees what a new one would be,
//! of which there is one for all. Deliberately absent: giving the box back.

use std::ops::{Deref, DerefMut};

/// A `T` that is [`Default`] until it is changed.
pub(crate) struct Rare<T>(Option<Box<T>>);

/// What has one instance that is never changed.
pub(crate) trait Resting: Default + 'static {
    /// That one.
    fn resting() -> &'static Self;
}

/// Says of types that they have one.
macro_rules! resting {
    ($($kind:ty),+ $(,)?) => {
        $(impl crate::rare::Resting for $kind {
            fn resting() -> &'static Self {
                static RESTING: std::sync::LazyLock<$kind> = std::sync::LazyLock::new(Default::default);
                &RESTING
            }
        })+
    };
}
pub(crate) use resting;

impl<T> Rare<T> {
    /// Whether it was ever changed.
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.0.is_some()
    }

    /// What there is to change, if it was ever changed.
    #[inline]
    pub(crate) fn used_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T> Rare<Vec<T>> {
    /// Whether there is none, without asking the one that rests.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_deref().is_none_or(Vec::is_empty)
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<T: Resting> Deref for Rare<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::resting())
    }
}

impl<T: Resting> DerefMut for Rare<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
