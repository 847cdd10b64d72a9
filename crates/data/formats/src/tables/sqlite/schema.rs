//! What a `CREATE TABLE` statement says about its columns (sqlite.org/lang_createtable.html).

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Whether records hold its value: virtual generated columns are computed when read.
    is_stored: bool,
}

/// A table's columns and how records hold them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) columns: Vec<Column>,
    /// The column that is another name of the row id; records hold null for it.
    pub(super) row_id: Option<usize>,
    /// Columns of the primary key.
    key: Vec<usize>,
    /// Columns of type `INTEGER`.
    integers: Vec<usize>,
    /// Records hold the primary key's columns first.
    is_without_row_id: bool,
}

/// Words that begin a table constraint and end a column's type.
const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
const COLUMN_CONSTRAINTS: [&str; 11] =
    ["CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A bare word.
    Word(String),
    /// A quoted name.
    Name(String),
    Open,
    Close,
    Comma,
    Other,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

impl Schema {
    /// What cannot be understood leaves columns without a name.
    pub(super) fn parse(statement: &str) -> Self {
        let tokens = tokens(statement);
        let mut schema = Self::default();
        let Some(open) = tokens.iter().position(|token| *token == Token::Open) else { return schema };
        let mut depth = 0_usize;
        let mut definition: Vec<&Token> = Vec::new();
        let mut rest = tokens.iter().skip(open + 1);
        for token in rest.by_ref() {
            match token {
                Token::Open => depth += 1,
                Token::Close if depth == 0 => break,
                Token::Close => depth -= 1,
                Token::Comma if depth == 0 => {
                    schema.define(&definition);
                    definition.clear();
                    continue;
                }
                _ => {}
            }
            definition.push(token);
        }
        schema.define(&definition);
        schema.is_without_row_id = rest.any(|token| token.is("WITHOUT"));
        if schema.is_without_row_id {
            schema.row_id = None;
        }
        schema
    }

    /// Where each column's value lies in a record.
    pub(super) fn positions(&self) -> Vec<Option<usize>> {
        let mut order: Vec<usize> = Vec::new();
        if self.is_without_row_id {
            for column in &self.key {
                if !order.contains(column) {
                    order.push(*column);
                }
            }
        }
        let key = order.len();
        let others = (0..self.columns.len()).filter(|at| self.columns.get(*at).is_some_and(|column| column.is_stored));
        let others: Vec<usize> = others.filter(|at| !order.iter().take(key).any(|own| own == at)).collect();
        order.extend(others);
        let mut positions = vec![None; self.columns.len()];
        for (position, column) in order.into_iter().enumerate() {
            if let Some(own) = positions.get_mut(column) {
                *own = Some(position);
            }
        }
        positions
    }

    /// Takes a column's definition or a table's constraint.
    fn define(&mut self, tokens: &[&Token]) {
        let Some((first, rest)) = tokens.split_first() else { return };
        if first.is_any(&CONSTRAINTS) {
            if let Some(at) = tokens.iter().position(|token| token.is("PRIMARY")) {
                self.table_key(tokens.get(at + 2..).unwrap_or_default());
            }
            return;
        }
        let Some(name) = first.name() else { return };
        let ends = rest.iter().position(|token| token.is_any(&COLUMN_CONSTRAINTS)).unwrap_or(rest.len());
        let (kind, constraints) = rest.split_at(ends);
        let is_generated = constraints.iter().any(|token| token.is_any(&["GENERATED", "AS"]));
        let is_stored = !is_generated || constraints.last().is_some_and(|token| token.is("STORED"));
        let at = self.columns.len();
        self.columns.push(Column { name: name.to_owned(), is_stored });
        let is_integer = matches!(kind, [only] if only.is("INTEGER"));
        if is_integer {
            self.integers.push(at);
        }
        if let Some(key) = constraints.iter().position(|token| token.is("PRIMARY")) {
            self.key = vec![at];
            // By an old fault kept for compatibility, a descending key is not the row id.
            if is_integer && !constraints.get(key + 2).is_some_and(|token| token.is("DESC")) {
                self.row_id = Some(at);
            }
        }
    }

    /// `(a, b)` after `PRIMARY KEY`.
    fn table_key(&mut self, tokens: &[&Token]) {
        let mut is_first = true;
        for token in tokens.iter().take_while(|token| ***token != Token::Close) {
            match token {
                Token::Open | Token::Comma => is_first = true,
                token if is_first => {
                    is_first = false;
                    let at = token
                        .name()
                        .and_then(|name| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)));
                    self.key.extend(at);
                }
                _ => {}
            }
        }
        if let [only] = self.key.as_slice()
            && self.integers.contains(only)
        {
            self.row_id = Some(*only);
        }
    }
}

fn tokens(statement: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = statement;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '(' => one(&mut tokens, Token::Open),
            ')' => one(&mut tokens, Token::Close),
            ',' => one(&mut tokens, Token::Comma),
            '"' | '`' | '\'' => {
                let (name, len) = quoted(rest, c);
                tokens.push(Token::Name(name));
                len
            }
            '[' => {
                let end = rest.find(']').unwrap_or(rest.len());
                tokens.push(Token::Name(rest.get(1..end).unwrap_or_default().to_owned()));
                (end + 1).min(rest.len())
            }
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            c if c.is_whitespace() => c.len_utf8(),
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest.get(..end).unwrap_or_default().to_owned()));
                end
            }
            other => {
                tokens.push(Token::Other);
                other.len_utf8()
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    tokens
}

fn one(tokens: &mut Vec<Token>, token: Token) -> usize {
    tokens.push(token);
    1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// A quoted name and its length with quotes; a doubled quote is one.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            name.push(c);
        } else if chars.next_if(|next| next.1 == quote).is_some() {
            name.push(quote);
        } else {
            return (name, at + 1);
        }
    }
    (name, text.len())
}

#[cfg(test)]
mod tests {
    use super::Schema;

    fn names(schema: &Schema) -> Vec<&str> {
        schema.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn columns_types_and_comments() {
        let schema = Schema::parse(
            "CREATE TABLE \"the \"\"table\" (-- a comment, with (comma\n id INTEGER PRIMARY KEY, [birth date] TEXT DEFAULT 'a,b)', \
             `weight` DECIMAL(10, 2) NOT NULL /* kg, net */, 氏名 text, CHECK (weight > 0), FOREIGN KEY (id) REFERENCES x(y))",
        );
        assert_eq!(names(&schema), ["id", "birth date", "weight", "氏名"]);
        assert_eq!(schema.row_id, Some(0));
        assert_eq!(schema.positions(), [Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn keys_come_first_without_row_ids() {
        let schema = Schema::parse("CREATE TABLE t(a, b TEXT, c INT, PRIMARY KEY (c, a DESC)) WITHOUT ROWID");
        assert_eq!(schema.positions(), [Some(1), Some(2), Some(0)]);
        assert_eq!(schema.row_id, None);
    }

    #[test]
    fn row_ids_have_other_names_only_as_integer_keys() {
        assert_eq!(Schema::parse("CREATE TABLE t(a, id integer, PRIMARY KEY(id))").row_id, Some(1));
        assert_eq!(Schema::parse("CREATE TABLE t(a INT PRIMARY KEY)").row_id, None);
        assert_eq!(Schema::parse("CREATE TABLE t(a INTEGER PRIMARY KEY DESC)").row_id, None);
        assert_eq!(Schema::parse("CREATE TABLE t(a INTEGER, b INTEGER, PRIMARY KEY(a, b))").row_id, None);
    }

    #[test]
    fn virtual_columns_are_not_in_the_record() {
        let schema = Schema::parse("CREATE TABLE t(a, b TEXT AS (a || 'x'), c TEXT GENERATED ALWAYS AS (a) STORED, d)");
        assert_eq!(schema.positions(), [Some(0), None, Some(1), Some(2)]);
    }

    #[test]
    fn nonsense_has_no_columns() {
        for text in ["", "CREATE TABLE", "((((", "CREATE TABLE t(\"", "CREATE TABLE t([x", "'", "CREATE TABLE t(,,)"] {
            let _ = Schema::parse(text);
        }
    }
}
