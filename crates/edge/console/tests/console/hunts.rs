//! Hunts in the console: who may ask, what is asked, and how answers are shown.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use console::{Hunt, HuntAnswer, HuntFault, HuntQuestion, HuntValue, Role};
use lake::saved::{Saved, library};
use model::{Answer, By};

use crate::site::Site;

/// Answers everything alike and remembers what was asked.
#[derive(Default)]
pub struct Asked(pub Mutex<Vec<HuntQuestion>>);

impl Hunt for Asked {
    fn library(&self) -> Result<Vec<Saved>, HuntFault> {
        library(None).map_err(|error| HuntFault::Failed(error.to_string()))
    }

    fn ask<'a>(&'a self, question: HuntQuestion, _: u32, _: &'a By) -> Answer<'a, Result<HuntAnswer, HuntFault>> {
        Box::pin(async move {
            if question.sql.contains("DROP") {
                return Err(HuntFault::Wrong("only SELECT is answered".to_owned()));
            }
            self.0.lock().unwrap().push(question);
            let row =
                |who: &str, number: &str| vec![HuntValue::Text(who.to_owned()), HuntValue::Number(number.to_owned())];
            Ok(HuntAnswer {
                columns: vec!["principal".to_owned(), "downloads".to_owned()],
                rows: vec![row("<b>ada", "40"), row("bob", "10")],
                is_cut: false,
                milliseconds: 7,
            })
        })
    }
}

#[tokio::test]
async fn administrators_hunt_and_nobody_else() {
    let asked = Arc::new(Asked::default());
    let site = Site::hunting(Arc::<Asked>::clone(&asked)).await;
    let reviewer = site.user("rev", Role::Reviewer).await;
    assert_eq!(site.get("/hunts", &reviewer).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.post("/hunts", "sql=SELECT+1", &reviewer).await.status, StatusCode::FORBIDDEN);
    let admin = site.user("adm", Role::Administrator).await;
    let page = site.get("/hunts", &admin).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("name=\"p.from\"") && page.text.contains("SELECT"), "{}", page.text);
    let answer = site.post("/hunts", "id=spraying&p.least=3&p.from=-2d&p.to=now", &admin).await;
    for part in ["<td>&#60;b&#62;ada</td>", "2 rows in 7 ms", "width=\"100%\"", "width=\"25%\""] {
        assert!(answer.text.contains(part), "no {part} in {}", answer.text);
    }
    let question = asked.0.lock().unwrap().pop().unwrap();
    assert_eq!(question.id.as_deref(), Some("spraying"));
    assert!(question.parameters.iter().any(|one| one.name == "least" && one.value == "3"));
    let own = site.post("/hunts", "sql=SELECT+count(*)+FROM+events", &admin).await;
    assert!(own.text.contains("SELECT count(*) FROM events"), "{}", own.text);
}

#[tokio::test]
async fn a_wrong_question_is_answered_with_what_is_wrong() {
    let site = Site::hunting(Arc::new(Asked::default())).await;
    let admin = site.user("adm", Role::Administrator).await;
    for (form, words) in [
        ("sql=DROP+TABLE+events", "only SELECT"),
        ("sql=", "Write a question"),
        ("id=nothing", "no saved hunt"),
        ("id=spraying&p.least=many", "least"),
    ] {
        let answer = site.post("/hunts", form, &admin).await;
        assert!(answer.status == StatusCode::OK && answer.text.contains(words), "{form}: {}", answer.text);
    }
}
