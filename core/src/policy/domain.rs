//! Names of domains, and patterns of them.

use std::fmt;

use smol_str::SmolStr;

/// How far a `*` in a pattern of domain names reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Wildcard {
    /// `*.` in front stands for one label or more (`DomainName` of the network-policy-api, v1alpha2); elsewhere `*` means itself.
    #[default]
    Labels,
    /// `*.` in front stands for exactly one label; elsewhere `*` means itself.
    OneLabel,
    /// `*` stands for any characters within one label, none included, and `**.` in front for one label or more (`matchPattern` of Cilium,
    /// api/fqdn.go); a lone `*` stands for every name.
    WithinLabel,
}

/// A name, or a pattern of names, in lower case and without a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainPattern {
    text: SmolStr,
    wildcard: Wildcard,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This character.
    Char(char),
    /// One character or more that is no dot.
    Label,
    /// Any characters that are no dot.
    WithinLabel,
    /// One label or more, with dots between them.
    Labels,
}

impl DomainPattern {
    /// A pattern as it is written.
    pub fn new(text: &str, wildcard: Wildcard) -> Self {
        Self { text: text.to_lowercase().trim_end_matches('.').into(), wildcard }
    }

    /// One that stands for every name below another (`*.example.com`), or for one name.
    pub fn of_name(text: &str) -> Self {
        Self::new(text, Wildcard::Labels)
    }

    /// As it is written, in lower case.
    pub fn text(&self) -> &SmolStr {
        &self.text
    }

    /// Whether it stands for one name only.
    pub fn is_name(&self) -> bool {
        self.pieces().iter().all(|piece| matches!(piece, Piece::Char(_)))
    }

    /// Whether it stands for every name.
    pub fn is_everything(&self) -> bool {
        matches!(self.pieces().as_slice(), [Piece::Labels])
    }

    fn pieces(&self) -> Vec<Piece> {
        let chars = |text: &str| text.chars().map(Piece::Char).collect::<Vec<_>>();
        let with = |first: Piece, rest: &str| [vec![first], chars(rest)].concat();
        match (self.wildcard, self.text.as_str()) {
            (_, "*") => vec![Piece::Labels],
            (Wildcard::Labels, text) if text.starts_with("*.") => with(Piece::Labels, &text[1..]),
            (Wildcard::OneLabel, text) if text.starts_with("*.") => with(Piece::Label, &text[1..]),
            (Wildcard::Labels | Wildcard::OneLabel, text) => chars(text),
            (Wildcard::WithinLabel, text) => {
                let (mut pieces, rest) = match text.strip_prefix("**.") {
                    Some(rest) => (vec![Piece::Labels, Piece::Char('.')], rest),
                    None => (Vec::new(), text),
                };
                pieces.extend(rest.chars().map(|c| if c == '*' { Piece::WithinLabel } else { Piece::Char(c) }));
                pieces.dedup_by(|a, b| *a == Piece::WithinLabel && *b == Piece::WithinLabel);
                pieces
            }
        }
    }

    /// Whether every name that another stands for is one that this one stands for.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || covers(&self.pieces(), &other.pieces())
    }

    /// Whether some name may be one that both stand for.
    pub fn overlaps(&self, other: &Self) -> bool {
        overlaps(&self.pieces(), &other.pieces())
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which rests of `some` are left when a run of it, beginning at its begin, was taken by a piece that stands for many characters.
fn runs(some: &[Piece], takes: impl Fn(Piece) -> bool, at_least_one: bool) -> impl Iterator<Item = &[Piece]> {
    let longest = some.iter().take_while(|piece| takes(**piece)).count();
    (usize::from(at_least_one)..=longest).filter_map(move |n| some.get(n..))
}

/// Whether all that `some` stands for is what `all` stands for, as far as piece by piece shows it.
fn covers(all: &[Piece], some: &[Piece]) -> bool {
    let within = |piece: Piece| !matches!(piece, Piece::Char('.') | Piece::Labels);
    match all.split_first() {
        None => some.is_empty(),
        Some((Piece::Char(c), rest)) => some.split_first().is_some_and(|(first, others)| *first == Piece::Char(*c) && covers(rest, others)),
        Some((Piece::Labels, rest)) => runs(some, |_| true, true).any(|left| covers(rest, left)),
        Some((Piece::Label, rest)) => {
            // What may be nothing is not a label by itself.
            let has_some = |left: &[Piece]| {
                let taken = some.get(..some.len() - left.len()).unwrap_or_default();
                taken.iter().any(|piece| *piece != Piece::WithinLabel)
            };
            runs(some, within, true).any(|left| has_some(left) && covers(rest, left))
        }
        Some((Piece::WithinLabel, rest)) => runs(some, within, false).any(|left| covers(rest, left)),
    }
}

/// Whether something is what both stand for.
fn overlaps(a: &[Piece], b: &[Piece]) -> bool {
    let is_dot = |piece: Piece| piece == Piece::Char('.');
    match (a.split_first(), b.split_first()) {
        (None, None) => true,
        (Some((Piece::Char(x), a)), Some((Piece::Char(y), b))) => x == y && overlaps(a, b),
        (Some((Piece::Labels, rest)), _) => runs(b, |_| true, true).any(|left| overlaps(rest, left)) || starts_many(b, a),
        (_, Some((Piece::Labels, _))) => overlaps(b, a),
        (Some((Piece::Label, rest)), _) => runs(b, |piece| !is_dot(piece), true).any(|left| overlaps(rest, left)) || starts_many(b, a),
        (_, Some((Piece::Label, _))) => overlaps(b, a),
        (Some((Piece::WithinLabel, rest)), _) => {
            runs(b, |piece| !is_dot(piece), false).any(|left| overlaps(rest, left)) || starts_many(b, a)
        }
        (_, Some((Piece::WithinLabel, _))) => overlaps(b, a),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether `many` begins with a piece of many characters that may take a run of `other` in its turn.
fn starts_many(many: &[Piece], other: &[Piece]) -> bool {
    let Some((first, rest)) = many.split_first() else { return false };
    match first {
        Piece::Char(_) => false,
        Piece::Labels => runs(other, |_| true, true).any(|left| overlaps(rest, left)),
        Piece::Label => runs(other, |piece| piece != Piece::Char('.'), true).any(|left| overlaps(rest, left)),
        Piece::WithinLabel => runs(other, |piece| piece != Piece::Char('.'), false).any(|left| overlaps(rest, left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_its_wildcard_reaches() {
        use Wildcard::{Labels, OneLabel, WithinLabel};
        let cases = [
            ("*.k.io", Labels, "www.k.io", true),
            ("*.k.io", Labels, "a.b.k.io", true),
            ("*.k.io", Labels, "k.io", false),
            ("*.k.io", Labels, "xk.io", false),
            ("*.k.io", OneLabel, "www.k.io", true),
            ("*.k.io", OneLabel, "a.b.k.io", false),
            ("*.k.io", WithinLabel, "www.k.io", true),
            ("*.k.io", WithinLabel, "a.b.k.io", false),
            ("**.k.io", WithinLabel, "a.b.k.io", true),
            ("**.k.io", WithinLabel, "k.io", false),
            ("api-*.k.io", WithinLabel, "api-7.k.io", true),
            ("api-*.k.io", WithinLabel, "api-.k.io", true),
            ("api-*.k.io", WithinLabel, "api-7.x.k.io", false),
            ("*", WithinLabel, "a.b.k.io", true),
            ("K.io.", Labels, "k.io", true),
        ];
        for (pattern, wildcard, name, expected) in cases {
            let (pattern, name) = (DomainPattern::new(pattern, wildcard), DomainPattern::of_name(name));
            assert_eq!(pattern.covers(&name), expected, "{pattern:?} {name:?}");
            assert_eq!(pattern.overlaps(&name), expected, "{pattern:?} {name:?}");
            assert_eq!(name.overlaps(&pattern), expected, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn patterns_cover_and_overlap_patterns() {
        use Wildcard::{Labels, WithinLabel};
        let wide = DomainPattern::new("*.k.io", Labels);
        let narrow = DomainPattern::new("*.k.io", WithinLabel);
        assert!(wide.covers(&wide) && narrow.covers(&narrow) && !narrow.covers(&wide) && narrow.overlaps(&wide) && wide.overlaps(&narrow));
        let below = DomainPattern::new("*.a.k.io", Labels);
        assert!(wide.covers(&below) && !below.covers(&wide) && below.overlaps(&wide) && wide.overlaps(&below));
        let (ends, begins) = (DomainPattern::new("*z.io", WithinLabel), DomainPattern::new("a*.io", WithinLabel));
        assert!(ends.overlaps(&begins) && begins.overlaps(&ends) && !ends.covers(&begins));
        assert!(!wide.overlaps(&DomainPattern::of_name("*.k.org")));
    }
}
