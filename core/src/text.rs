//! Small helpers for sentences.

/// `1 pod`, `3 pods`
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
