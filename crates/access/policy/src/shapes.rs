//! Facts in the shapes of the schema in `content/policies/schema.cedarschema`.

use std::collections::HashMap;

use cedar_policy::RestrictedExpression;

use crate::question::{ActionSet, Question};

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn flag(value: bool) -> RestrictedExpression {
    RestrictedExpression::new_bool(value)
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(text))
}

fn actions(set: ActionSet) -> RestrictedExpression {
    texts(set.iter().map(model::Action::as_str))
}

pub(crate) fn principal(question: &Question<'_>) -> HashMap<String, RestrictedExpression> {
    let (principal, now) = (question.principal, question.circumstances.now_ms);
    let lasts = |until: Option<i64>| until.is_some_and(|until| now < until);
    HashMap::from([
        ("disabled".to_owned(), flag(principal.disabled_at.is_some())),
        ("contained".to_owned(), flag(principal.contained_at.is_some())),
        ("trained".to_owned(), flag(lasts(principal.training_until))),
        ("agreed".to_owned(), flag(lasts(principal.agreement_until))),
    ])
}

pub(crate) fn resource(question: &Question<'_>) -> HashMap<String, RestrictedExpression> {
    let labels = question.object.map_or(&[][..], |thing| thing.labels);
    let study = question.study;
    HashMap::from([
        ("labels".to_owned(), texts(labels.iter().map(|label| label.as_str()))),
        ("countries".to_owned(), texts(study.into_iter().flat_map(|study| study.countries.iter().map(String::as_str)))),
        ("contained".to_owned(), flag(study.is_some_and(|study| study.contained_at.is_some()))),
        ("closed".to_owned(), flag(study.is_some_and(|study| study.closed_at.is_some()))),
    ])
}

pub(crate) fn context(question: &Question<'_>) -> [(String, RestrictedExpression); 13] {
    let (here, standing) = (question.circumstances, question.standing);
    [
        ("action".to_owned(), text(question.action.as_str())),
        ("granted".to_owned(), actions(standing.granted)),
        ("approved".to_owned(), actions(standing.approved)),
        ("roles".to_owned(), texts(standing.roles.iter().map(|role| &**role))),
        ("blinded".to_owned(), flag(standing.blinded)),
        ("steward".to_owned(), flag(standing.steward)),
        ("emergency".to_owned(), flag(standing.emergency)),
        ("mfa".to_owned(), flag(here.mfa)),
        ("purpose".to_owned(), text(&here.purpose)),
        ("network".to_owned(), text(here.network.as_str())),
        ("device".to_owned(), text(here.machine.as_str())),
        ("destination".to_owned(), text(here.destination.as_deref().unwrap_or_default())),
        ("now".to_owned(), RestrictedExpression::new_long(here.now_ms)),
    ]
}
