//! What questions are answered with.

use hunt::{Format, Kind, Limits, Parameter};
use lake::saved;

use crate::support::{BEGIN_MS, World, principal};

#[tokio::test]
async fn a_question_to_each_table() {
    let world = World::new(250, |_| {}).await;
    let golden = [
        ("SELECT count(*) AS n FROM events", "{\"n\":250}\n"),
        (
            "SELECT p.name, count(*) AS refused FROM events e JOIN principals p ON p.id = e.principal \
             WHERE e.status = 'failure' GROUP BY p.name ORDER BY p.name",
            "{\"name\":\"ada\",\"refused\":9}\n{\"name\":\"ben\",\"refused\":8}\n{\"name\":\"cleo\",\"refused\":8}\n",
        ),
        (
            "SELECT index, time, ip, bytes FROM events WHERE labels LIKE '%special.genetic%' AND time >= '2026-11-01T04:00:00Z' ORDER BY index LIMIT 2",
            "{\"index\":240,\"time\":\"2026-11-01T04:00:00Z\",\"ip\":\"192.0.2.0\",\"bytes\":1000}\n\
             {\"index\":242,\"time\":\"2026-11-01T04:02:00Z\",\"ip\":\"192.0.2.2\",\"bytes\":1000}\n",
        ),
        (
            "SELECT object_name, credential FROM events WHERE index = 7",
            "{\"object_name\":\"visits/2.csv\",\"credential\":null}\n",
        ),
        (
            "SELECT id, path, bytes FROM objects WHERE bytes > 25 ORDER BY id",
            "{\"id\":3,\"path\":\"visits/3.csv\",\"bytes\":30}\n{\"id\":4,\"path\":\"visits/4.csv\",\"bytes\":40}\n",
        ),
        ("SELECT name, kind FROM principals WHERE name LIKE 'b%'", "{\"name\":\"ben\",\"kind\":\"person\"}\n"),
        (
            "SELECT * FROM subjects",
            "{\"study\":\"onc-001\",\"label\":\"phi.direct\",\"jurisdiction\":\"DE\",\"people\":12}\n",
        ),
        (
            "SELECT DISTINCT f.title, e.study FROM findings f JOIN events e USING (principal)",
            "{\"title\":\"Many downloads\",\"study\":\"onc-001\"}\n",
        ),
        (
            "SELECT regexp_like('a1', '^[a-z][0-9]$') AS a, date_part('hour', to_timestamp(0)) AS h",
            "{\"a\":true,\"h\":0}\n",
        ),
        ("SELECT index FROM events WHERE index = 1000", ""),
    ];
    for (sql, expected) in golden {
        assert_eq!(world.ask(Format::Json, sql, &[]).await.unwrap(), expected, "{sql}");
    }
}

#[tokio::test]
async fn an_answer_in_every_form() {
    let world = World::new(4, |row| {
        if row.index == 2 {
            row.object_name = Some("=cmd|'/C calc'!A1, \"x\"\nsecond line".to_owned());
        }
    })
    .await;
    let sql = "SELECT index, object_name, status_code FROM events WHERE index >= 1 ORDER BY index";
    let text = world.ask(Format::Text, sql, &[]).await.unwrap();
    let expected = "index  object_name                             status_code\n\
                    -----  -----------------------------------  -----------\n    \
                    1  visits/1.csv                            -\n    \
                    2  =cmd|'/C calc'!A1, \"x\"\\nsecond line     -\n    \
                    3  visits/3.csv                            -\n";
    assert_eq!(squeezed(&text), squeezed(expected));
    let csv = world.ask(Format::Csv, sql, &[]).await.unwrap();
    assert_eq!(
        csv,
        "index,object_name,status_code\n1,visits/1.csv,\n2,\"=cmd|'/C calc'!A1, \"\"x\"\"\nsecond line\",\n3,visits/3.csv,\n"
    );
    assert_eq!(world.ask(Format::Csv, "SELECT index FROM events WHERE index > 9", &[]).await.unwrap(), "index\n");
    let (parquet, _) = world.bytes_within(Format::Parquet, sql, &[], Limits::default()).await.unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

fn squeezed(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn nothing_in_a_value_reaches_the_terminal_as_a_command() {
    let hostile = "a\u{1b}[2Jb\u{9b}31mc\rd\u{202e}e\u{7}";
    let world = World::new(1, |row| row.object_name = Some(hostile.to_owned())).await;
    let text = world.ask(Format::Text, "SELECT object_name, 1 AS \"\u{1b}]0;x\u{7}\" FROM events", &[]).await.unwrap();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.contains(r"a\u{1b}[2Jb\u{9b}31mc\rd\u{202e}e\u{7}"), "{text}");
    let json = world.ask(Format::Json, "SELECT object_name FROM events", &[]).await.unwrap();
    assert!(!json.contains('\u{1b}') && json.lines().count() == 1, "{json:?}");
}

#[tokio::test]
async fn values_of_parameters_are_values() {
    let world = World::new(20, |_| {}).await;
    let parameter = |name: &str, value: &str, kind| Parameter { name: name.to_owned(), value: value.to_owned(), kind };
    let sql = "SELECT count(*) AS n FROM events WHERE principal = $who AND index >= $least AND time < $to";
    let parameters = [
        parameter("who", &principal(1), Kind::Text),
        parameter("least", "3", Kind::Number),
        parameter("to", "2026-11-01T00:15:00Z", Kind::Time),
    ];
    assert_eq!(world.ask(Format::Json, sql, &parameters).await.unwrap(), "{\"n\":4}\n");
    let injected = [parameter("who", "' OR 1=1 --", Kind::Text)];
    let sql = "SELECT count(*) AS n FROM events WHERE principal = $who";
    assert_eq!(world.ask(Format::Json, sql, &injected).await.unwrap(), "{\"n\":0}\n");
    let missing = world.ask(Format::Json, sql, &[]).await.unwrap_err();
    assert!(missing.is_usage() && missing.to_string().contains("`who`"), "{missing}");
    let unknown = world.ask(Format::Json, "SELECT 1", &injected).await.unwrap_err();
    assert!(unknown.to_string().contains("does not have it"), "{unknown}");
}

#[tokio::test]
async fn every_saved_hunt_is_answered() {
    let world = World::new(300, |row| {
        row.new = Some("access-key=LZAK1 until=5".to_owned());
        row.credential = Some("LZAK1".to_owned());
        if row.index == 0 {
            row.activity = Some("credential-issue".to_owned());
        }
    })
    .await;
    let now = jiff::Timestamp::from_millisecond(BEGIN_MS + 86_400_000).unwrap();
    for hunt in saved::library(None).unwrap() {
        let given: Vec<(String, String)> = (hunt.parameters.iter())
            .filter(|(_, declared)| declared.default.is_none())
            .map(|(name, _)| (name.clone(), principal(1)))
            .collect();
        let parameters = hunt.parameters(&given, now).unwrap();
        let answer = world.ask(Format::Json, &hunt.sql, &parameters).await;
        let answer = answer.unwrap_or_else(|error| panic!("`{}`: {error}", hunt.id));
        let is_expected = ["most-taken", "at-night", "day-of-principal", "fresh-credential"];
        assert!(!is_expected.contains(&hunt.id.as_str()) || !answer.is_empty(), "`{}` finds nothing", hunt.id);
    }
}
