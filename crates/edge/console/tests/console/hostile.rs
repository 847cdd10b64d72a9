//! Names that want to be code.

use console::Role;
use model::Label;

use crate::reports::{inspected, patients};
use crate::site::Site;

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' autofocus onfocus='alert(1)",
    "</title><svg onload=alert(1)>",
    "{{7*7}}<%= 7*7 %>${7*7}",
    "\u{202e}txt.exe\u{0}\u{7}",
];

/// Whatever a file, folder, study or owner is called, and whatever is typed: it stays text.
#[tokio::test]
async fn names_stay_text_on_every_page() {
    let site = Site::new().await;
    let cookie = site.user("<b>ada</b>", Role::Administrator).await;
    let source = site.source("/srv/<script>alert('source')</script>").await;
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let path = format!("folder {hostile}/{number}{hostile}.csv");
        let mut one = patients(&path, 0..3, "US");
        one.study = Some((*hostile).to_owned());
        one.samples[0].masked = (*hostile).to_owned();
        one.samples[0].place = (*hostile).to_owned();
        one.samples[0].why = (*hostile).to_owned();
        one.samples[0].recognizer = (*hostile).to_owned();
        one.errors = vec![formats::Problem::malformed(*hostile)];
        site.ingest(source, vec![inspected(&path, vec![one])]).await;
    }
    let correct = "label=secret&action=add&reason=%3Cscript%3Ealert(1)%3C/script%3E";
    site.post("/objects/1/labels", correct, &cookie).await;
    let mut paths: Vec<String> =
        ["/", "/?by=source&measure=objects", "/changes", "/objects", "/people", "/scans", "/problems", "/users"]
            .map(str::to_owned)
            .to_vec();
    paths.extend((1..=6).map(|id| format!("/objects/{id}")));
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for field in ["text", "study", "jurisdiction", "label", "source", "state"] {
        paths.push(format!("/objects?{field}={typed}"));
    }
    paths.push(format!("/recognizers?text={typed}&type={typed}&country={typed}"));
    paths.push(format!("/login?next={typed}"));
    paths.push(format!("/setup?token={typed}"));
    paths.push(format!("/nowhere/{typed}"));
    for path in paths {
        let text = site.get(&path, &cookie).await.text;
        let scripts = text.matches("<script").count();
        assert!(scripts <= 1, "{path}: {scripts} scripts");
        for code in ["<script>", "<img src=x", "<svg onload", "<b>ada", "' autofocus onfocus", "</title><svg"] {
            assert!(!text.contains(code), "{path} holds `{code}`");
        }
        assert!(!text.contains(">49<"), "{path} computes");
    }
    let page = site.get("/objects/1", &cookie).await.text;
    assert!(
        page.contains("&#60;script&#62;alert(1)&#60;/script&#62;") || page.contains("&lt;script&gt;"),
        "shown as text"
    );
    assert!(site.catalogue.object(1).await.unwrap().object.labels.contains(&Label::Secret));
}
