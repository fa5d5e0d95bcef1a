//! A list that nearly always has one element at most: that one lies in it, and only more take memory of their own.
//!
//! Kernel counterpart: none; there such lists are linked. Deliberately absent: room for elements to come.

use std::ops::{Deref, DerefMut};

/// Elements in order.
#[derive(Clone, Debug, Default)]
pub(crate) enum Few<T> {
    /// None.
    #[default]
    Nothing,
    /// One.
    One(T),
    /// Two or more.
    #[expect(clippy::box_collection, reason = "as short as one pointer")]
    More(Box<Vec<T>>),
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Few::Nothing => &[],
            Few::One(one) => std::slice::from_ref(one),
            Few::More(all) => all,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Few::Nothing => &mut [],
            Few::One(one) => std::slice::from_mut(one),
            Few::More(all) => all,
        }
    }
}

impl<T> Few<T> {
    /// Puts an element before the one at that place.
    pub(crate) fn insert(&mut self, at: usize, new: T) {
        *self = match std::mem::take(self) {
            Few::Nothing => Few::One(new),
            Few::One(one) => Few::More(Box::new(if at == 0 { vec![new, one] } else { vec![one, new] })),
            Few::More(mut all) => {
                all.insert(at, new);
                Few::More(all)
            }
        };
    }

    /// Takes an element out, which is there.
    pub(crate) fn remove(&mut self, at: usize) -> T {
        let mut all = std::mem::take(self).into_vec();
        let gone = all.remove(at);
        *self = all.into();
        gone
    }

    /// Keeps those of which that is true.
    pub(crate) fn retain_mut(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let is_kept = match self {
            Few::Nothing => return,
            Few::One(one) => keep(one),
            Few::More(all) => {
                all.retain_mut(keep);
                all.len() > 1
            }
        };
        if !is_kept {
            let left = if let Few::More(all) = self { all.pop() } else { None };
            *self = left.map_or(Few::Nothing, Few::One);
        }
    }

    fn into_vec(self) -> Vec<T> {
        match self {
            Few::Nothing => Vec::new(),
            Few::One(one) => vec![one],
            Few::More(all) => *all,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut all: Vec<T>) -> Self {
        if all.len() > 1 {
            return Few::More(Box::new(all));
        }
        all.pop().map_or(Few::Nothing, Few::One)
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        all.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Few<T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_a_vector() {
        let (mut few, mut all) = (Few::default(), Vec::new());
        for (at, new) in [(0, 1), (0, 2), (2, 3), (1, 4)] {
            few.insert(at, new);
            all.insert(at, new);
            assert_eq!(*few, *all);
        }
        assert_eq!((few.remove(1), all.remove(1)), (4, 4));
        few.retain_mut(|n| *n > 1);
        assert_eq!(*few, [2, 3]);
        few.retain_mut(|n| *n > 2);
        assert!(matches!(few, Few::One(3)), "one takes no memory of its own");
        few.retain_mut(|n| *n > 3);
        assert!(matches!(few, Few::Nothing));
        assert!(matches!([5].into_iter().collect(), Few::One(5)));
    }
}
