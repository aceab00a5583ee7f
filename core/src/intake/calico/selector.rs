//! The selector language of Calico (libcalico-go, `lib/selector`): comparisons of labels with texts, joined by `&&` and `||`, negated by
//! `!`. `!=` and `not in` hold for a label that is absent.

use smol_str::SmolStr;

use crate::labels::{Likeness, Operator, Requirement, Selector};

/// Why a selector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Where, counted in characters from 1.
    pub(super) position: usize,
    /// What is wrong there.
    pub(super) message: String,
}

/// What the two functions that take nothing select.
#[derive(Debug, Clone)]
pub(super) struct Functions {
    /// `all()`
    pub(super) all: Selector,
    /// `global()`; `None` where it may not stand.
    pub(super) global: Option<Selector>,
}

/// Selectors within selectors, beyond which a text is taken to be a mistake.
const MOST_DEPTH: usize = 64;

/// Reads a selector. An empty one selects everything that `all()` does.
pub(super) fn parse(text: &str, functions: &Functions) -> Result<Selector, Unreadable> {
    let mut parser = Parser { text, at: 0, functions, depth: 0 };
    parser.skip_space();
    if parser.rest().is_empty() {
        return Ok(functions.all.clone());
    }
    let selector = parser.any()?;
    if parser.rest().is_empty() { Ok(selector) } else { parser.fail("the selector should end here") }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    functions: &'a Functions,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Unreadable> {
        let before = self.text.get(..self.at).unwrap_or_default();
        Err(Unreadable { position: before.chars().count() + 1, message: message.into() })
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    /// Whether a word or sign is next; takes it, and the space after it.
    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
            self.skip_space();
        }
        is_next
    }

    fn expect(&mut self, token: &str) -> Result<(), Unreadable> {
        if self.takes(token) { Ok(()) } else { self.fail(format!("{token:?} is missing here")) }
    }

    /// What `||` joins.
    fn any(&mut self) -> Result<Selector, Unreadable> {
        let mut some = vec![self.every()?];
        while self.takes("||") {
            some.push(self.every()?);
        }
        Ok(Selector::any_of(some))
    }

    /// What `&&` joins.
    fn every(&mut self) -> Result<Selector, Unreadable> {
        let mut selector = self.one()?;
        while self.takes("&&") {
            selector = selector.and_all(&self.one()?);
        }
        Ok(selector)
    }

    /// One comparison, function or parenthesis, with any number of `!` before it.
    fn one(&mut self) -> Result<Selector, Unreadable> {
        let mut is_negated = false;
        while self.rest().starts_with('!') && !self.rest().starts_with("!=") {
            self.takes("!");
            is_negated = !is_negated;
        }
        let selector = self.plain()?;
        Ok(if is_negated { selector.negated() } else { selector })
    }

    fn plain(&mut self) -> Result<Selector, Unreadable> {
        let start = self.at;
        if self.takes("(") {
            self.depth += 1;
            if self.depth > MOST_DEPTH {
                return self.fail("too many parentheses within each other");
            }
            let selector = self.any()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(selector);
        }
        if self.takes("has(") {
            let key = self.key()?;
            self.expect(")")?;
            return Ok(Selector::new(vec![Requirement { key, operator: Operator::Exists }]));
        }
        if self.takes("all(") {
            self.expect(")")?;
            return Ok(self.functions.all.clone());
        }
        if self.takes("global(") {
            self.expect(")")?;
            let Some(global) = &self.functions.global else {
                self.at = start;
                return self.fail("global() may stand in the namespaceSelector of a rule only");
            };
            return Ok(global.clone());
        }
        let key = self.key()?;
        let operator = self.operator()?;
        Ok(Selector::new(vec![Requirement { key, operator }]))
    }

    fn key(&mut self) -> Result<SmolStr, Unreadable> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
        let rest = self.rest();
        let key = rest.get(..rest.find(|c| !is_part(c)).unwrap_or(rest.len())).unwrap_or_default();
        if key.is_empty() {
            return self.fail("a label, a function or a parenthesis is missing here");
        }
        self.at += key.len();
        self.skip_space();
        Ok(key.into())
    }

    fn operator(&mut self) -> Result<Operator, Unreadable> {
        if self.takes("==") {
            return Ok(Operator::In(vec![self.literal()?]));
        }
        if self.takes("!=") {
            return Ok(Operator::NotIn(vec![self.literal()?]));
        }
        if self.takes("contains") {
            return Ok(Operator::Like(Likeness::Contains, self.literal()?));
        }
        if self.takes("starts") {
            self.expect("with")?;
            return Ok(Operator::Like(Likeness::StartsWith, self.literal()?));
        }
        if self.takes("ends") {
            self.expect("with")?;
            return Ok(Operator::Like(Likeness::EndsWith, self.literal()?));
        }
        if self.takes("not") {
            self.expect("in")?;
            return Ok(Operator::NotIn(self.set()?));
        }
        if self.takes("in") {
            return Ok(Operator::In(self.set()?));
        }
        self.fail("an operator is missing here: ==, !=, in, not in, contains, starts with or ends with")
    }

    fn set(&mut self) -> Result<Vec<SmolStr>, Unreadable> {
        self.expect("{")?;
        let mut values = Vec::new();
        while self.rest().starts_with(['"', '\'']) {
            values.push(self.literal()?);
            if !self.takes(",") {
                break;
            }
        }
        self.expect("}")?;
        Ok(values)
    }

    /// A text between quotes of either kind. There is no way to write a quote of its own kind in it.
    fn literal(&mut self) -> Result<SmolStr, Unreadable> {
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return self.fail("a text in quotes is missing here");
        };
        let inside = rest.get(1..).unwrap_or_default();
        let Some((literal, _)) = inside.split_once(quote) else { return self.fail("the quote is not closed") };
        self.at += literal.len() + 2;
        self.skip_space();
        Ok(literal.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::LabelSet;

    fn functions() -> Functions {
        let global = Selector::new(vec![Requirement { key: "@global".into(), operator: Operator::Exists }]);
        Functions { all: Selector::default(), global: Some(global) }
    }

    fn matches(text: &str, labels: &[(&str, &str)]) -> bool {
        let labels: LabelSet = labels.iter().copied().collect();
        parse(text, &functions()).unwrap_or_else(|error| panic!("{text}: {error:?}")).matches(&labels)
    }

    #[test]
    fn comparisons() {
        assert!(matches("a == 'x'", &[("a", "x")]) && !matches("a == 'x'", &[("a", "y")]) && !matches("a == 'x'", &[]));
        assert!(matches("a != \"x\"", &[]) && matches("a != 'x'", &[("a", "y")]) && !matches("a != 'x'", &[("a", "x")]));
        assert!(matches("a in {'x', 'y'}", &[("a", "y")]) && !matches("a in {}", &[("a", "y")]));
        assert!(matches("a not in {'x'}", &[]) && !matches("a not in {'x'}", &[("a", "x")]));
        assert!(matches("a contains 'b'", &[("a", "abc")]) && !matches("a contains 'b'", &[("a", "ac")]));
        assert!(matches("a starts with 'b'", &[("a", "bc")]) && !matches("a starts with 'b'", &[("a", "ab")]));
        assert!(matches("a ends with 'b'", &[("a", "ab")]) && !matches("a ends with 'b'", &[("a", "ba")]));
        assert!(matches("has(x.io/y)", &[("x.io/y", "")]) && !matches("has(x)", &[]));
    }

    #[test]
    fn and_binds_more_than_or_and_not_more_than_both() {
        assert!(matches("has(a) || has(b) && has(c)", &[("a", "")]));
        assert!(!matches("(has(a) || has(b)) && has(c)", &[("a", "")]));
        assert!(matches("!has(a) && has(b)", &[("b", "")]) && !matches("!(has(a) || has(b))", &[("b", "")]));
        assert!(matches("!!has(a)", &[("a", "")]) && matches(" ", &[]) && matches("all()", &[]));
        assert!(matches("global()", &[("@global", "")]) && !matches("global()", &[]) && matches("!global()", &[]));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let position = |text: &str| parse(text, &functions()).expect_err(text).position;
        assert_eq!(position("a == "), 6);
        assert_eq!(position("a = 'b'"), 3);
        assert_eq!(position("a == 'b' & c == 'd'"), 10);
        assert_eq!(position("é"), 1);
        assert_eq!(position("has(a) &&"), 10);
        assert_eq!(position("a == 'é' b"), 10);
        assert_eq!(position("(has(a)"), 8);
        assert!(parse("global()", &Functions { all: Selector::default(), global: None }).is_err());
        assert!(parse(&"(".repeat(100_000), &functions()).is_err(), "the stack holds");
    }
}
