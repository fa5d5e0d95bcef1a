//! Whatever is typed to whatever command.

mod babble;

use babble::babble;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_words(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        babble(&bytes);
    }

    #[test]
    fn one_line_of_one_command(tool in any::<u8>(), words in prop::collection::vec((2..255_u8, any::<u8>()), 0..8)) {
        let bytes: Vec<u8> = std::iter::once(tool).chain(words.into_iter().flat_map(|(high, low)| [high, low])).collect();
        babble(&bytes);
    }
}
