//! Practices to avoid in SQL.

use super::{Code, Rule, rule};
use crate::constraints::code::Coded;

const SQL: &[Coded] = &[Coded::Sql];

/// Words of a prompt that speak of points in time.
const TIMES: &[&str] = &[" timestamp ", " timestamptz ", " datetime ", " created at ", " ordered at "];

/// Words of a prompt that ask for a quotient.
const RATES: &[&str] =
    &[" percent ", " percentage ", " rate ", " prozent ", " pourcentage ", " porcentaje ", " average "];

/// Words of a prompt that keep every row of a table.
const KEPT: &[&str] =
    &[" with nulls ", " still be there ", " still show up ", " even if ", " without orders "];

pub(super) static RULES: &[Rule] = &[
    // A comparison with NULL is never true.
    rule(SQL, &[], |code| {
        ["= null", "<> null", "!= null"].iter().any(|mark| compares_null(&code.flat, mark))
    }),
    // One NULL in the subquery, and the condition is never true.
    rule(SQL, &[], |code| code.flat.contains("not in (select") || code.flat.contains("not in ( select")),
    rule(SQL, &[], |code| code.flat.starts_with("select * ")),
    rule(SQL, &[], |code| has_implicit_join(&code.flat)),
    // An aggregate is not known while rows are selected.
    rule(SQL, &[], |code| {
        conditions(&code.flat)
            .any(|part| ["sum(", "count(", "avg(", "max(", "min("].iter().any(|f| part.contains(f)))
    }),
    // A function of a column keeps its index from being used.
    rule(SQL, &[], |code| conditions(&code.flat).any(hides_column)),
    // A condition on the joined table drops the rows without a partner.
    rule(SQL, &[], undoes_outer_join),
    rule(SQL, TIMES, |code| conditions(&code.flat).any(|part| part.contains(" between '"))),
    // Whole numbers are divided to a whole number.
    rule(SQL, RATES, |code| {
        code.flat.contains(" / ")
            && !["100.0", "1.0", "numeric", "float", "decimal", "real", "avg("]
                .iter()
                .any(|mark| code.flat.contains(mark))
    }),
    rule(SQL, KEPT, |code| {
        code.flat.contains(" join ")
            && !["left ", "right ", "full "].iter().any(|side| code.flat.contains(side))
    }),
];

/// True if `mark` stands in `text` before the end of a word, and not in an assignment of an update.
fn compares_null(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + mark.len()..).unwrap_or_default();
        let assigned = before.rfind(" set ") > before.rfind(" where ");
        !assigned && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// The conditions that select rows, each up to the next clause or bracket.
fn conditions(text: &str) -> impl Iterator<Item = &str> {
    text.split(" where ").skip(1).map(|rest| {
        let ends = [" group by ", " order by ", " having ", " limit ", ";", "(select", "( select", " union "];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        rest.get(..end).unwrap_or(rest)
    })
}

/// True if a comparison applies a function of dates to a column.
fn hides_column(condition: &str) -> bool {
    ["date(", "year(", "month(", "strftime(", "to_char(", "extract(", "date_trunc("].iter().any(|function| {
        condition.match_indices(function).any(|(at, _)| {
            let before = condition.get(..at).unwrap_or_default();
            let inner = condition.get(at + function.len()..).unwrap_or_default();
            let inner = inner.split(')').next().unwrap_or_default();
            // The column is the last argument, or follows FROM.
            let last = inner.rsplit([',', ' ']).next().unwrap_or_default();
            let column = last.starts_with(char::is_alphabetic)
                && !["now", "current_date", "curdate", "current_timestamp", "sysdate"]
                    .iter()
                    .any(|now| last.contains(now));
            let first = before.is_empty()
                || before.ends_with(" and ")
                || before.ends_with(" or ")
                || before.ends_with('(');
            column && first
        })
    })
}

/// True if FROM lists several tables with commas.
fn has_implicit_join(text: &str) -> bool {
    text.split(" from ").skip(1).any(|rest| {
        let ends = [
            " where ", " join ", " group ", " order ", ")", ";", "(", " limit ", " union ", " on ",
            " select ",
        ];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        rest.get(..end).is_some_and(|tables| tables.contains(", ") && !tables.contains("lateral"))
            && rest.get(end..).is_some_and(|rest| rest.starts_with(" where ") || rest.starts_with(" group "))
    })
}

/// True if WHERE compares a column of a table that is joined with LEFT JOIN.
fn undoes_outer_join(code: &Code<'_>) -> bool {
    code.flat.split("left join ").skip(1).any(|rest| {
        let head = rest.split(" on ").next().unwrap_or_default();
        let Some(alias) =
            head.split_whitespace().next_back().filter(|alias| alias.chars().all(char::is_alphanumeric))
        else {
            return false;
        };
        // The join's own level: nothing between it and its WHERE opens or closes a query.
        let Some((between, _)) = rest.split_once(" where ") else { return false };
        if between.matches('(').count() != between.matches(')').count() {
            return false;
        }
        conditions(rest).next().is_some_and(|part| {
            let compared = |part: &str| {
                let mut words = part.split(' ');
                let first = words.next().unwrap_or_default();
                let sign = words.next().unwrap_or_default();
                first.strip_prefix(alias).is_some_and(|rest| rest.starts_with('.'))
                    && matches!(sign, "=" | "<" | ">" | "<=" | ">=" | "in" | "like" | "between")
            };
            !part.contains(" or ") && part.split(" and ").any(compared)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn faults_of_queries_are_found() {
        check(&[
            (" x ", Coded::Sql, "SELECT a FROM t WHERE b = NULL", true),
            (" x ", Coded::Sql, "UPDATE t SET b = NULL WHERE a = 1", false),
            (" x ", Coded::Sql, "SELECT a FROM t WHERE id NOT IN (SELECT t_id FROM u)", true),
            (" x ", Coded::Sql, "SELECT a FROM t, u WHERE t.id = u.id", true),
            (" x ", Coded::Sql, "SELECT a, b FROM t WHERE c IN (1, 2)", false),
            (" x ", Coded::Sql, "SELECT a FROM t WHERE count(*) > 2 GROUP BY a", true),
            (" x ", Coded::Sql, "SELECT a FROM t WHERE extract(year FROM d) = 2024", true),
            (" x ", Coded::Sql, "SELECT a FROM t WHERE d < date('now', '-1 year')", false),
            (" x ", Coded::Sql, "SELECT a FROM t WHERE DATE(d) = CURDATE()", true),
            (" x ", Coded::Sql, "SELECT a FROM t LEFT JOIN u ON u.id = t.id WHERE u.x = 'a'", true),
            (
                " x ",
                Coded::Sql,
                "SELECT a FROM t LEFT JOIN u ON u.id = t.id AND u.x = 'a' WHERE u.id IS NULL",
                false,
            ),
            (" rate in percent ", Coded::Sql, "SELECT count(a) / count(*) FROM t", true),
            (" rate in percent ", Coded::Sql, "SELECT 100.0 * count(a) / count(*) FROM t", false),
        ]);
    }
}
