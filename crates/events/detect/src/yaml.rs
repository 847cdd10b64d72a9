//! YAML text in, a tree of nodes with their lines out.
//!
//! Rules come from strangers: nesting and the number of nodes are limited, and aliases are refused, so that a small file
//! cannot become a large tree.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Levels a rule may nest; the published rules use six.
const DEPTH_MAX: usize = 32;
/// Nodes of one file; the largest published rule has about 1,500.
const NODES_MAX: usize = 200_000;

/// A node of the tree, with the line it begins on (from 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Line of the file, from 1.
    pub line: u32,
    /// What stands there.
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value: `null`, `~` or nothing, unquoted.
    Null,
    /// Unquoted text, which may be a number or a boolean.
    Plain(String),
    /// Quoted or block text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in the order of the file.
    Map(Vec<(String, Node)>),
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct YamlError {
    /// Line of the file, from 1.
    pub line: u32,
    /// What is wrong and what to do.
    pub why: String,
}

impl YamlError {
    pub(crate) fn new(line: u32, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

impl Node {
    /// The value under a key of a map.
    pub fn at(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list of scalars, or of one scalar.
    pub fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::List(items) => items.iter().filter_map(Self::text).collect(),
            _ => self.text().into_iter().collect(),
        }
    }
}

/// Reads all documents of a file.
///
/// # Errors
/// Syntax errors, aliases, repeated keys, and trees that are too deep or too large.
pub fn documents(text: &str) -> Result<Vec<Node>, YamlError> {
    let mut builder = Builder { stack: Vec::new(), documents: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            YamlError::new(line_of(error.marker().line()), format!("not valid YAML: {}", error.info()))
        })?;
        builder.event(event, line_of(span.start.line()))?;
    }
    Ok(builder.documents)
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

enum Open {
    List(u32, Vec<Node>),
    Map(u32, Vec<(String, Node)>, Option<String>),
}

struct Builder {
    stack: Vec<Open>,
    documents: Vec<Node>,
    nodes: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, line: u32) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, _, _) => {
                let value = match style {
                    ScalarStyle::Plain if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    ScalarStyle::Plain => Value::Plain(text.into_owned()),
                    _ => Value::Text(text.into_owned()),
                };
                self.put(Node { line, value })
            }
            Event::SequenceStart(..) => self.open(Open::List(line, Vec::new()), line),
            Event::MappingStart(..) => self.open(Open::Map(line, Vec::new(), None), line),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::List(line, items)) => self.put(Node { line, value: Value::List(items) }),
                Some(Open::Map(line, entries, _)) => self.put(Node { line, value: Value::Map(entries) }),
                None => Ok(()),
            },
            Event::Alias(_) => {
                Err(YamlError::new(line, "aliases (`*name`) are not allowed in rules; write the value out"))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open, line: u32) -> Result<(), YamlError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(YamlError::new(line, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        if let (Open::Map(..) | Open::List(..), Some(Open::Map(_, _, None))) = (&open, self.stack.last()) {
            return Err(YamlError::new(line, "a key must be text, not a list or map"));
        }
        self.stack.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(YamlError::new(node.line, format!("more than {NODES_MAX} values in one file")));
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, key)) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let line = node.line;
                    let name = match node.value {
                        Value::Plain(text) | Value::Text(text) => text,
                        Value::Null => "null".to_owned(),
                        _ => return Err(YamlError::new(line, "a key must be text")),
                    };
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(YamlError::new(
                            line,
                            format!("key `{}` stands twice in one map", name.escape_debug()),
                        ));
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }
}
