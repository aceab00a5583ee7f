//! Small helpers for sentences.

/// `1 pod`, `3 pods`
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A key by which texts with numbers sort as people count: `/rules/2` before `/rules/10`.
pub(crate) fn natural_key(text: &str) -> Vec<(u64, String)> {
    text.split('/').map(|part| part.parse().map_or_else(|_| (0, part.to_owned()), |number| (number, String::new()))).collect()
}
