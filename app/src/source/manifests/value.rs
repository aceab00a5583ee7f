//! Reads YAML or JSON into a [`Value`] as strictly as an API server would: order kept, no key twice, no document that grows without end.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What aliases may add to the size of a document, in bytes of strings and number of nodes, beyond four times its text.
const ROOM_FOR_ALIASES: usize = 4 << 20;

/// What a document may still grow by.
#[derive(Debug)]
pub struct Room(Cell<usize>);

impl Room {
    /// Room for a document whose text has this many bytes.
    pub fn of(n_bytes: usize) -> Self {
        Self(Cell::new(n_bytes.saturating_mul(4).saturating_add(ROOM_FOR_ALIASES)))
    }

    /// Room for one of the parts of a document; all of them together grow by no more than the document may.
    pub fn of_part(n_bytes: usize, n_parts: usize) -> Self {
        Self(Cell::new(n_bytes.saturating_mul(4).saturating_add(ROOM_FOR_ALIASES / n_parts.max(1))))
    }

    fn take<E: Error>(&self, n: usize) -> Result<(), E> {
        let rest = self.0.get().checked_sub(n).ok_or_else(|| E::custom("the aliases of this document make it too large"))?;
        self.0.set(rest);
        Ok(())
    }
}

/// Reads a value.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// What the document may still grow by.
    pub room: &'a Room,
    /// Whether `<<` is a merge key, as in YAML.
    pub has_merge_keys: bool,
}

/// A value of JSON, which has neither aliases nor merge keys.
pub struct StrictJson(pub Value);

impl<'de> Deserialize<'de> for StrictJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let room = Room(Cell::new(usize::MAX));
        Node { room: &room, has_merge_keys: false }.deserialize(deserializer).map(Self)
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.room.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON knows, without a tag")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(format!("{value} is not a number in JSON")))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.room.take(value.len())?;
        Ok(Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        let mut merged = None;
        while let Some(key) = access.next_key_seed(Key { room: self.room, seen: &map })? {
            let value = access.next_value_seed(self)?;
            if self.has_merge_keys && key == "<<" {
                merged = Some(value);
            } else {
                map.insert(key, value);
            }
        }
        match merged {
            None => {}
            Some(Value::Object(other)) => merge(&mut map, other),
            Some(Value::Array(others)) => {
                for other in others {
                    let Value::Object(other) = other else { return Err(A::Error::custom("only mappings can be merged with <<")) };
                    merge(&mut map, other);
                }
            }
            Some(_) => return Err(A::Error::custom("only mappings can be merged with <<")),
        }
        Ok(Value::Object(map))
    }
}

/// Adds the fields that are not there yet.
fn merge(map: &mut Map<String, Value>, other: Map<String, Value>) {
    for (key, value) in other {
        map.entry(key).or_insert(value);
    }
}

/// Reads a key. Whole numbers and truth values become text, as kubectl makes them; nothing else that is not text passes.
struct Key<'a> {
    room: &'a Room,
    seen: &'a Map<String, Value>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a string")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        self.room.take(1 + key.len())?;
        if self.seen.contains_key(key) { Err(E::custom(format!("the key {key:?} is there twice"))) } else { Ok(key.to_owned()) }
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<String, E> {
        self.visit_str(if key { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<String, E> {
        self.visit_str(&key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<String, E> {
        self.visit_str(&key.to_string())
    }
}
