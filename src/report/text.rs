//! Reports as people read them.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::{Details, Ending, FileReport, Summary, Written};
use crate::catalog::{Basis, Origin, Preset};
use crate::error::told;
use crate::plan::{Action, GONE, MARKED};
use crate::provenance::BASE;
use crate::render::{NextStep, Wiring};
use crate::shell::{Shell, count};

impl Written {
    pub(super) fn print(&self, shell: &Shell) -> io::Result<()> {
        for file in &self.files {
            let quiet = self.is_quiet(file);
            let from = file.from.as_ref().map(|from| format!("was {from}"));
            let said = from.into_iter().chain(file.why.map(str::to_owned));
            let said: Vec<String> = said.collect();
            let line = match &said[..] {
                [] => file.path.clone(),
                said => format!("{} ({})", file.path, said.join("; ")),
            };
            match file.action {
                Action::Conflict | Action::Mark => shell.attention(verb(file.action), line),
                _ if quiet => shell.detail(format!("{:>12} {line}", verb(file.action))),
                _ => shell.status(verb(file.action), line),
            }
            // What is wrong with the record is said in words; nobody could read it off two thousand lines.
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

    /// Whether a file is named only to those who ask for everything: nothing happens to it.
    fn is_quiet(&self, file: &FileReport) -> bool {
        let stays = file.why.is_none_or(|why| why == GONE);
        match file.action {
            Action::Identical | Action::Skip if stays => true,
            Action::Conflict | Action::Mark => false,
            // What would have been done is nobody's concern where conflicts kept it from being done.
            _ => self.outcome == Ending::Conflict && !self.is_dry,
        }
    }

    /// What is left to the user, whose sources are not touched.
    fn wire(&self, shell: &Shell) {
        if !self.wire.is_empty() {
            shell.line("\nTo wire in, since your sources are yours:");
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
                shell.status("Finished", format!("{name} in {path} is as it is to be"));
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
                shell.say(self.ways_out());
            }
            Ending::Unresolved => {
                let counts = self.counts();
                shell.attention("Unresolved", format!("{name} in {path}: {counts}"));
                shell.say(self.ways_out());
            }
            Ending::Different => shell.attention(
                "Different",
                format!("{name} in {path}: {}", self.counts_of(pending)),
            ),
        }
    }

    /// What to do about conflicts: a line for each kind of them.
    fn ways_out(&self) -> String {
        // Nothing is between markers yet where nothing was written.
        let is_marked = |file: &&FileReport| match file.action {
            Action::Conflict => file.why == Some(MARKED),
            action => action == Action::Mark && self.outcome == Ending::Unresolved,
        };
        let conflicts = self.files.iter();
        let conflicts =
            conflicts.filter(|file| matches!(file.action, Action::Conflict | Action::Mark));
        let (marked, open): (Vec<_>, Vec<_>) = conflicts.partition(is_marked);
        let (stuck, open): (Vec<_>, Vec<_>) = open.into_iter().partition(|file| file.is_stuck);
        let (strangers, decidable): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|file| file.is_stranger);
        let is_update = self.command == "update";
        // What a run that wrote nothing was told is said again with the flag; one that wrote has a command of its own.
        let flag = |flag: &str| match &self.again {
            Some(command) => format!("`{command} {flag}`"),
            None => flag.to_owned(),
        };
        let mut ways = Vec::new();
        if !marked.is_empty() {
            ways.push(format!(
                "Edit what is between the conflict markers; `cargo prodify check` says when none is left. Or say {} to have your side of all that is between them in a file, --theirs PATH to have the template's.",
                flag("--ours PATH")
            ));
        }
        if !decidable.is_empty() {
            ways.push(match is_update {
                true => format!(
                    "Say {} to leave a file as it is, or --theirs PATH to replace it (what git does not hold is kept as NAME.orig).",
                    flag("--ours PATH")
                ),
                false => "Say --keep to leave what is there as it is, or --overwrite to replace it (what git does not hold is kept as NAME.orig).".to_owned(),
            });
        }
        if !strangers.is_empty() {
            ways.push(match decidable.is_empty() {
                true => "What is no part of the project is left as it is: say --keep to write the project beside it.".to_owned(),
                false => "What is no part of the project is left as it is, either way.".to_owned(),
            });
        }
        if !stuck.is_empty() {
            let paths = told(stuck.iter().map(|file| &*file.path));
            let flag = flag(if is_update { "--ours PATH" } else { "--keep" });
            ways.push(format!(
                "What is in the way of {paths} is never replaced: move it, or say {flag} to leave it as it is."
            ));
        }
        ways.join("\n")
    }

    /// `58 files created, 1 updated`.
    fn counts(&self) -> String {
        self.counts_of(done)
    }

    fn number(&self, wanted: Action) -> usize {
        let files = self.files.iter();
        files.filter(|file| file.action == wanted).count()
    }

    fn counts_of(&self, said: impl Fn(Action, usize) -> &'static str) -> String {
        let found = COUNTED
            .iter()
            .map(|action| (*action, self.number(*action)))
            .filter(|(_, number)| *number > 0);
        let counts: Vec<String> = found
            .map(|(action, number)| (number, said(action, number)))
            .enumerate()
            .map(|(index, (number, said))| match index {
                0 => format!("{} {said}", count(number, "file")),
                _ => format!("{number} {said}"),
            })
            .collect();
        counts.join(", ")
    }
}

/// Whether a file is the record of what was written, which has all of it in it once more.
fn is_base(file: &FileReport) -> bool {
    Path::new(&file.path).ends_with(BASE)
}

/// The order in which files are counted by what happens to them.
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

/// What was done to so many files.
fn done(action: Action, number: usize) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Merge => "merged",
        Action::Rename => "moved",
        Action::Delete => "deleted",
        Action::Identical if number == 1 => "as it was",
        Action::Identical => "as they were",
        Action::Skip => "kept",
        Action::Mark => "with conflict markers",
        Action::Conflict => "in conflict",
    }
}

/// What is to be done to them.
fn pending(action: Action, number: usize) -> &'static str {
    match action {
        Action::Create => "to create",
        Action::Update => "to update",
        Action::Merge => "to merge",
        Action::Rename => "to move",
        Action::Delete => "to delete",
        Action::Identical if number == 1 => "as it is to be",
        Action::Identical => "as they are to be",
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

/// The components under the smallest preset that holds them.
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
            let own = component.own.map_or("", said);
            let _ = writeln!(
                text,
                "  {:width$}  {}{own}",
                component.name, component.summary
            );
        }
    }
    text
}

/// What own templates do to a component, to stand behind its summary.
fn said(origin: Origin) -> &'static str {
    match origin {
        Origin::Added => " (own)",
        Origin::Replaced => " (own, in place of cargo prodify's)",
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
        let own = own.map_or("", said);
        let mut text = format!("{name}: {summary}{own}\n\npreset     {preset}\n");
        for (label, names) in [("requires", requires), ("conflicts", conflicts)] {
            if !names.is_empty() {
                let _ = writeln!(text, "{label:10} {}", names.join(", "));
            }
        }
        if let Some(why) = refused {
            let _ = writeln!(text, "add        not to a crate that exists: {why}");
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
                (None, Some(Basis::Crate)) => "…  (by default what the crate takes)".to_owned(),
                (None, _) => "…  (by default made of the project's name and answers)".to_owned(),
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
