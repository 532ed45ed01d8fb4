//! A package and the workspace around it: their manifests' references to each other.

use anyhow::{Context as _, Result};
use toml_edit::{Array, DocumentMut, Item, RawString, Table, Value};

use super::manifest::sort_sections;

/// Adds a member to the workspace of a manifest, in order if the list is sorted; everything else stays byte for byte.
///
/// # Errors
///
/// If the manifest is not TOML, or if `workspace.members` is not a list.
pub fn add_member(manifest: &str, member: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let workspace = document["workspace"]
        .as_table_like_mut()
        .context("`workspace` is not a table")?;
    let members = workspace
        .entry("members")
        .or_insert_with(|| Value::Array(Array::new()).into());
    let members = members
        .as_array_mut()
        .context("`workspace.members` is not a list")?;
    insert_text(members, member);
    Ok(with_line_ends_of(manifest, &document.to_string()))
}

/// Excludes a package from any workspace around it.
///
/// # Errors
///
/// If the manifest is not TOML.
pub fn stand_alone(manifest: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let mut table = Table::new();
    table
        .decor_mut()
        .set_prefix("\n# A workspace of its own, so that the one around it leaves it alone.\n");
    document.insert("workspace", Item::Table(table));
    sort_sections(document.as_table_mut());
    Ok(document.to_string())
}

/// Makes a package inherit from its workspace, like `cargo new` does: package fields that the package does not set itself, and
/// the lints.
///
/// # Errors
///
/// If either manifest is not TOML.
pub fn inherit(manifest: &str, workspace: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let workspace: DocumentMut = workspace.parse()?;
    let given = |section: &str| {
        workspace
            .get("workspace")
            .and_then(|item| item.get(section))
            .and_then(Item::as_table_like)
    };
    if let (Some(fields), Some(package)) = (
        given("package"),
        document.get_mut("package").and_then(Item::as_table_mut),
    ) {
        for (field, _) in fields.iter() {
            // The starter requires its own edition and Rust release, and has its own version from the start.
            let own = package.contains_key(field) || field == "rust-version";
            if !own {
                let mut inherited = Table::new();
                inherited.insert("workspace", toml_edit::value(true));
                inherited.set_dotted(true);
                package.insert(field, Item::Table(inherited));
            }
        }
    }
    if given("lints").is_some() {
        let mut lints = Table::new();
        lints.insert("workspace", toml_edit::value(true));
        lints.decor_mut().set_prefix("\n");
        document.insert("lints", Item::Table(lints));
    }
    sort_sections(document.as_table_mut());
    Ok(document.to_string())
}

/// Inserts a text in order if the list is sorted, otherwise at its end, in the list's own layout.
pub(crate) fn insert_text(list: &mut Array, text: &str) {
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let greater = texts.iter().position(|other| *other > text);
    let index = greater.filter(|_| texts.is_sorted()).unwrap_or(texts.len());
    let mut value = Value::from(text);
    match indent(list) {
        Some(indent) => {
            let before = split_gap(list, index);
            value.decor_mut().set_prefix(format!("{before}{indent}"));
        }
        None if index > 0 => value.decor_mut().set_prefix(" "),
        None => {
            let first = list.get_mut(0).map(Value::decor_mut);
            first.into_iter().for_each(|decor| decor.set_prefix(" "));
        }
    }
    if index == list.len() && !list.trailing_comma() {
        // The text between the last value and the bracket stays there.
        let last = index.checked_sub(1).and_then(|last| list.get_mut(last));
        let suffix = last.map(take_suffix).unwrap_or_default();
        value.decor_mut().set_suffix(suffix);
    }
    list.insert_formatted(index, value);
}

/// The indentation of a list's values on lines of their own: a line ending and whitespace.
fn indent(list: &Array) -> Option<String> {
    let mut prefixes = list
        .iter()
        .filter_map(|value| value.decor().prefix()?.as_str());
    prefixes.find_map(|prefix| Some(prefix[prefix.rfind('\n')?..].to_owned()))
}

/// Removes the rest of the line before a value's position from the list: the comment on the previous value.
fn split_gap(list: &mut Array, index: usize) -> String {
    let line_of = |gap: &str| gap.split('\n').next().unwrap_or_default().to_owned();
    let text = |raw: Option<&RawString>| {
        raw.and_then(RawString::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(next) = list.get_mut(index) {
        let gap = text(next.decor().prefix());
        next.decor_mut().set_prefix(&gap[line_of(&gap).len()..]);
        return line_of(&gap);
    }
    if list.trailing_comma() {
        let gap = text(Some(list.trailing()));
        list.set_trailing(&gap[line_of(&gap).len()..]);
        return line_of(&gap);
    }
    let Some(last) = index.checked_sub(1).and_then(|last| list.get_mut(last)) else {
        return String::new();
    };
    let gap = text(last.decor().suffix());
    last.decor_mut().set_suffix(&gap[line_of(&gap).len()..]);
    line_of(&gap)
}

fn take_suffix(value: &mut Value) -> String {
    let suffix = value
        .decor()
        .suffix()
        .and_then(RawString::as_str)
        .unwrap_or_default()
        .to_owned();
    value.decor_mut().set_suffix("");
    suffix
}

/// Restores the line endings of unchanged lines, and a byte order mark: a TOML document preserves neither. New lines end like the
/// first line.
fn with_line_ends_of(original: &str, edited: &str) -> String {
    let mark = if original.starts_with('\u{feff}') {
        "\u{feff}"
    } else {
        ""
    };
    let old: Vec<&str> = original[mark.len()..].split_inclusive('\n').collect();
    let new: Vec<&str> = edited.split_inclusive('\n').collect();
    let same = |(old, new): (&&str, &&str)| old.replace("\r\n", "\n") == **new;
    let head = old.iter().zip(&new).take_while(|pair| same(*pair)).count();
    let longest_tail = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|pair| same(*pair))
        .count()
        .min(longest_tail);
    let windows = old.first().is_some_and(|line| line.ends_with("\r\n"));
    let middle = new[head..new.len() - tail].concat();
    let middle = if windows {
        middle.replace('\n', "\r\n")
    } else {
        middle
    };
    [
        mark,
        &old[..head].concat(),
        &middle,
        &old[old.len() - tail..].concat(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::{add_member, inherit, stand_alone};

    #[test]
    fn adds_a_member_in_the_existing_layout() {
        let cases = [
            ("[workspace]\n", "[workspace]\nmembers = [\"m\"]\n"),
            (
                "[workspace]\nmembers = []\n",
                "[workspace]\nmembers = [\"m\"]\n",
            ),
            (
                "[workspace]\nmembers = [\"a\", \"z\"] # all\n",
                "[workspace]\nmembers = [\"a\", \"m\", \"z\"] # all\n",
            ),
            (
                "[workspace]\nmembers = [\"n\"]\n",
                "[workspace]\nmembers = [\"m\", \"n\"]\n",
            ),
            (
                "[workspace]\nmembers = [\"z\", \"a\"]\n",
                "[workspace]\nmembers = [\"z\", \"a\", \"m\"]\n",
            ),
            (
                "[workspace]\nmembers = [\n  # first\n  \"a\",\n  \"b\",\n]\n\n[profile.dev]\ndebug = 0\n",
                "[workspace]\nmembers = [\n  # first\n  \"a\",\n  \"b\",\n  \"m\",\n]\n\n[profile.dev]\ndebug = 0\n",
            ),
            (
                "workspace = { members = [\"a\"] }\n",
                "workspace = { members = [\"a\", \"m\"] }\n",
            ),
            (
                "\u{feff}# x\r\n# y\n[workspace]\r\nmembers = []\n# z\r\n",
                "\u{feff}# x\r\n# y\n[workspace]\r\nmembers = [\"m\"]\r\n# z\r\n",
            ),
            (
                "[workspace]\r\nmembers = [\r\n\t\"a\"\r\n]\r\n",
                "[workspace]\r\nmembers = [\r\n\t\"a\",\r\n\t\"m\"\r\n]\r\n",
            ),
        ];
        for (before, after) in cases {
            assert_eq!(add_member(before, "m").unwrap(), after, "{before}");
        }
    }

    #[test]
    fn package_inherits_like_with_cargo_new() {
        let package = "[package]\nname = \"x\"\nedition = \"2024\"\n\n[dependencies]\n\n[lints.rust]\nunsafe_code = \"forbid\"\n";
        let workspace = "[workspace.package]\nedition = \"2021\"\nlicense = \"MIT\"\nrust-version = \"1.70\"\n[workspace.lints.rust]\n";
        insta::assert_snapshot!(inherit(package, workspace).unwrap(), @r#"
        [package]
        name = "x"
        edition = "2024"
        license.workspace = true

        [dependencies]

        [lints]
        workspace = true
        "#);
        assert_eq!(inherit(package, "[workspace]\n").unwrap(), package);
        assert!(stand_alone(package).unwrap().contains("\n[workspace]\n"));
    }
}
