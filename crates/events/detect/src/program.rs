//! Rules in, programs over interned questions out.
//!
//! A question is one or more tests of one field, any of which may pass; equal questions of different rules are one. A rule
//! becomes a small expression over questions, and is woken only by questions of which at least one must be answered with yes
//! for it to match at all.

use crate::index::{Index, PredicateId};
use crate::logsource::Logsources;
use crate::pattern::Part;
use crate::rule::{Expression, Rule};
use crate::scan::{FieldId, Fields, KEYWORD};
use crate::test::{Place, Test};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A rule's expression over questions.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    All(Box<[Program]>),
    Any(Box<[Program]>),
    Not(Box<Program>),
    Question(PredicateId),
    Null(FieldId),
    Exists(FieldId, bool),
    FieldRef(FieldId, Place, FieldId),
}

/// An interned question.
#[derive(Debug)]
pub(crate) struct Question {
    pub field: FieldId,
    pub tests: Vec<Test>,
    /// Only asked when a rule that was woken otherwise comes to it.
    pub lazy: Option<Box<regex_automata::meta::Regex>>,
    /// How often it may be answered with yes, before anything was seen: 0 to 1 and more.
    pub guess: f64,
}

/// Rules, made ready.
pub struct Ruleset {
    pub(crate) rules: Vec<Rule>,
    pub(crate) programs: Vec<Program>,
    pub(crate) questions: Vec<Question>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) fields: Fields,
    pub(crate) logsources: Logsources,
    /// Fields whose values tell the log source: of any log, and of a family's.
    pub(crate) keys: Vec<(Option<String>, FieldId)>,
    pub(crate) time: Vec<FieldId>,
}

impl Ruleset {
    /// Makes rules ready to be tried; `extra` are fields that are read beside those of the rules, such as those by which
    /// correlations group.
    ///
    /// # Errors
    /// The texts of the rules are too many or too long for an automaton.
    pub fn new(rules: Vec<Rule>, logsources: Logsources, extra: &[&str]) -> Result<Self, String> {
        let mut compiler = Compiler { fields: Fields::new(&logsources), questions: Vec::new(), known: HashMap::new() };
        let mut keys = Vec::new();
        for source in &logsources.sources {
            for (field, _) in &source.when {
                let key = (source.family.clone(), compiler.fields.id(field));
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let time = logsources.time.iter().map(|name| compiler.fields.id(name)).collect();
        extra.iter().for_each(|name| {
            compiler.fields.id(name);
        });
        let programs: Vec<Program> = rules.iter().map(|rule| compiler.program(&rule.expression)).collect();
        for source in &logsources.sources {
            for (name, others) in &source.fields {
                if compiler.fields.known(name).is_some() {
                    others.iter().for_each(|other| {
                        compiler.fields.id(other);
                    });
                }
            }
        }
        let Compiler { fields, mut questions, .. } = compiler;
        let guesses: Vec<f64> = questions.iter().map(|question| question.guess).collect();
        let eager: HashSet<PredicateId> =
            programs.iter().filter_map(|program| wakers(program, &guesses)).flat_map(|(_, wakers)| wakers).collect();
        let mut indexes: Vec<Index> = Vec::new();
        indexes.resize_with(fields.names.len(), Index::default);
        for (at, question) in questions.iter_mut().enumerate() {
            let id = PredicateId::try_from(at).unwrap_or(PredicateId::MAX);
            if let ([Test::Regex(expression)], false) = (question.tests.as_slice(), eager.contains(&id)) {
                question.lazy = Some(Box::new(expression.regex().clone()));
                continue;
            }
            let Some(index) = indexes.get_mut(question.field as usize) else { continue };
            for test in &question.tests {
                index.add(test, id);
            }
        }
        finish(&mut indexes)?;
        Ok(Self { rules, programs, questions, indexes, fields, logsources, keys, time })
    }

    /// The rules, in the order in which matches count them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// Builds the automata of all fields, on all processors.
fn finish(indexes: &mut [Index]) -> Result<(), String> {
    // The heaviest first, so that no thread is left alone with one at the end.
    let mut order: Vec<&mut Index> = indexes.iter_mut().filter(|index| index.questions > 0).collect();
    order.sort_by_key(|index| std::cmp::Reverse(index.questions));
    let waiting = std::sync::Mutex::new(order.into_iter());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(index) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) {
                index.finish()?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("an automaton could not be built".to_owned())))
    })
}

/// Whether a program has a question for which `is` holds.
pub(crate) fn asks(program: &Program, is: &mut dyn FnMut(PredicateId) -> bool) -> bool {
    match program {
        Program::All(parts) | Program::Any(parts) => parts.iter().any(|part| asks(part, is)),
        Program::Not(part) => asks(part, is),
        Program::Question(id) => is(*id),
        _ => false,
    }
}

/// The fields that a program reads.
pub(crate) fn reads(program: &Program, questions: &[Question], out: &mut dyn FnMut(FieldId)) {
    match program {
        Program::All(parts) | Program::Any(parts) => parts.iter().for_each(|part| reads(part, questions, out)),
        Program::Not(part) => reads(part, questions, out),
        Program::Question(id) => {
            if let Some(question) = questions.get(*id as usize) {
                out(question.field);
            }
        }
        Program::Null(field) | Program::Exists(field, _) => out(*field),
        Program::FieldRef(field, _, other) => {
            out(*field);
            out(*other);
        }
    }
}

/// Questions one of which must be answered with yes for the program to hold, and how often that may be; `None` where it
/// may hold without any.
pub(crate) fn wakers(program: &Program, often: &[f64]) -> Option<(f64, Vec<PredicateId>)> {
    match program {
        Program::Question(id) => Some((often.get(*id as usize).copied().unwrap_or(1.0), vec![*id])),
        Program::All(parts) => parts.iter().filter_map(|part| wakers(part, often)).min_by(|a, b| a.0.total_cmp(&b.0)),
        Program::Any(parts) => {
            parts.iter().map(|part| wakers(part, often)).try_fold((0.0, Vec::new()), |(sum, mut all), part| {
                let (often, more) = part?;
                all.extend(more);
                Some((sum + often, all))
            })
        }
        Program::Not(_) | Program::Null(_) | Program::Exists(..) | Program::FieldRef(..) => None,
    }
}

struct Compiler {
    fields: Fields,
    questions: Vec<Question>,
    known: HashMap<(FieldId, Vec<Test>), PredicateId>,
}

impl Compiler {
    fn program(&mut self, expression: &Expression) -> Program {
        match expression {
            Expression::All(parts) => {
                let mut flat = Vec::new();
                flatten(parts, true, &mut flat);
                let mut programs: Vec<Program> = flat.into_iter().map(|part| self.program(part)).collect();
                self.cheap_first(&mut programs);
                one_or(programs, Program::All)
            }
            Expression::Any(parts) => {
                let mut flat = Vec::new();
                flatten(parts, false, &mut flat);
                self.any(&flat)
            }
            Expression::Not(part) => Program::Not(Box::new(self.program(part))),
            Expression::Field(name, test) => {
                let field = self.fields.id(name);
                self.leaf(field, test)
            }
            Expression::Keyword(test) => self.leaf(KEYWORD, test),
        }
    }

    /// Tests of one field of which any may pass become one question.
    fn any(&mut self, parts: &[&Expression]) -> Program {
        let mut groups: BTreeMap<FieldId, Vec<Test>> = BTreeMap::new();
        let mut programs = Vec::new();
        for part in parts {
            let (field, test) = match part {
                Expression::Field(name, test) => (self.fields.id(name), test),
                Expression::Keyword(test) => (KEYWORD, test),
                other => {
                    programs.push(self.program(other));
                    continue;
                }
            };
            if matches!(test, Test::Text(_) | Test::Cidr(_) | Test::Compare(..) | Test::TimePart(..)) {
                groups.entry(field).or_default().push(test.clone());
            } else {
                programs.push(self.leaf(field, test));
            }
        }
        for (field, tests) in groups {
            programs.push(self.question(field, tests));
        }
        self.cheap_first(&mut programs);
        one_or(programs, Program::Any)
    }

    fn leaf(&mut self, field: FieldId, test: &Test) -> Program {
        match test {
            Test::Null => Program::Null(field),
            Test::Exists(wanted) => Program::Exists(field, *wanted),
            Test::FieldRef(place, other) => Program::FieldRef(field, *place, self.fields.id(other)),
            Test::Never => Program::Any(Box::default()),
            test => self.question(field, vec![test.clone()]),
        }
    }

    fn question(&mut self, field: FieldId, mut tests: Vec<Test>) -> Program {
        tests.sort();
        tests.dedup();
        let next = PredicateId::try_from(self.questions.len()).unwrap_or(PredicateId::MAX);
        let id = *self.known.entry((field, tests.clone())).or_insert(next);
        if id == next {
            let guess = tests.iter().map(guess).sum();
            self.questions.push(Question { field, tests, lazy: None, guess });
        }
        Program::Question(id)
    }

    /// Expressions that are searched for come last.
    fn cheap_first(&self, programs: &mut [Program]) {
        let costly = |id: PredicateId| {
            self.questions
                .get(id as usize)
                .is_some_and(|question| question.tests.iter().any(|test| matches!(test, Test::Regex(_))))
        };
        programs.sort_by_key(|program| matches!(program, Program::FieldRef(..)) || asks(program, &mut |id| costly(id)));
    }
}

fn flatten<'e>(parts: &'e [Expression], all: bool, out: &mut Vec<&'e Expression>) {
    for part in parts {
        match (part, all) {
            (Expression::All(inner), true) | (Expression::Any(inner), false) => flatten(inner, all, out),
            _ => out.push(part),
        }
    }
}

fn one_or(mut parts: Vec<Program>, many: fn(Box<[Program]>) -> Program) -> Program {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    many(parts.into())
}

/// How often a test may pass, told from its length alone: longer texts are rarer.
fn guess(test: &Test) -> f64 {
    match test {
        Test::Text(pattern) => {
            let length: usize = pattern
                .parts
                .iter()
                .map(|part| if let Part::Literal(text) = part { text.chars().count() } else { 0 })
                .sum();
            let base = if pattern.plain().is_some() { 0.4 } else { 0.8 };
            base * 0.8_f64.powi(i32::try_from(length.min(60)).unwrap_or(60))
        }
        Test::Cidr(_) => 0.3,
        Test::Compare(..) | Test::TimePart(..) => 0.5,
        Test::Regex(_) => 10.0,
        _ => 1.0,
    }
}
