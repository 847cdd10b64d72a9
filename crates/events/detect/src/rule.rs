//! Sigma files in, rules out: each an expression of tests over fields.

use crate::condition::{self, Condition};
use crate::correlation::Correlation;
use crate::test::{Placeholders, Test, Tests, Written, tests};
use crate::yaml::{self, Node, Value, YamlError};

/// How grave what a rule finds is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For information.
    #[default]
    Informational,
    /// Rarely of use alone.
    Low,
    /// To be looked at.
    Medium,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

/// Which logs a rule is about; what is not named fits anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Logsource {
    /// What is done, such as `process_creation`.
    pub category: Option<String>,
    /// What did it, such as `windows`.
    pub product: Option<String>,
    /// What wrote the log, such as `security`.
    pub service: Option<String>,
}

/// A test over fields, put together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expression {
    /// All hold.
    All(Vec<Expression>),
    /// At least one holds.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// A field's values.
    Field(String, Test),
    /// Any text of the event.
    Keyword(Test),
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id, as it stands in the file; the title where it has none.
    pub id: String,
    /// The short name by which correlations may call it.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// How grave it is.
    pub level: Level,
    /// What it is about, in its author's words.
    pub description: String,
    /// Tags, such as `attack.t1059.001`.
    pub tags: Vec<String>,
    /// The logs it is about.
    pub logsource: Logsource,
    /// What must hold.
    pub expression: Expression,
    /// What should be known of it.
    pub warnings: Vec<String>,
}

/// A rule that takes events out of others.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its title.
    pub title: String,
    /// Ids or names of the rules; empty for all rules of the log source.
    pub rules: Vec<String>,
    /// The logs it is about.
    pub logsource: Logsource,
    /// What must hold as well.
    pub expression: Expression,
}

/// What a document of a file is.
#[derive(Clone, Debug)]
pub enum Document {
    /// A rule over single events.
    Rule(Box<Rule>),
    /// A rule over several.
    Correlation(Box<Correlation>),
    /// A filter.
    Filter(Filter),
}

impl Level {
    /// Reads the specification's word.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "informational" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// The specification's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl Logsource {
    /// Whether everything that this names is named by the other as well.
    pub fn covers(&self, other: &Self) -> bool {
        let fits = |wanted: &Option<String>, there: &Option<String>| wanted.is_none() || wanted == there;
        fits(&self.category, &other.category)
            && fits(&self.product, &other.product)
            && fits(&self.service, &other.service)
    }
}

/// Reads every document of a file: what could be read, and why the others could not.
pub fn parse(text: &str, placeholders: &Placeholders) -> (Vec<Document>, Vec<YamlError>) {
    let nodes = match yaml::documents(text) {
        Ok(nodes) => nodes,
        Err(error) => return (Vec::new(), vec![error]),
    };
    if nodes.is_empty() {
        return (Vec::new(), vec![YamlError::new(1, "no document in this file")]);
    }
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for node in &nodes {
        match document(node, placeholders) {
            Ok(document) => documents.push(document),
            Err(error) => errors.push(error),
        }
    }
    (documents, errors)
}

fn document(node: &Node, placeholders: &Placeholders) -> Result<Document, YamlError> {
    if !matches!(node.value, Value::Map(_)) {
        return Err(YamlError::new(node.line, "a rule is a map with `title`, `logsource` and `detection`"));
    }
    if node.at("action").is_some() {
        return Err(YamlError::new(
            node.line,
            "collections with `action` were taken out of Sigma 2; write each rule whole",
        ));
    }
    let title = need(node, "title")?.to_owned();
    if let Some(correlation) = node.at("correlation") {
        return Correlation::parse(node, correlation, head(node, title)?)
            .map(|rule| Document::Correlation(Box::new(rule)));
    }
    let mut warnings = Vec::new();
    if let Some(filter) = node.at("filter") {
        let rules = match filter.at("rules").map(Node::texts) {
            Some(rules) if rules == ["any"] => Vec::new(),
            Some(rules) if !rules.is_empty() => rules.into_iter().map(str::to_owned).collect(),
            _ => return Err(YamlError::new(filter.line, "a filter names its rules under `rules`, or says `any`")),
        };
        let expression = detection(filter, placeholders, &mut warnings)?;
        return Ok(Document::Filter(Filter { title, rules, logsource: logsource(node)?, expression }));
    }
    let Some(found) = node.at("detection") else { return Err(YamlError::new(node.line, "`detection` is missing")) };
    let expression = detection(found, placeholders, &mut warnings)?;
    let logsource = logsource(node)?;
    let head = head(node, title)?;
    Ok(Document::Rule(Box::new(Rule { logsource, expression, warnings, ..head })))
}

/// What rules and correlations have alike.
fn head(node: &Node, title: String) -> Result<Rule, YamlError> {
    let level = match node.at("level") {
        None => Level::default(),
        Some(found) => {
            let text = found.text().unwrap_or_default();
            Level::parse(text).ok_or_else(|| {
                YamlError::new(
                    found.line,
                    format!(
                        "`level` is `{}`, not one of informational, low, medium, high, critical",
                        text.escape_debug()
                    ),
                )
            })?
        }
    };
    let text = |key: &str| node.at(key).and_then(Node::text).map(str::to_owned);
    Ok(Rule {
        id: text("id").unwrap_or_else(|| title.clone()),
        name: text("name"),
        level,
        description: text("description").unwrap_or_default(),
        tags: node.at("tags").map(Node::texts).unwrap_or_default().into_iter().map(str::to_owned).collect(),
        logsource: Logsource::default(),
        expression: Expression::Any(Vec::new()),
        warnings: Vec::new(),
        title,
    })
}

fn need<'a>(node: &'a Node, key: &str) -> Result<&'a str, YamlError> {
    node.at(key).and_then(Node::text).ok_or_else(|| YamlError::new(node.line, format!("`{key}` is missing")))
}

fn logsource(node: &Node) -> Result<Logsource, YamlError> {
    let Some(found) = node.at("logsource") else {
        return Err(YamlError::new(
            node.line,
            "`logsource` is missing; without it a rule would be tried on every event",
        ));
    };
    let part = |key: &str| found.at(key).and_then(Node::text).map(str::to_ascii_lowercase);
    let logsource = Logsource { category: part("category"), product: part("product"), service: part("service") };
    if logsource == Logsource::default() {
        return Err(YamlError::new(found.line, "`logsource` names neither category, product nor service"));
    }
    Ok(logsource)
}

fn detection(node: &Node, placeholders: &Placeholders, warnings: &mut Vec<String>) -> Result<Expression, YamlError> {
    let Value::Map(entries) = &node.value else {
        return Err(YamlError::new(node.line, "`detection` is a map of searches and a `condition`"));
    };
    let (mut names, mut searches, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    let mut condition_line = node.line;
    for (name, found) in entries {
        match name.as_str() {
            "condition" => {
                condition_line = found.line;
                conditions = found.texts();
            }
            "timeframe" | "rules" => {}
            _ => {
                names.push(name.as_str());
                searches.push(search(found, placeholders, warnings)?);
            }
        }
    }
    if conditions.is_empty() {
        return Err(YamlError::new(node.line, "`condition` is missing"));
    }
    let mut any = Vec::new();
    for text in conditions {
        let condition = condition::parse(text, &names).map_err(|why| YamlError::new(condition_line, why))?;
        any.push(substitute(&condition, &searches));
    }
    Ok(single(any, Expression::Any))
}

fn substitute(condition: &Condition, searches: &[Expression]) -> Expression {
    let each = |parts: &[Condition]| parts.iter().map(|part| substitute(part, searches)).collect::<Vec<_>>();
    match condition {
        Condition::Search(index) => searches.get(*index).cloned().unwrap_or_else(|| Expression::Any(Vec::new())),
        Condition::And(parts) => Expression::All(each(parts)),
        Condition::Or(parts) => Expression::Any(each(parts)),
        Condition::Not(inner) => Expression::Not(Box::new(substitute(inner, searches))),
    }
}

fn single(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.pop().unwrap_or_else(|| many(Vec::new())) } else { many(parts) }
}

/// A named search: a map (all must hold), a list of maps (any), or a list of keywords (any).
fn search(node: &Node, placeholders: &Placeholders, warnings: &mut Vec<String>) -> Result<Expression, YamlError> {
    match &node.value {
        Value::Map(entries) => {
            if entries.is_empty() {
                return Err(YamlError::new(node.line, "an empty search"));
            }
            let parts = entries
                .iter()
                .map(|(key, value)| item(key, value, placeholders, warnings))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(single(parts, Expression::All))
        }
        Value::List(items) => {
            if items.is_empty() {
                return Err(YamlError::new(node.line, "an empty search"));
            }
            let parts = items.iter().map(|item| search(item, placeholders, warnings)).collect::<Result<Vec<_>, _>>()?;
            Ok(single(parts, Expression::Any))
        }
        Value::Null => Err(YamlError::new(node.line, "a keyword has no text")),
        Value::Plain(_) | Value::Text(_) => item("", node, placeholders, warnings),
    }
}

/// A key with its modifiers and values.
fn item(
    key: &str,
    node: &Node,
    placeholders: &Placeholders,
    warnings: &mut Vec<String>,
) -> Result<Expression, YamlError> {
    let mut words = key.split('|');
    let field = words.next().unwrap_or_default();
    let modifiers: Vec<&str> = words.collect();
    let values = written(node)?;
    let keyword = field.is_empty();
    let Tests { each, all, negated, warnings: told } = tests(&modifiers, &values, keyword, placeholders)
        .map_err(|why| YamlError::new(node.line, format!("`{}`: {why}", key.escape_debug())))?;
    warnings.extend(told);
    if keyword && each.iter().flatten().any(|test| !matches!(test, Test::Text(_) | Test::Regex(_) | Test::Never)) {
        return Err(YamlError::new(node.line, "a keyword can only be text or a regular expression"));
    }
    let leaf = |test: Test| if keyword { Expression::Keyword(test) } else { Expression::Field(field.to_owned(), test) };
    let values: Vec<Expression> =
        each.into_iter().map(|forms| single(forms.into_iter().map(leaf).collect(), Expression::Any)).collect();
    let found = single(values, if all { Expression::All } else { Expression::Any });
    Ok(if negated { Expression::Not(Box::new(found)) } else { found })
}

fn written(node: &Node) -> Result<Vec<Written>, YamlError> {
    let one = |node: &Node| match &node.value {
        Value::Null => Ok(Written::Null),
        Value::Plain(text) | Value::Text(text) => Ok(Written::Text(text.clone())),
        _ => Err(YamlError::new(node.line, "a value must be text, a number or `null`")),
    };
    match &node.value {
        Value::List(items) if items.is_empty() => {
            Err(YamlError::new(node.line, "an empty list of values never matches"))
        }
        Value::List(items) => items.iter().map(one).collect(),
        _ => one(node).map(|value| vec![value]),
    }
}
