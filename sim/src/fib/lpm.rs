//! The longest match among many prefixes: an array of arrays, one or two bytes of the address a step.
//!
//! Kernel counterpart: the trie of `net/ipv4/fib_trie.c`, which is path-compressed instead. It is built of all prefixes at
//! once and never changed: whoever changes them builds it anew when that pays (see [`super::leaves`]). Every slot is filled
//! with the longest prefix that covers it, and each prefix knows the next shorter one, so that a lookup which passes over a
//! route goes on from there. Deliberately absent: anything but numbers.

/// No prefix.
const NONE: u32 = u32::MAX;
/// A slot with this bit is the number of a further array.
const FURTHER: u32 = 1 << 31;
/// From so many prefixes on the first step takes two bytes at once: its array has 65 536 slots.
const WIDE_FROM: usize = 1000;

/// The prefixes, by numbers below 2^31 that their owner gives them.
pub(crate) struct Lpm {
    /// How far an address is shifted for the first step: 24 or 16.
    shift: u32,
    first: Vec<u32>,
    /// Arrays of 256 slots each.
    further: Vec<u32>,
    /// The next shorter prefix of each.
    shorter: Vec<u32>,
}

impl Lpm {
    /// Of prefixes `(address, length, number)`, the shortest first; there are `count` of them, with numbers below `numbers`.
    pub(crate) fn new(prefixes: impl Iterator<Item = (u32, u8, u32)>, count: usize, numbers: usize) -> Self {
        let shift = if count >= WIDE_FROM { 16 } else { 24 };
        let first = vec![NONE; 1 << (32 - shift)];
        let mut lpm = Lpm { shift, first, further: Vec::new(), shorter: vec![NONE; numbers] };
        for (addr, len, number) in prefixes {
            lpm.put(addr, u32::from(len), number);
        }
        lpm
    }

    /// The number of the longest prefix that covers `addr`.
    #[inline]
    pub(crate) fn find(&self, addr: u32) -> Option<u32> {
        let mut shift = self.shift;
        let mut slot = self.first[(addr >> shift) as usize];
        while slot & FURTHER != 0 && slot != NONE {
            shift -= 8;
            slot = self.further[((slot & !FURTHER) << 8 | addr >> shift & 0xff) as usize];
        }
        (slot != NONE).then_some(slot)
    }

    /// The number of the next shorter prefix that covers the one of that number.
    #[inline]
    pub(crate) fn shorter(&self, number: u32) -> Option<u32> {
        self.shorter.get(number as usize).copied().filter(|n| *n != NONE)
    }

    /// How much memory it takes, bytes.
    #[allow(dead_code, reason = "told by benches")]
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.first.capacity() + self.further.capacity() + self.shorter.capacity())
    }

    fn put(&mut self, addr: u32, len: u32, number: u32) {
        let mut shift = self.shift;
        let mut at = (addr >> shift) as usize;
        // Which array `at` is in: the first, or one of the further ones.
        let mut is_first = true;
        while 32 - shift < len {
            let slot = if is_first { self.first[at] } else { self.further[at] };
            let next = if slot & FURTHER != 0 && slot != NONE {
                slot & !FURTHER
            } else {
                // As many as there are prefixes, at most three times: far below 2^31.
                let next = (self.further.len() >> 8) as u32;
                self.further.resize(self.further.len() + 256, slot);
                *if is_first { &mut self.first[at] } else { &mut self.further[at] } = FURTHER | next;
                next
            };
            is_first = false;
            shift -= 8;
            at = (next << 8 | addr >> shift & 0xff) as usize;
        }
        let slots = if is_first { &mut self.first } else { &mut self.further };
        // Longer ones come later, so all of these have the same prefix until now.
        let slots = &mut slots[at..at + (1 << (32 - shift - len))];
        self.shorter[number as usize] = slots[0];
        slots.fill(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_matches(lpm: &Lpm, addr: u32) -> Vec<u32> {
        std::iter::successors(lpm.find(addr), |&n| lpm.shorter(n)).collect()
    }

    /// A cheap stream of numbers.
    fn scramble(n: u32) -> u32 {
        (n ^ n >> 15).wrapping_mul(0x2c1b_3c6d) ^ n.wrapping_mul(0x9e37_79b9)
    }

    #[test]
    fn finds_what_a_linear_search_finds() {
        for count in [0, 1, 30, 900, 3000] {
            let mut prefixes: Vec<(u32, u8)> = (0..count)
                .map(|n| {
                    let len = (scramble(n + 77) % 33) as u8;
                    // Near each other, so that they lie within each other.
                    let addr = scramble(n) & 0x0303_ffff;
                    (addr & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0), len)
                })
                .collect();
            prefixes.sort_by_key(|&(addr, len)| (len, addr));
            prefixes.dedup();
            let numbered = prefixes.iter().zip(0..).map(|(&(addr, len), number)| (addr, len, number));
            let lpm = Lpm::new(numbered, prefixes.len(), prefixes.len());
            for addr in (0..2000).map(|n| scramble(n + 1_000_000) & 0x0303_ffff) {
                let covers = |n: &u32| {
                    let (p, len) = prefixes[*n as usize];
                    (addr ^ p) & u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0) == 0
                };
                let expected: Vec<u32> = (0..prefixes.len() as u32).rev().filter(covers).collect();
                assert_eq!(all_matches(&lpm, addr), expected, "{addr:#x} among {count}");
            }
        }
    }
}
