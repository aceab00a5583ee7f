//! Calico's language of selectors, as its documentation has it.

use super::matching::Labels;

/// What a selector is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) labels: &'a Labels,
    /// Whether it is in no namespace (`global()`).
    pub(super) is_global: bool,
    /// Whether the selector is one of namespaces, so that `all()` is for whatever is in one.
    pub(super) is_of_namespaces: bool,
}

/// Whether a selector matches; an empty one does. `None` where it cannot be read.
pub(super) fn matches(selector: &str, facts: Facts<'_>) -> Option<bool> {
    if selector.trim().is_empty() {
        return Some(true);
    }
    let mut parser = Parser { rest: selector, facts };
    let value = parser.either()?;
    parser.rest.trim().is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    facts: Facts<'a>,
}

impl<'a> Parser<'a> {
    /// Takes a token, where it stands next.
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn needs(&mut self, token: &str) -> Option<()> {
        self.takes(token).then_some(())
    }

    /// `a || b`
    fn either(&mut self) -> Option<bool> {
        let mut value = self.both()?;
        while self.takes("||") {
            value |= self.both()?;
        }
        Some(value)
    }

    /// `a && b`, which binds closer.
    fn both(&mut self) -> Option<bool> {
        let mut value = self.one()?;
        while self.takes("&&") {
            value &= self.one()?;
        }
        Some(value)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("!") {
            return self.one().map(|value| !value);
        }
        if self.takes("(") {
            let value = self.either()?;
            return self.needs(")").map(|()| value);
        }
        if self.takes("has(") {
            let key = self.key()?;
            return self.needs(")").map(|()| self.facts.labels.contains_key(key));
        }
        for (name, value) in [("all()", !(self.facts.is_of_namespaces && self.facts.is_global)), ("global()", self.facts.is_global)] {
            if self.takes(name) {
                return Some(value);
            }
        }
        let key = self.key()?;
        let found = self.facts.labels.get(key).map(String::as_str);
        if self.takes("==") {
            Some(found == Some(self.text()?))
        } else if self.takes("!=") {
            Some(found != Some(self.text()?))
        } else if self.takes("not in") {
            Some(!self.set()?.iter().any(|value| found == Some(*value)))
        } else if self.takes("in") {
            Some(self.set()?.iter().any(|value| found == Some(*value)))
        } else if self.takes("contains") {
            let part = self.text()?;
            Some(found.is_some_and(|value| value.contains(part)))
        } else if self.takes("starts with") {
            let part = self.text()?;
            Some(found.is_some_and(|value| value.starts_with(part)))
        } else if self.takes("ends with") {
            let part = self.text()?;
            Some(found.is_some_and(|value| value.ends_with(part)))
        } else {
            None
        }
    }

    fn key(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c))).unwrap_or(rest.len());
        let (key, rest) = rest.split_at(end);
        self.rest = rest;
        (!key.is_empty()).then_some(key)
    }

    /// A text in single or double quotes.
    fn text(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| *c == '\'' || *c == '"')?;
        let (text, rest) = rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    /// `{'a', 'b'}`
    fn set(&mut self) -> Option<Vec<&'a str>> {
        self.needs("{")?;
        let mut values = Vec::new();
        while !self.takes("}") {
            values.push(self.text()?);
            self.takes(",");
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_as_the_documentation_says() {
        let labels: Labels = [("app", "web"), ("env", "dev")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let matches = |selector: &str| matches(selector, Facts { labels: &labels, is_global: false, is_of_namespaces: false });
        for (selector, expected) in [
            ("", Some(true)),
            ("all()", Some(true)),
            ("global()", Some(false)),
            ("!all()", Some(false)),
            ("app == 'web'", Some(true)),
            ("app != \"web\"", Some(false)),
            ("none != 'web'", Some(true)),
            ("app in {'db', 'web'}", Some(true)),
            ("none not in {'db'}", Some(true)),
            ("app not in {'db', 'web'}", Some(false)),
            ("has(app) && !has(none)", Some(true)),
            ("has(none) || app starts with 'w'", Some(true)),
            ("app == 'db' && env == 'dev' || env ends with 'ev'", Some(true)),
            ("app == 'db' && (env == 'dev' || env contains 'ev')", Some(false)),
            ("app ==", None),
            ("(app == 'web'", None),
        ] {
            assert_eq!(matches(selector), expected, "{selector}");
        }
    }
}
