//! Suffixes, identifiers and other values that a cluster draws at random, and that are drawn from names here.

use portolan_core::Kind;

/// The letters and digits that Kubernetes draws suffixes from: none that could spell a word or be misread.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A number drawn from a text: FNV-1a, then mixed so that near texts give far numbers.
pub fn number(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(hash)
}

/// A suffix of so many letters, as of a pod.
pub fn suffix(text: &str, n_letters: usize) -> String {
    let mut state = number(text);
    let mut letters = String::with_capacity(n_letters);
    for _ in 0..n_letters {
        let index = usize::try_from(state % 27).unwrap_or_default();
        letters.push(char::from(ALPHABET[index]));
        state = mix(state);
    }
    letters
}

/// The identifier of an object.
pub fn uid(kind: Kind, namespace: &str, name: &str) -> String {
    let first = number(&format!("{} {namespace}/{name}", kind.name()));
    let second = mix(first);
    // Version 4, variant 1, as a server's are.
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        first >> 32,
        (first >> 16) & 0xffff,
        first & 0xfff,
        0x8000 | ((second >> 48) & 0x3fff),
        second & 0xffff_ffff_ffff
    )
}

/// The finaliser of SplitMix64.
const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
