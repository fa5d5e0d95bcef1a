//! Randomness: streams of numbers, each keyed by the simulation's seed and a name.
//!
//! Kernel counterpart: `get_random_u32()`. Two streams never share state, so drawing from one does not disturb another.
//! Deliberately absent: any source from outside.

/// One stream (xoshiro256++, seeded through splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    s: [u64; 4],
}

impl Rng {
    /// The stream of this seed and name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over the name, so that the key does not depend on any library's hash.
        let key =
            name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let mut x = seed ^ key.rotate_left(32);
        let mut split = || {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Rng { s: [split(), split(), split(), split()] }
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.s;
        let out = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c2, d2) = (c ^ a, d ^ b);
        self.s = [a ^ d2, b ^ c2, c2 ^ (b << 17), d2.rotate_left(45)];
        out
    }

    /// The next 32 bits.
    pub(crate) fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32 // the upper half, all of it
    }

    /// A number below `bound`, which is not zero (`get_random_u32_below`).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Multiply and keep the high half; the bias is below 2^-32 for every bound in use.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64 // the high half fits by construction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_apart_by_seed_and_name() {
        let first = |seed, name| Rng::new(seed, name).next_u64();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
        let mut rng = Rng::new(7, "below");
        let mut seen = [false; 5];
        (0..200).for_each(|_| seen[rng.below(5) as usize] = true);
        assert_eq!(seen, [true; 5]);
    }
}
