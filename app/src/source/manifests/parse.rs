//! Text to values: each document as JSON where it is JSON, else as YAML, with errors that say where.

use std::path::Path;

use rayon::prelude::*;
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::documents::{self, Document};
use super::helm;
use super::list;
use super::value::{Node, Room, StrictJson};

/// How many documents of one text may fail before the rest of it is given up.
const MAX_FAILURES: usize = 100;

/// From how many bytes on a document that is a list is taken apart.
const LARGE: usize = 64 << 10;

/// How many brackets may be open at once. The YAML parser takes a time that grows with the square of it, before it looks at depth.
const MAX_OPEN_BRACKETS: usize = 10_000;

/// What `take` makes of each value of a text and the line on which it starts, or else what is wrong, with its line and column.
///
/// Documents are parsed side by side, on as many cores as there are; the answers come in the order of the text.
pub fn parse<T: Send>(file: &Path, text: &str, take: impl Fn(usize, Value) -> T + Sync) -> Vec<Result<T, String>> {
    let is_json_file = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let documents = documents::split(text);
    let parsed: Vec<Result<Vec<T>, Fault>> = documents.par_iter().map(|document| take_document(document, is_json_file, &take)).collect();
    let mut taken = Vec::new();
    let mut n_failures = 0;
    for (document, parsed) in documents.iter().zip(parsed) {
        match parsed {
            Ok(values) => taken.extend(values.into_iter().map(Ok)),
            Err(fault) => {
                taken.push(Err(fault.locate(document).describe(document)));
                n_failures += 1;
                if n_failures == MAX_FAILURES {
                    taken.push(Err(format!("line {}: {MAX_FAILURES} documents could not be read; the rest is left out", document.line)));
                    break;
                }
            }
        }
    }
    taken
}

/// What `take` makes of a document.
fn take_document<T: Send>(
    document: &Document<'_>,
    is_json_file: bool,
    take: &(impl Fn(usize, Value) -> T + Sync),
) -> Result<Vec<T>, Fault> {
    if document.text.len() > LARGE
        && let Some(taken) = take_large_list(document, take)
    {
        return Ok(taken);
    }
    Ok(parse_document(document, is_json_file)?.into_iter().map(|(line, value)| take(line, value)).collect())
}

/// What `take` makes of a list of one item for each item of a list, in their order; `None` where the document is no list that can be taken
/// apart, or something is wrong with it.
fn take_large_list<T: Send>(document: &Document<'_>, take: &(impl Fn(usize, Value) -> T + Sync)) -> Option<Vec<T>> {
    let list = list::split(without_mark(document.text))?;
    let n_parts = list.items.len() + 1;
    let parse = |text: &str| {
        let has_few_brackets = line_of_too_many_brackets(text).is_none();
        has_few_brackets.then(|| parse_yaml(text, &Room::of_part(text.len(), n_parts)).ok()).flatten()
    };
    let Value::Object(frame) = parse(&list.frame)? else { return None };
    if !frame.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) {
        return None;
    }
    let of_one = |item: &&str| {
        let mut list_of_one = frame.clone();
        list_of_one.insert("items".to_owned(), Value::Array(vec![parse(&list.document(item))?]));
        Some(take(document.content_line, Value::Object(list_of_one)))
    };
    list.items.par_iter().map(of_one).collect()
}

/// What kind of value this is, in words.
pub fn kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An item of a list of a certain kind (`PodList`) as an object of its own: a server leaves `apiVersion` and `kind` out of those.
pub fn complete_item(item: Value, kind: &str, api_version: Option<&Value>) -> Value {
    let Value::Object(item) = item else { return item };
    if kind.is_empty() || item.contains_key("kind") || item.contains_key("apiVersion") {
        return Value::Object(item);
    }
    let mut complete = Map::new();
    complete.extend(api_version.map(|api_version| ("apiVersion".to_owned(), api_version.clone())));
    complete.insert("kind".to_owned(), Value::from(kind));
    complete.extend(item);
    Value::Object(complete)
}

/// What is wrong with a document, and where in the text.
struct Failure {
    line: usize,
    column: usize,
    message: String,
}

impl Failure {
    /// `line 12, column 3: a colon is missing; the NetworkPolicy "deny" is left out`
    fn describe(self, document: &Document<'_>) -> String {
        let Self { line, column, message } = self;
        if helm::looks_like_template(document.text) {
            return format!("line {line}, column {column}: {message}; this looks like a template: {}", helm::ADVICE);
        }
        let object = guess_object(document.text).map_or_else(|| "this document".to_owned(), |(kind, name)| format!("the {kind} {name:?}"));
        format!("line {line}, column {column}: {message}; {object} is left out")
    }
}

/// What a parser says of a document that it cannot read.
enum Fault {
    /// With its place in the whole text.
    Placed(Failure),
    /// Of a document that is no YAML, with its place in the document; and why it is no JSON, where it looks like that.
    Yaml(serde_yaml::Error, Option<Failure>),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Placed(failure)
    }
}

/// One document is one value, or several where it is JSON.
fn parse_document(document: &Document<'_>, is_json_file: bool) -> Result<Vec<(usize, Value)>, Fault> {
    let room = Room::of(document.text.len());
    let text = without_mark(document.text);
    let json_failure = if text.trim_start().starts_with(['{', '[']) {
        match parse_json(text, document.line) {
            Ok(values) => return Ok(values),
            Err(failure) if is_json_file => return Err(failure.into()),
            Err(failure) => Some(failure),
        }
    } else {
        None
    };
    if let Some(line) = line_of_too_many_brackets(document.text) {
        let message = format!("more than {MAX_OPEN_BRACKETS} brackets are open here");
        return Err(Failure { line: document.line + line, column: 1, message }.into());
    }
    match parse_yaml(text, &room) {
        Ok(value) => Ok(vec![(document.content_line, value)]),
        Err(error) => Err(Fault::Yaml(error, json_failure)),
    }
}

/// JSON values one after another.
fn parse_json(text: &str, first_line: usize) -> Result<Vec<(usize, Value)>, Failure> {
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<StrictJson>();
    let (mut line, mut counted) = (first_line, 0);
    loop {
        let end = stream.byte_offset();
        let start = text.len() - text[end..].trim_start().len();
        line += text[counted..start].matches('\n').count();
        counted = start;
        match stream.next() {
            None => return Ok(values),
            Some(Ok(StrictJson(value))) => values.push((line, value)),
            Some(Err(error)) => {
                let position = format!(" at line {} column {}", error.line(), error.column());
                let message = error.to_string().replacen(&position, "", 1);
                return Err(Failure { line: first_line + error.line().max(1) - 1, column: error.column().max(1), message });
            }
        }
    }
}

/// The text without a byte order mark, which the parsers do not expect.
fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

fn parse_yaml(text: &str, room: &Room) -> Result<Value, serde_yaml::Error> {
    Node { room, has_merge_keys: true }.deserialize(serde_yaml::Deserializer::from_str(text))
}

impl Fault {
    /// The failure with its place in the whole text. Looking for it takes a time that grows with what stands above the document.
    fn locate(self, document: &Document<'_>) -> Failure {
        let (error, json_failure) = match self {
            Self::Placed(failure) => return failure,
            Self::Yaml(error, json_failure) => (error, json_failure),
        };
        // A parser's message may name a second place; parsing again beneath as many empty lines makes the parser count right.
        let padded = "\n".repeat(document.line - 1) + without_mark(document.text);
        let again = parse_yaml(&padded, &Room::of(document.text.len())).err();
        let error = again.unwrap_or(error);
        let Some(location) = error.location() else {
            return json_failure.unwrap_or(Failure { line: document.content_line, column: 1, message: error.to_string() });
        };
        let position = format!(" at line {} column {}", location.line(), location.column());
        Failure { line: location.line(), column: location.column(), message: error.to_string().replacen(&position, "", 1) }
    }
}

/// How many lines down too many brackets are open, if they are. Quotes are not looked at: no text has so many on one side only.
fn line_of_too_many_brackets(text: &str) -> Option<usize> {
    let mut n_open = 0_usize;
    let at = text.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => n_open += 1,
            b']' | b'}' => n_open = n_open.saturating_sub(1),
            _ => {}
        }
        n_open > MAX_OPEN_BRACKETS
    })?;
    Some(text[..at].matches('\n').count())
}

/// The kind and the name of an object whose text cannot be parsed, as far as lines that look like them tell.
fn guess_object(text: &str) -> Option<(&str, &str)> {
    let field = |line: &'static str, indented: bool| {
        text.lines().find_map(|candidate| {
            let value = if indented { candidate.strip_prefix([' ', '\t'])?.trim_start() } else { candidate }.strip_prefix(line)?;
            let value = value.split(" #").next()?.trim().trim_matches(['"', '\'']);
            (!value.is_empty()).then_some(value)
        })
    };
    Some((field("kind:", false)?, field("name:", true)?))
}

/// An object that bears on traffic and is not evaluated: its name, and why it is left out.
pub(super) fn unevaluated(map: &serde_json::Map<String, Value>) -> Option<(String, String)> {
    let (api_version, kind) = type_of(map)?;
    let what = portolan_core::unevaluated_kind(api_version.split_once('/')?.0, kind)?;
    Some((name_of(map, api_version, kind), format!("{what} are not evaluated yet")))
}

/// An object of a kind that is read, under an API group of Kubernetes' own that has no such kind (any more): `extensions/v1beta1`
/// NetworkPolicy, `apps/v1` Pod. A server refuses it.
pub(super) fn misplaced(map: &serde_json::Map<String, Value>) -> Option<(String, String)> {
    let (api_version, kind) = type_of(map)?;
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let known = portolan_core::Kind::ALL.iter().find(|known| known.name() == kind)?;
    let is_kubernetes_own = !group.contains('.') || group == "networking.k8s.io" || group == "discovery.k8s.io";
    (is_kubernetes_own && known.group() != group)
        .then(|| (name_of(map, api_version, kind), format!("{api_version} has no {kind}, which is in {}", known.api_version())))
}

fn type_of(map: &serde_json::Map<String, Value>) -> Option<(&str, &str)> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    Some((text("apiVersion")?, text("kind")?))
}

fn name_of(map: &serde_json::Map<String, Value>, api_version: &str, kind: &str) -> String {
    let metadata = |key: &str| map.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
    let path = [metadata("namespace"), metadata("name")].into_iter().flatten().collect::<Vec<_>>().join("/");
    format!("{api_version} {kind} {path}")
}
