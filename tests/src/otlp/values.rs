//! What an export says, in the terms of the conventions.

use std::collections::BTreeMap;

/// An attribute's value, with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Several.
    List(Vec<Value>),
    /// A map, bytes, or nothing: no convention that is tested has such attributes.
    Other,
}

/// Attributes by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, Value>);

impl Attributes {
    /// One of any type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A string; None if it is not there, or none.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number; None if it is not there, or none.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// A list of strings; None if it is not there, or none.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let Value::List(list) = self.get(name)? else { return None };
        list.iter().map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None }).collect()
    }

    /// All names, in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Within one process.
    Internal,
    /// It answers another's request.
    Server,
    /// It asks another.
    Client,
    /// A producer, a consumer, or not said.
    Other,
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// As it is shown.
    pub name: String,
    /// Which side of a call it is.
    pub kind: SpanKind,
    /// The trace's id, 32 hex digits.
    pub trace: String,
    /// Its own, 16 hex digits.
    pub id: String,
    /// Its parent's; None for a root.
    pub parent: Option<String>,
    /// What is said of it.
    pub attributes: Attributes,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Names of its events.
    pub events: Vec<String>,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Who exported it.
    pub resource: Attributes,
    /// The instrumentation's name.
    pub scope: String,
}

/// What kind of numbers a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// Explicit buckets, since the exporter began.
    Histogram,
    /// Only grows, since the exporter began.
    Counter,
    /// May fall, since the exporter began.
    UpDownCounter,
    /// As it is now.
    Gauge,
    /// What is counted since the last export, or in another form.
    Other,
}

/// A metric of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// As the conventions write it, with dots.
    pub name: String,
    /// As UCUM writes it: `s`, `{token}`.
    pub unit: String,
    /// What it counts.
    pub description: String,
    /// What kind of numbers.
    pub instrument: Instrument,
    /// One for each set of attributes.
    pub points: Vec<Point>,
    /// Who exported it.
    pub resource: Attributes,
    /// The instrumentation's name.
    pub scope: String,
}

/// The numbers of one set of attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Which.
    pub attributes: Attributes,
    /// Of a histogram, its observations; else the value, as a whole.
    pub count: u64,
    /// Of a histogram, of its observations; else the value.
    pub sum: f64,
    /// Upper bounds of a histogram's buckets but the last, which has none.
    pub bounds: Vec<f64>,
    /// Observations in each bucket alone, one bucket more than bounds.
    pub buckets: Vec<u64>,
}
