//! Content that is broken.

use incidents::assess::{Form, FormError};

/// The smallest form there is, with a part replaced.
fn broken(part: &str, by: &str) -> FormError {
    const FORM: &str = r#"
id = "f"
title = "t"
about = "a"
cites = ["c"]
checked = 2026-11-30
define = { d = "q=x" }
meaning = [{ id = "m", text = "t" }]
question = [{ id = "q", text = "t", help = "h", cites = "c", kind = "choice", needed = true, options = [{ id = "x", text = "t", weighs = "high" }, { id = "y", text = "t" }] }]
outcome = [{ id = "o", gravity = 1, title = "t", text = "t", cites = "c", when = "@d" }, { id = "p", gravity = 0, title = "t", text = "t", cites = "c" }]
"#;
    assert!(Form::from_toml("f.toml", FORM).is_ok(), "the form itself is sound");
    assert!(FORM.contains(part));
    Form::from_toml("f.toml", &FORM.replacen(part, by, 1)).expect_err(by)
}

#[test]
fn content_that_points_nowhere_is_refused() {
    let cases = [
        ("d = \"q=x\"", "d = \"r=x\"", "definition `d`: there is no question `r` before it"),
        ("d = \"q=x\"", "d = \"q=z\"", "question `q` has no option `z`"),
        ("d = \"q=x\"", "d = \"@d\"", "does a definition hold itself"),
        ("d = \"q=x\"", "d = { weighs = \"high\", among = [\"q\"], at_least = 2 }", "at_least = 2 of 1"),
        ("d = \"q=x\"", "d = { all = [] }", "over nothing"),
        ("\"@d\"", "\"@e\"", "there is no definition `e`"),
        ("needed = true,", "needed = true, asked_when = \"q=x\",", "there is no question `q` before it"),
        ("needed = true,", "needed = true, uncertain = true,", "what is uncertain"),
        ("needed = true,", "needed = true, prefill = { from = \"fact\", name = \"f\" },", "a text for a choice"),
        (
            "needed = true,",
            "needed = true, prefill = { from = \"grade\", certain = \"x\", likely = \"z\" },",
            "no option `z`",
        ),
        ("id = \"y\"", "id = \"x\"", "option `x` is there twice"),
        ("id = \"p\"", "id = \"o\"", "outcome `o` is there twice"),
        (", when = \"@d\"", "", "holds without a condition"),
        ("when = \"@d\"", "when = \"@d\", only_when = \"@d\"", "`needs`"),
        ("when = \"@d\"", "when = \"@d\", looks_at = [\"r\"]", "no question `r`"),
        ("title = \"t\"", "titel = \"t\"", "titel"),
        ("checked = 2026-11-30", "checked = 12:00:00", "is no day"),
    ];
    for (part, by, says) in cases {
        let error = broken(part, by).to_string();
        assert!(error.starts_with("content/assessments/f.toml: ") && error.contains(says), "{by}: {error}");
    }
}
