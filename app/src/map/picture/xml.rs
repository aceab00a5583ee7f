//! Text within XML.

/// A text between tags or in an attribute. What XML has no place for becomes U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            char => escaped.push(char),
        }
    }
    escaped
}

/// The name of an element, from what it stands for: letters, digits, `-` and `.` stay, all else is written as its bytes.
pub(super) fn id(prefix: char, id: &str) -> String {
    let mut name = format!("{prefix}-");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("_{other:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_reads_as_its_own_is_escaped() {
        assert_eq!(escape("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
        assert_eq!(escape("größe\u{0}\u{b}\n\u{ffff}"), "größe\u{fffd}\u{fffd} \u{fffd}");
    }

    #[test]
    fn different_things_have_different_names() {
        assert_eq!(id('n', "pod/shop/cart-0"), "n-pod_2fshop_2fcart-0");
        assert_ne!(id('n', "a/b"), id('n', "a_2fb"));
        assert_eq!(id('e', "a>b c"), "e-a_3eb_20c");
    }
}
