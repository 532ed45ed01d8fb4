//! The text of a manifest, edited line by line: everything else stays byte for byte.

use std::ops::Range;

use anyhow::{Context as _, Result};
use toml_edit::{Item, Table, TableLike, Value};

use super::entry::{Entry, find, format_keys};
use super::lines::Lines;
use super::positions::{
    Nearest, body_end, collect, collect_ends, enclosing_inline_table, inline_insertion, nearest,
    parse,
};
use crate::render::section_rank;

/// A manifest being edited. It is parsed again for each change, which takes a tenth of a millisecond: unlike the text, a document
/// preserves neither line endings nor a byte order mark.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

/// The position of a new table, and the text above its header.
pub(super) struct Header<'a> {
    pub(super) keys: &'a [String],
    pub(super) above: &'a str,
}

/// A table or a value in the text.
struct Position {
    /// Its key; the last part of a dotted one.
    key: Range<usize>,
    /// Its value, or its header.
    item: Range<usize>,
    /// Whether it is in an inline table.
    inline: bool,
}

impl Text {
    /// Inserts an entry into a table, which is created if necessary.
    pub(super) fn insert(&mut self, header: &Header<'_>, entry: &Entry) -> Result<()> {
        let document = parse(&self.0)?;
        let root = document.as_table();
        let (at, lines) = match nearest(root, header.keys) {
            Nearest::InlineTable(table, rest) => {
                let (at, text) = inline_insertion(table, rest, entry)?;
                self.0.insert_str(at, &text);
                return Ok(());
            }
            Nearest::Table(table) if table.is_dotted() => {
                let (at, prefix) = self.after_dotted(table)?;
                (at, entry.lines(&prefix))
            }
            Nearest::Table(table) => (self.in_body(table, header.keys, entry), entry.lines("")),
            Nearest::None => {
                let Header { keys, above } = header;
                let text = format!("{above}[{}]\n{}", format_keys(keys), entry.lines(""));
                let at = self.for_table(root, keys);
                let gap = if at == 0 { "" } else { "\n" };
                (at, format!("{gap}{text}"))
            }
        };
        self.insert_lines(at, &lines);
        Ok(())
    }

    /// Replaces an entry; comments are replaced with it if they are those of `old`.
    pub(super) fn replace(&mut self, keys: &[String], old: &Entry, new: &Entry) -> Result<()> {
        let position = self.position(keys)?;
        let lines = self.lines();
        let own = (!position.inline && lines.trailing(position.item.end) == old.trailing)
            .then(|| lines.comments_above(position.key.start, &old.above))
            .flatten();
        match own {
            Some(start) => {
                let line = lines.start(position.key.start);
                let prefix = self.0[line..position.key.start].to_owned();
                let end = lines.end(position.item.end);
                let open = !self.0[..end].ends_with('\n');
                let mut text = self.with_line_ends(&new.lines(&prefix));
                if open {
                    text.truncate(text.trim_end_matches(['\r', '\n']).len());
                }
                self.0.replace_range(start..end, &text);
            }
            None => self.0.replace_range(position.item, &new.value),
        }
        Ok(())
    }

    /// Replaces a value.
    pub(super) fn set(&mut self, keys: &[String], value: &str) -> Result<()> {
        let position = self.position(keys)?;
        self.0.replace_range(position.item, value);
        Ok(())
    }

    /// Removes an entry, and the comments above it if they are unchanged.
    pub(super) fn remove(&mut self, keys: &[String], above: &str) -> Result<()> {
        let position = self.position(keys)?;
        if position.inline {
            return self.remove_from_inline_table(keys, &position);
        }
        let lines = self.lines();
        let start = lines.comments_above(position.key.start, above);
        let start = start.unwrap_or_else(|| lines.start(position.key.start));
        self.remove_lines(start..lines.end(position.item.end));
        Ok(())
    }

    /// Removes a table that contains nothing but tables with headers of their own, with the empty line above it.
    pub(super) fn remove_table(&mut self, keys: &[String], above: &str) -> Result<()> {
        let document = parse(&self.0)?;
        match find(document.as_table(), keys) {
            Some(Item::Table(table)) if body_end(table).is_none() => {
                let Some(header) = table.span().filter(|_| !table.is_implicit()) else {
                    return Ok(());
                };
                let lines = self.lines();
                let start = lines.comments_above(header.start, above);
                let start = lines.empty_above(start.unwrap_or_else(|| lines.start(header.start)));
                self.remove_lines(start..lines.end(header.end));
                Ok(())
            }
            Some(Item::Value(Value::InlineTable(table))) if table.is_empty() => {
                self.remove(keys, above)
            }
            _ => Ok(()),
        }
    }

    /// Whether an entry is the only one in its table.
    pub(super) fn is_alone(&self, keys: &[String]) -> Result<bool> {
        let document = parse(&self.0)?;
        let (_, parents) = keys.split_last().context("an entry without a key")?;
        let table = find(document.as_table(), parents).and_then(Item::as_table_like);
        Ok(table.is_some_and(|table| table.len() == 1))
    }

    /// The rest of a value's line.
    pub(super) fn trailing(&self, keys: &[String]) -> String {
        let position = self.position(keys).ok().filter(|position| !position.inline);
        let trailing = position.map(|position| self.lines().trailing(position.item.end).to_owned());
        trailing.unwrap_or_default()
    }

    fn lines(&self) -> Lines<'_> {
        Lines(&self.0)
    }

    fn position(&self, keys: &[String]) -> Result<Position> {
        let document = parse(&self.0)?;
        let missing = || format!("`{}` is not in the manifest", format_keys(keys));
        let (last, parents) = keys.split_last().with_context(missing)?;
        let mut table: &dyn TableLike = document.as_table();
        let mut inline = false;
        for key in parents {
            let item = table.get(key).with_context(missing)?;
            inline |= item.is_inline_table();
            table = item.as_table_like().with_context(missing)?;
        }
        let key = table.key(last).and_then(toml_edit::Key::span);
        let item = table.get(last).and_then(Item::span);
        Ok(Position {
            key: key.with_context(missing)?,
            item: item.with_context(missing)?,
            inline,
        })
    }

    /// The end of the last entry of a dotted table, and the prefix of its entries' keys.
    fn after_dotted(&self, table: &Table) -> Result<(usize, String)> {
        let first = table.iter().next().and_then(|(key, _)| table.key(key));
        let first = first.and_then(toml_edit::Key::span);
        let first = first.context("a dotted table without an entry")?.start;
        let prefix = self.0[self.lines().start(first)..first].trim_start();
        let last = body_end(table).context("a dotted table without an entry")?;
        Ok((self.lines().end(last), prefix.to_owned()))
    }

    /// The position of a new entry in a table: in order if the section is sorted, otherwise at the end.
    fn in_body(&self, table: &Table, keys: &[String], entry: &Entry) -> usize {
        let lines = self.lines();
        let is_dependencies = keys.last().is_some_and(|key| key.ends_with("dependencies"));
        if is_dependencies {
            let mut entries: Vec<(usize, &str)> = table
                .iter()
                .filter_map(|(key, _)| Some((table.key(key)?.span()?.start, key)))
                .collect();
            entries.retain(|(at, _)| !lines.is_header(*at));
            entries.sort_unstable();
            let sorted = entries.is_sorted_by_key(|(_, key)| *key);
            let greater = entries.iter().find(|(_, key)| *key > entry.key.as_str());
            if let Some((at, _)) = greater.filter(|_| sorted) {
                return lines.all_comments_above(*at);
            }
        }
        let header = table.span().map(|header| header.end);
        body_end(table)
            .max(header)
            .map_or(0, |end| lines.after_comments(lines.end(end)))
    }

    /// The position of a new table: after the others of its section, or after the section that usually precedes it.
    fn for_table(&self, root: &Table, keys: &[String]) -> usize {
        let mut tables = Vec::new();
        collect(root, None, &mut tables);
        tables.sort_unstable();
        let section = keys.first().map_or("", String::as_str);
        let of_section = tables.iter().rposition(|(_, _, other)| *other == section);
        let rank = section_rank(section);
        let before = || {
            let usual = |(_, _, other): &(usize, usize, &str)| section_rank(other) <= rank;
            tables.iter().rposition(usual)
        };
        match of_section.or_else(before) {
            Some(index) if index + 1 < tables.len() => {
                let lines = self.lines();
                lines.after_comments(lines.end(tables[index].1))
            }
            _ => self.lines().last_written(),
        }
    }

    fn insert_lines(&mut self, at: usize, lines: &str) {
        let mut text = self.with_line_ends(lines);
        let open = at == self.0.len() && !matches!(self.0.as_bytes().last(), None | Some(b'\n'));
        if open {
            // The last line has no line ending, and should not get one.
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            text.insert_str(0, self.line_end());
        }
        self.0.insert_str(at, &text);
    }

    fn remove_lines(&mut self, mut range: Range<usize>) {
        if range.end == self.0.len() && !self.0.ends_with('\n') {
            let before = &self.0[..range.start];
            let before = before.strip_suffix('\n').unwrap_or(before);
            range.start = before.strip_suffix('\r').unwrap_or(before).len();
        }
        self.0.replace_range(range, "");
    }

    /// Removes an entry from an inline table, with the comma that is no longer needed.
    fn remove_from_inline_table(&mut self, keys: &[String], entry: &Position) -> Result<()> {
        let document = parse(&self.0)?;
        let enclosing_inline_table = enclosing_inline_table(document.as_table(), keys)
            .context("braces that are not there")?;
        let open = enclosing_inline_table
            .span()
            .context("braces without a place")?
            .start
            + 1;
        let mut ends = Vec::new();
        collect_ends(enclosing_inline_table, &mut ends);
        let before = ends.iter().copied().filter(|end| *end <= entry.key.start);
        let range = match before.max() {
            Some(before) => before..entry.item.end,
            None => {
                let skip = |at: usize, chars: &[char]| {
                    self.0.len() - self.0[at..].trim_start_matches(chars).len()
                };
                let end = entry.item.end;
                let is_last = ends.iter().all(|other| *other <= end);
                let end = if is_last {
                    end
                } else {
                    skip(end, &[',', ' ', '\t'])
                };
                skip(open, &[' ', '\t'])..end
            }
        };
        self.0.replace_range(range, "");
        Ok(())
    }

    fn with_line_ends(&self, lines: &str) -> String {
        lines.replace('\n', self.line_end())
    }

    /// The line ending of the first line.
    fn line_end(&self) -> &'static str {
        let first = self.0.split_inclusive('\n').next().unwrap_or_default();
        if first.ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }
}
