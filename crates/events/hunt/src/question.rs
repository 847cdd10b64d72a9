//! A question: SQL with named parameters, planned and looked at before anything is read.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::DFParser;
use lake::saved::{Kind, Parameter};

use crate::HuntError;

/// The longest question, in bytes.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// The most parameters.
pub const PARAMETERS_MAX: usize = 64;

/// The value of a parameter.
fn scalar(parameter: &Parameter) -> Result<ScalarValue, HuntError> {
    let Parameter { name, value, kind } = parameter;
    let wrong = |wanted: &str| HuntError::Parameter { name: name.clone(), why: format!("`{value}` is no {wanted}") };
    match kind {
        Kind::Text => Ok(ScalarValue::Utf8(Some(value.clone()))),
        Kind::Number => value.parse().map(|number| ScalarValue::Int64(Some(number))).or(Err(wrong("whole number"))),
        Kind::Time => {
            let time: jiff::Timestamp = value.parse().or(Err(wrong("instant such as `2026-11-30T08:00:00Z`")))?;
            Ok(ScalarValue::TimestampMillisecond(Some(time.as_millisecond()), Some("UTC".into())))
        }
    }
}

/// Plans a question, and refuses whatever would do more than read.
pub(crate) async fn plan(state: &SessionState, sql: &str, parameters: &[Parameter]) -> Result<LogicalPlan, HuntError> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(HuntError::Question { why: format!("it has {} bytes, more than {SQL_BYTES_MAX}", sql.len()) });
    }
    if parameters.len() > PARAMETERS_MAX {
        return Err(HuntError::Question { why: format!("it has more than {PARAMETERS_MAX} parameters") });
    }
    let mut statements = DFParser::parse_sql(sql).map_err(|error| HuntError::planning(&error))?;
    let statement = match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => statement,
        (None, _) => return Err(HuntError::Question { why: "it is empty".to_owned() }),
        (_, more) => return Err(HuntError::Refused { what: format!("a list of {} statements", more + 1) }),
    };
    refuse_statement(&statement)?;
    let plan = state.statement_to_plan(statement).await.map_err(|error| HuntError::planning(&error))?;
    refuse(&plan)?;
    fill_in(plan, parameters)
}

/// Statements that are not even planned: planning some of them has effects of its own.
fn refuse_statement(statement: &datafusion::sql::parser::Statement) -> Result<(), HuntError> {
    use datafusion::sql::parser::Statement;
    use datafusion::sql::sqlparser::ast;
    let refused = |what: &str| Err(HuntError::Refused { what: what.to_owned() });
    match statement {
        Statement::Explain(explain) => refuse_statement(&explain.statement),
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(_) | ast::Statement::Explain { .. } | ast::Statement::ExplainTable { .. } => Ok(()),
            other => {
                let text = other.to_string();
                refused(&format!("`{}`", text.split_whitespace().next().unwrap_or_default().to_uppercase()))
            }
        },
        Statement::CopyTo(_) => refused("`COPY`"),
        Statement::CreateExternalTable(_) => refused("`CREATE EXTERNAL TABLE`"),
        Statement::Reset(_) => refused("`RESET`"),
    }
}

/// Every node of the plan, those of subqueries too, must be one that reads.
fn refuse(plan: &LogicalPlan) -> Result<(), HuntError> {
    let mut refused = None;
    let walked = plan.apply_with_subqueries(|node| {
        let what = match node {
            LogicalPlan::Statement(_) => Some("a statement about the session"),
            LogicalPlan::Dml(_) => Some("a change of rows"),
            LogicalPlan::Ddl(_) => Some("a change of tables"),
            LogicalPlan::Copy(_) => Some("`COPY`"),
            LogicalPlan::Extension(_) => Some("an extension of the engine"),
            _ => None,
        };
        if let Some(what) = what {
            refused = Some(what.to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|error| HuntError::planning(&error))?;
    refused.map_or(Ok(()), |what| Err(HuntError::Refused { what }))
}

/// Puts values in the places of parameters. Values are never text of the question.
fn fill_in(plan: LogicalPlan, parameters: &[Parameter]) -> Result<LogicalPlan, HuntError> {
    let wanted = plan.get_parameter_names().map_err(|error| HuntError::planning(&error))?;
    let wanted: std::collections::BTreeSet<&str> = wanted.iter().map(|name| name.trim_start_matches('$')).collect();
    for name in &wanted {
        if !parameters.iter().any(|one| one.name == *name) {
            return Err(HuntError::Parameter { name: (*name).to_owned(), why: "the question needs it".to_owned() });
        }
    }
    let mut values = Vec::with_capacity(parameters.len());
    for parameter in parameters {
        if !wanted.contains(parameter.name.as_str()) {
            let why = "the question does not have it".to_owned();
            return Err(HuntError::Parameter { name: parameter.name.clone(), why });
        }
        values.push((parameter.name.clone(), scalar(parameter)?));
    }
    if values.is_empty() {
        return Ok(plan);
    }
    plan.with_param_values(ParamValues::from(values)).map_err(|error| HuntError::planning(&error))
}
