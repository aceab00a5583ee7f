//! Text that has to fit: measured, and shortened with an ellipsis where it is too long.

/// A type face of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// Names: semibold.
    Title,
    /// Facts and counts: regular, smaller.
    Fact,
}

/// `text`, or as much of its beginning as fits into `room` with an ellipsis behind it.
pub fn elide(text: &str, face: Face, room: f32, measure: &mut dyn FnMut(&str, Face) -> f32) -> String {
    if measure(text, face) <= room {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let shortened = |n: usize| format!("{}\u{2026}", text[..ends[n]].trim_end());
    // The longest beginning that fits, by halving.
    let (mut fits, mut too_long) = (0, ends.len());
    while too_long - fits > 1 {
        let middle = usize::midpoint(fits, too_long);
        if measure(&shortened(middle), face) <= room { fits = middle } else { too_long = middle }
    }
    if ends.is_empty() { String::new() } else { shortened(fits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_ends_in_an_ellipsis_and_fits() {
        let mut measure = |text: &str, _: Face| text.chars().count() as f32;
        assert_eq!(elide("payments", Face::Title, 8.0, &mut measure), "payments");
        assert_eq!(elide("payments", Face::Title, 5.0, &mut measure), "paym\u{2026}");
        assert_eq!(elide("größe ok", Face::Title, 7.0, &mut measure), "größe\u{2026}");
        assert_eq!(elide("", Face::Title, 0.0, &mut measure), "");
    }
}
