//! Tables: aligned columns with a heading, for people.

use unicode_width::UnicodeWidthStr;

use super::Style;

/// A cell's text, and its style.
type Cell = (String, fn(Style, &str) -> String);

/// A table whose columns are as wide as their widest cell.
#[derive(Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

fn plain(_: Style, text: &str) -> String {
    text.to_owned()
}

impl Table {
    /// A table with these headings. A heading that begins with `>` is that of a column of numbers.
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of plain cells.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|text| (text, plain as fn(Style, &str) -> String)).collect());
    }

    /// Styles a cell of the last row.
    pub fn style(&mut self, column: usize, style: fn(Style, &str) -> String) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.get_mut(column)) {
            cell.1 = style;
        }
    }

    /// The lines of the table.
    pub fn render(&self, style: Style) -> String {
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                let heading = self.headings[column].trim_start_matches('>').width();
                cells.map(|(text, _)| text.width()).chain([heading]).max().unwrap_or(0)
            })
            .collect();
        let heading = self
            .headings
            .iter()
            .map(|text| (text.trim_start_matches('>').to_owned(), Style::dim as fn(Style, &str) -> String));
        let heading: Vec<Cell> = heading.collect();
        let lines = std::iter::once(&heading).chain(&self.rows);
        lines.map(|row| self.line(row, &widths, style)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, row: &[Cell], widths: &[usize], style: Style) -> String {
        let mut line = String::new();
        for (column, (text, of)) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(text.width()));
            let (before, after) = if self.headings[column].starts_with('>') {
                (padding.as_str(), "")
            } else {
                ("", padding.as_str())
            };
            let gap = if column == 0 { "" } else { "  " };
            // The last column ends with its text.
            let after = if column + 1 == row.len() { "" } else { after };
            line += &format!("{gap}{before}{}{after}", of(style, text));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_their_width() {
        let mut table = Table::new(&["id", ">price", "title"]);
        table.row(["a".into(), "$5.00".into(), "one".into()]);
        table.row(["漢字".into(), "$12.00".into(), "two three".into()]);
        table.style(2, Style::bold);
        let expected = "id     price  title\na      $5.00  one\n漢字  $12.00  two three";
        assert_eq!(table.render(Style::detect(false)), expected);
    }
}
