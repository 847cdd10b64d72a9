//! Rules over several events: Sigma correlations 2.1.

use crate::rule::Rule;
use crate::yaml::{Node, Value, YamlError};
use std::collections::BTreeMap;

/// What a correlation counts or waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// How many events.
    EventCount,
    /// How many distinct values of a field.
    ValueCount,
    /// Every rule at least once, in any order.
    Temporal,
    /// Every rule at least once, in the order named.
    TemporalOrdered,
    /// The sum of a field.
    ValueSum,
    /// The mean of a field.
    ValueAvg,
    /// The given percentile of a field.
    ValuePercentile,
    /// The median of a field.
    ValueMedian,
}

/// The bounds that the count or number must keep to; all that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Greater than.
    pub gt: Option<f64>,
    /// Greater or equal.
    pub gte: Option<f64>,
    /// Less than.
    pub lt: Option<f64>,
    /// Less or equal.
    pub lte: Option<f64>,
    /// Equal.
    pub eq: Option<f64>,
    /// Not equal.
    pub neq: Option<f64>,
}

/// A rule over several events.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Id, title, level, tags.
    pub head: Rule,
    /// What it counts or waits for.
    pub kind: Kind,
    /// Ids or names of the rules it is over, in their order.
    pub rules: Vec<String>,
    /// Fields whose values keep groups apart.
    pub group_by: Vec<String>,
    /// Length of the window, in milliseconds.
    pub timespan_ms: i64,
    /// When it holds; without bounds for the temporal kinds, which then need all their rules.
    pub bounds: Bounds,
    /// The fields counted or added up.
    pub fields: Vec<String>,
    /// For percentiles, which one, 0 to 100.
    pub percentile: f64,
    /// For each alias, the field that a rule has for it.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// The single matches are reported as well.
    pub generate: bool,
}

impl Bounds {
    /// Whether a number keeps to all of them.
    pub fn hold(&self, number: f64) -> bool {
        let Self { gt, gte, lt, lte, eq, neq } = *self;
        gt.is_none_or(|bound| number > bound)
            && gte.is_none_or(|bound| number >= bound)
            && lt.is_none_or(|bound| number < bound)
            && lte.is_none_or(|bound| number <= bound)
            && eq.is_none_or(|bound| (number - bound).abs() < f64::EPSILON)
            && neq.is_none_or(|bound| (number - bound).abs() >= f64::EPSILON)
    }

    fn none(&self) -> bool {
        *self == Self::default()
    }
}

/// Windows longer than this are refused: state would grow without end. 366 days, in milliseconds.
const TIMESPAN_MS_MAX: i64 = 366 * 86_400_000;

impl Correlation {
    /// Reads the map under `correlation`.
    ///
    /// # Errors
    /// Says which part is missing or wrong, with its line.
    pub fn parse(document: &Node, node: &Node, head: Rule) -> Result<Self, YamlError> {
        let missing = |key: &str| YamlError::new(node.line, format!("a correlation needs `{key}`"));
        let kind = match node.at("type").and_then(Node::text).ok_or_else(|| missing("type"))? {
            "event_count" => Kind::EventCount,
            "value_count" => Kind::ValueCount,
            "temporal" => Kind::Temporal,
            "temporal_ordered" | "ordered_temporal" => Kind::TemporalOrdered,
            "value_sum" => Kind::ValueSum,
            "value_avg" => Kind::ValueAvg,
            "value_percentile" => Kind::ValuePercentile,
            "value_median" => Kind::ValueMedian,
            other => {
                return Err(YamlError::new(
                    node.line,
                    format!("correlation type `{}` is not one of Sigma 2.1", other.escape_debug()),
                ));
            }
        };
        let own = |nodes: Vec<&str>| nodes.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let rules = own(node.at("rules").map(Node::texts).unwrap_or_default());
        if rules.is_empty() {
            return Err(missing("rules"));
        }
        let span = node.at("timespan").or_else(|| node.at("timeframe")).ok_or_else(|| missing("timespan"))?;
        let timespan_ms = timespan(span.text().unwrap_or_default()).ok_or_else(|| {
            YamlError::new(span.line, "`timespan` is a whole number with s, m, h, d, w, M or y, at most a year")
        })?;
        let (bounds, fields, percentile) = match node.at("condition") {
            None if matches!(kind, Kind::Temporal | Kind::TemporalOrdered) => (Bounds::default(), Vec::new(), 0.0),
            None => return Err(missing("condition")),
            Some(condition) => bounds(condition)?,
        };
        let counted = !matches!(kind, Kind::EventCount | Kind::Temporal | Kind::TemporalOrdered);
        if counted && fields.is_empty() {
            return Err(YamlError::new(node.line, "this type of correlation needs `field` in its condition"));
        }
        if bounds.none() && !matches!(kind, Kind::Temporal | Kind::TemporalOrdered) {
            return Err(YamlError::new(node.line, "the condition has no bound: gt, gte, lt, lte, eq or neq"));
        }
        let mut aliases = BTreeMap::new();
        if let Some(Node { value: Value::Map(entries), .. }) = node.at("aliases") {
            for (alias, of) in entries {
                let Value::Map(of) = &of.value else {
                    return Err(YamlError::new(of.line, "an alias is a map from rules to fields"));
                };
                aliases.insert(
                    alias.clone(),
                    of.iter().filter_map(|(rule, field)| Some((rule.clone(), field.text()?.to_owned()))).collect(),
                );
            }
        }
        let generate = node.at("generate").or_else(|| document.at("generate")).and_then(Node::text) == Some("true");
        Ok(Self {
            head,
            kind,
            rules,
            group_by: own(node.at("group-by").map(Node::texts).unwrap_or_default()),
            timespan_ms,
            bounds,
            fields,
            percentile,
            aliases,
            generate,
        })
    }
}

fn bounds(node: &Node) -> Result<(Bounds, Vec<String>, f64), YamlError> {
    let Value::Map(entries) = &node.value else {
        return Err(YamlError::new(node.line, "the condition of a correlation is a map such as `gte: 10`"));
    };
    let (mut bounds, mut fields, mut percentile) = (Bounds::default(), Vec::new(), 50.0);
    for (key, value) in entries {
        if key == "field" {
            fields = value.texts().into_iter().map(str::to_owned).collect();
            continue;
        }
        let number = value.text().and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
        let number =
            number.ok_or_else(|| YamlError::new(value.line, format!("`{}` needs a number", key.escape_debug())))?;
        match key.as_str() {
            "gt" => bounds.gt = Some(number),
            "gte" => bounds.gte = Some(number),
            "lt" => bounds.lt = Some(number),
            "lte" => bounds.lte = Some(number),
            "eq" => bounds.eq = Some(number),
            "neq" => bounds.neq = Some(number),
            "percentile" if (0.0..=100.0).contains(&number) => percentile = number,
            _ => {
                return Err(YamlError::new(
                    value.line,
                    format!("`{}` is not a bound of a correlation", key.escape_debug()),
                ));
            }
        }
    }
    Ok((bounds, fields, percentile))
}

/// Milliseconds of `15m` and the like; a month is 30 days and a year 365, as the specification has no calendar.
fn timespan(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number > 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' => 30 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1_000).filter(|ms| *ms <= TIMESPAN_MS_MAX)
}
