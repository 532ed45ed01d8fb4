//! Reports as people read them.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::{Details, Ending, FileReport, Summary, Written};
use crate::catalog::{Basis, Origin, Preset};
use crate::error::list_names;
use crate::plan::{Action, MARKED, MISSING};
use crate::provenance::BASE;
use crate::render::{NextStep, Wiring};
use crate::shell::{Shell, count};

impl Written {
    pub(super) fn print(&self, shell: &Shell) -> io::Result<()> {
        for file in &self.files {
            let quiet = self.is_quiet(file);
            let from = file.from.as_ref().map(|from| format!("was {from}"));
            let remarks = from.into_iter().chain(file.why.map(str::to_owned));
            let remarks: Vec<String> = remarks.collect();
            let line = match &remarks[..] {
                [] => file.path.clone(),
                remarks => format!("{} ({})", file.path, remarks.join("; ")),
            };
            match file.action {
                Action::Conflict | Action::Mark => shell.attention(verb(file.action), line),
                _ if quiet => shell.detail(format!("{:>12} {line}", verb(file.action))),
                _ => shell.status(verb(file.action), line),
            }
            // A damaged record is described in words; a diff of two thousand lines would not help.
            if let Some(diff) = file.diff.as_ref().filter(|_| !is_base(file)) {
                shell.out(diff)?;
            }
        }
        for note in &self.notes {
            shell.note(note);
        }
        self.conclude(shell);
        if matches!(
            self.outcome,
            Ending::Done | Ending::Planned | Ending::Unresolved
        ) {
            self.wire(shell);
        }
        let has_next = matches!(
            self.outcome,
            Ending::Done | Ending::Unresolved | Ending::Different
        );
        if has_next && !self.next.is_empty() {
            shell.line("\nNext:");
            let width = self
                .next
                .iter()
                .map(|step| step.command.len())
                .filter(|width| *width <= 48)
                .max()
                .unwrap_or_default();
            for NextStep { command, why, .. } in &self.next {
                shell.line(format!("  {command:width$}  # {why}"));
            }
        }
        Ok(())
    }

    /// Whether a file is only listed in verbose output, because nothing happens to it.
    fn is_quiet(&self, file: &FileReport) -> bool {
        let stays = file.why.is_none_or(|why| why == MISSING);
        match file.action {
            Action::Identical | Action::Skip if stays => true,
            Action::Conflict | Action::Mark => false,
            // If conflicts stopped the run, what would have been done does not matter.
            _ => self.outcome == Ending::Conflict && !self.is_dry,
        }
    }

    /// The lines for the user's own sources.
    fn wire(&self, shell: &Shell) {
        if !self.wire.is_empty() {
            shell.line("\nTo wire in by hand, since your sources are never edited:");
        }
        for Wiring { at, code, .. } in &self.wire {
            shell.line(format!("\n  {at}"));
            code.lines()
                .for_each(|line| shell.line(format!("      {line}").trim_end()));
        }
    }

    fn conclude(&self, shell: &Shell) {
        let Self { name, path, .. } = self;
        let components = self.components.join(", ");
        match self.outcome {
            Ending::Done => {
                shell.status("Finished", format!("{name} in {path}: {}", self.counts()));
                shell.detail(format!("{:>12} {components}", "components"));
            }
            Ending::Unchanged if self.command == "check" => {
                shell.status("Finished", format!("{name} in {path} is up to date"));
            }
            Ending::Unchanged => {
                shell.status("Finished", format!("{name} in {path}: nothing to do"));
            }
            Ending::Planned => {
                let counts = self.counts();
                shell.status(
                    "Planned",
                    format!("{name} in {path}: {counts}; nothing was written"),
                );
            }
            Ending::Conflict => {
                let conflicts = count(
                    self.number(Action::Conflict) + self.number(Action::Mark),
                    "conflict",
                );
                shell.attention(
                    "Stopped",
                    format!("{conflicts} in {path}; nothing was written"),
                );
                shell.say(self.resolution_hints());
            }
            Ending::Unresolved => {
                let counts = self.counts();
                shell.attention("Unresolved", format!("{name} in {path}: {counts}"));
                shell.say(self.resolution_hints());
            }
            Ending::Different => shell.attention(
                "Different",
                format!("{name} in {path}: {}", self.counts_of(pending)),
            ),
        }
    }

    /// How to resolve conflicts: a line for each kind.
    fn resolution_hints(&self) -> String {
        // If nothing was written, there are no markers yet.
        let is_marked = |file: &&FileReport| match file.action {
            Action::Conflict => file.why == Some(MARKED),
            action => action == Action::Mark && self.outcome == Ending::Unresolved,
        };
        let conflicts = self.files.iter();
        let conflicts =
            conflicts.filter(|file| matches!(file.action, Action::Conflict | Action::Mark));
        let (marked, open): (Vec<_>, Vec<_>) = conflicts.partition(is_marked);
        let (unreplaceable, open): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|file| file.is_unreplaceable);
        let (unrelated, decidable): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|file| file.is_unrelated);
        let is_update = self.command == "update";
        // If nothing was written, the same command is repeated with the flag; after an update, there is a separate command.
        let flag = |flag: &str| match &self.again {
            Some(command) => format!("run `{command} {flag}`"),
            None => format!("pass {flag}"),
        };
        let mut hints = Vec::new();
        if !marked.is_empty() {
            hints.push(format!(
                "Resolve the conflict markers; `cargo prodify check` reports any that are left. Or {} to take your side of all conflicts in a file, with --theirs PATH to take the template's.",
                flag("--ours PATH")
            ));
        }
        if !decidable.is_empty() {
            hints.push(match is_update {
                true => format!(
                    "To leave a file as it is, {}; to replace it, use --theirs PATH (an uncommitted version is kept as NAME.orig).",
                    flag("--ours PATH")
                ),
                false => "Pass --keep to leave files as they are, or --overwrite to replace them (uncommitted versions are kept as NAME.orig).".to_owned(),
            });
        }
        if !unrelated.is_empty() {
            hints.push(match decidable.is_empty() {
                true => "Files that are not part of the project are never changed: pass --keep to write the project beside them.".to_owned(),
                false => "Files that are not part of the project are left as they are, either way.".to_owned(),
            });
        }
        if !unreplaceable.is_empty() {
            let paths = list_names(unreplaceable.iter().map(|file| &*file.path));
            let flag = flag(if is_update { "--ours PATH" } else { "--keep" });
            hints.push(format!(
                "What is in the way of {paths} is never replaced: move it, or {flag} to leave it as it is."
            ));
        }
        hints.join("\n")
    }

    /// `58 files created, 1 updated`.
    fn counts(&self) -> String {
        self.counts_of(done)
    }

    fn number(&self, wanted: Action) -> usize {
        let files = self.files.iter();
        files.filter(|file| file.action == wanted).count()
    }

    fn counts_of(&self, phrase: impl Fn(Action, usize) -> &'static str) -> String {
        let found = COUNTED
            .iter()
            .map(|action| (*action, self.number(*action)))
            .filter(|(_, number)| *number > 0);
        let counts: Vec<String> = found
            .map(|(action, number)| (number, phrase(action, number)))
            .enumerate()
            .map(|(index, (number, phrase))| match index {
                0 => format!("{} {phrase}", count(number, "file")),
                _ => format!("{number} {phrase}"),
            })
            .collect();
        counts.join(", ")
    }
}

/// Whether a file is the record of what was written, whose diff would repeat all others.
fn is_base(file: &FileReport) -> bool {
    Path::new(&file.path).ends_with(BASE)
}

/// The order of the counts.
const COUNTED: [Action; 9] = [
    Action::Create,
    Action::Update,
    Action::Merge,
    Action::Rename,
    Action::Delete,
    Action::Identical,
    Action::Skip,
    Action::Mark,
    Action::Conflict,
];

/// What was done to a number of files.
fn done(action: Action, number: usize) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Merge => "merged",
        Action::Rename => "moved",
        Action::Delete => "deleted",
        Action::Identical if number == 1 => "unchanged",
        Action::Identical => "unchanged",
        Action::Skip => "kept",
        Action::Mark => "with conflict markers",
        Action::Conflict => "in conflict",
    }
}

/// What will be done to a number of files.
fn pending(action: Action, number: usize) -> &'static str {
    match action {
        Action::Create => "to create",
        Action::Update => "to update",
        Action::Merge => "to merge",
        Action::Rename => "to move",
        Action::Delete => "to delete",
        Action::Identical if number == 1 => "up to date",
        Action::Identical => "up to date",
        Action::Skip => "to keep",
        Action::Mark => "to merge with conflicts",
        Action::Conflict => "in conflict",
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Merge => "merge",
        Action::Rename => "rename",
        Action::Identical => "identical",
        Action::Skip => "skip",
        Action::Conflict | Action::Mark => "conflict",
        Action::Delete => "delete",
    }
}

/// The components, grouped by the smallest preset that includes them.
pub(super) fn list(components: &[Summary]) -> String {
    let width = components
        .iter()
        .map(|component| component.name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for preset in Preset::ALL {
        let members: Vec<_> = components
            .iter()
            .filter(|component| component.preset == preset)
            .collect();
        if members.is_empty() {
            continue;
        }
        let sign = if text.is_empty() { "" } else { "and " };
        let _ = writeln!(text, "{sign}{preset}:");
        for component in members {
            let own = component.own.map_or("", origin_note);
            let _ = writeln!(
                text,
                "  {:width$}  {}{own}",
                component.name, component.summary
            );
        }
    }
    text
}

/// How own templates change a component, to follow its summary.
fn origin_note(origin: Origin) -> &'static str {
    match origin {
        Origin::Added => " (own)",
        Origin::Replaced => " (own, replaces cargo prodify's)",
        Origin::Overlaid => " (with own templates)",
    }
}

impl Details {
    pub(super) fn text(&self) -> String {
        let Summary {
            name,
            summary,
            preset,
            requires,
            conflicts,
            refused,
            own,
            ..
        } = &self.summary;
        let own = own.map_or("", origin_note);
        let mut text = format!("{name}: {summary}{own}\n\npreset     {preset}\n");
        for (label, names) in [("requires", requires), ("conflicts", conflicts)] {
            if !names.is_empty() {
                let _ = writeln!(text, "{label:10} {}", names.join(", "));
            }
        }
        if let Some(why) = refused {
            let _ = writeln!(text, "add        not to an existing crate: {why}");
        }
        text.push_str("\nWrites:\n");
        self.files
            .iter()
            .for_each(|file| text.push_str(&format!("  {file}\n")));
        if !self.questions.is_empty() {
            text.push_str("\nAsks:\n");
        }
        for question in &self.questions {
            let default = match (&question.default, question.default_from) {
                (Some(default), _) => default.to_string(),
                (None, Some(Basis::Crate)) => "…  (by default derived from the crate)".to_owned(),
                (None, _) => {
                    "…  (by default derived from the project's name and answers)".to_owned()
                }
            };
            let _ = writeln!(text, "  -d {}={default}", question.key);
            let help = if question.help.is_empty() {
                String::new()
            } else {
                format!(": {}", question.help)
            };
            let _ = writeln!(text, "      {}{help}", question.prompt);
            for choice in &question.choices {
                let _ = writeln!(text, "        {:12} {}", choice.value, choice.help);
            }
        }
        text
    }
}
