//! HTML pages and notebooks (nbformat 4.5).

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::xml;

/// A page with a paragraph for each line.
pub fn html(title: &str, text: &str) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\n<body><h1>{0}</h1>\n",
        xml(title)
    );
    for line in text.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(page, "<p>{}</p>", xml(line));
    }
    page.push_str("</body></html>\n");
    page
}

/// A notebook of Markdown (`md`) and code cells; outputs of a code cell are its second text.
pub fn notebook(cells: &[(&str, &str, &str)]) -> Value {
    let cells: Vec<Value> = cells
        .iter()
        .enumerate()
        .map(|(i, (kind, source, output))| {
            let lines: Vec<String> = source.split_inclusive('\n').map(str::to_owned).collect();
            if *kind == "md" {
                return json!({"cell_type": "markdown", "id": format!("c{i}"), "metadata": {}, "source": lines});
            }
            let outputs = if output.is_empty() {
                json!([])
            } else {
                let lines: Vec<&str> = output.split_inclusive('\n').collect();
                json!([{"output_type": "stream", "name": "stdout", "text": lines}])
            };
            json!({
                "cell_type": "code", "id": format!("c{i}"), "execution_count": i, "metadata": {}, "outputs": outputs,
                "source": lines
            })
        })
        .collect();
    json!({
        "cells": cells, "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4, "nbformat_minor": 5
    })
}
