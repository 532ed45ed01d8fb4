//! The questions of components, and their valid answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names;

/// A question, with all that is needed to ask it, to check the answer, and to answer it by default.
#[derive(Debug, Deserialize)]
pub struct Question {
    /// Its key within its component.
    pub key: String,
    /// The text of the prompt.
    pub prompt: String,
    /// One more sentence, for `show`.
    #[serde(default)]
    pub help: String,
    /// The answer if none is given; a text may be a template.
    pub default: Value,
    /// What must be true of the answers so far and this one.
    pub holds: Option<Condition>,
    /// The valid answers.
    #[serde(flatten)]
    pub kind: Kind,
}

/// A condition on several answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// An expression over the answers: `k8s.max_replicas >= k8s.replicas`.
    pub when: String,
    /// What the answer must be otherwise, to follow the question's name.
    pub must: String,
}

/// The type of a question's answers.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Kind {
    /// One of several words.
    Choice {
        /// The words.
        choices: Vec<Choice>,
    },
    /// A line of text.
    Text {
        /// What the text must be.
        #[serde(default)]
        check: Check,
        /// Whether it may be empty.
        #[serde(default)]
        optional: bool,
    },
    /// Yes or no.
    Bool,
    /// A whole number.
    Integer {
        /// The minimum.
        min: i64,
        /// The maximum.
        max: i64,
    },
}

/// One of several answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub value: String,
    /// What it means.
    #[serde(default)]
    pub help: String,
}

/// What a text must be.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// One line without control characters.
    #[default]
    Line,
    /// A DNS label: the name of most Kubernetes objects.
    DnsLabel,
    /// A host name.
    Hostname,
    /// An image without tag or digest.
    Image,
    /// An http or https URL.
    Url,
    /// A git branch.
    Branch,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// What a templated default derives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The facts about the crate.
    Crate,
    /// The project's name, and the answers before this one.
    Project,
}

impl Question {
    /// What the default derives from, if it is a template; it must be rendered before it is an answer.
    pub fn basis(&self) -> Option<Basis> {
        match &self.default {
            Value::Text(text) if text.contains("<%") => Some(match text.contains("crate.") {
                true => Basis::Crate,
                false => Basis::Project,
            }),
            _ => None,
        }
    }

    /// Parses an answer as typed, on the command line or at a prompt.
    ///
    /// # Errors
    ///
    /// A clause that says what the answer must be, to follow the question's name.
    pub fn parse(&self, typed: &str) -> Result<Value, String> {
        let value = match self.kind {
            Kind::Bool => match typed {
                "true" | "yes" => Value::Bool(true),
                "false" | "no" => Value::Bool(false),
                _ => return Err("must be true or false".to_owned()),
            },
            Kind::Integer { min, max } => {
                let number = typed
                    .parse()
                    .map_err(|_| format!("must be a whole number from {min} to {max}"))?;
                Value::Integer(number)
            }
            Kind::Choice { .. } | Kind::Text { .. } => Value::Text(typed.to_owned()),
        };
        self.check(&value)?;
        Ok(value)
    }

    /// Whether the answer is valid.
    ///
    /// # Errors
    ///
    /// As [`Question::parse`].
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (&self.kind, value) {
            (Kind::Bool, Value::Bool(_)) => Ok(()),
            (Kind::Bool, _) => Err("must be true or false".to_owned()),
            (Kind::Integer { min, max }, Value::Integer(number))
                if (min..=max).contains(&number) =>
            {
                Ok(())
            }
            (Kind::Integer { min, max }, _) => {
                Err(format!("must be a whole number from {min} to {max}"))
            }
            (Kind::Choice { choices }, Value::Text(text))
                if choices.iter().any(|choice| choice.value == *text) =>
            {
                Ok(())
            }
            (Kind::Choice { choices }, _) => {
                let words: Vec<_> = choices
                    .iter()
                    .map(|choice| format!("`{}`", choice.value))
                    .collect();
                Err(format!("must be one of {}", words.join(", ")))
            }
            (Kind::Text { optional: true, .. }, Value::Text(text)) if text.is_empty() => Ok(()),
            (Kind::Text { check, .. }, Value::Text(text)) => check.check(text),
            (Kind::Text { .. }, _) => Err("must be text".to_owned()),
        }
    }
}

impl Check {
    fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Line => names::check_line(text),
            Self::DnsLabel => names::check_dns_label(text),
            Self::Hostname => names::check_hostname(text),
            Self::Image => names::check_image(text),
            Self::Url => names::check_url(text),
            Self::Branch => names::check_branch(text),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(yes) => write!(f, "{yes}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Question, Value};

    fn question(toml: &str) -> Question {
        toml_edit::de::from_str(toml).unwrap()
    }

    #[test]
    fn answers_are_validated_against_their_question() {
        let port =
            question("key = 'port'\nprompt = ''\ntype = 'integer'\nmin = 1\nmax = 9\ndefault = 5");
        assert_eq!(port.parse("9"), Ok(Value::Integer(9)));
        for wrong in ["0", "10", "nine", "", "1.5"] {
            assert_eq!(
                port.parse(wrong),
                Err("must be a whole number from 1 to 9".to_owned()),
                "{wrong}"
            );
        }
        let base = question(
            "key = 'b'\nprompt = ''\ntype = 'choice'\nchoices = [{ value = 'x' }, { value = 'y' }]\ndefault = 'x'",
        );
        assert_eq!(base.parse("y"), Ok(Value::Text("y".to_owned())));
        assert_eq!(base.parse("z"), Err("must be one of `x`, `y`".to_owned()));
        let on = question("key = 'on'\nprompt = ''\ntype = 'bool'\ndefault = true");
        assert_eq!(on.parse("no"), Ok(Value::Bool(false)));
        assert!(on.parse("maybe").is_err());
        let url = question(
            "key = 'u'\nprompt = ''\ntype = 'text'\ncheck = 'url'\noptional = true\ndefault = ''",
        );
        assert_eq!(url.parse(""), Ok(Value::Text(String::new())));
        assert!(url.parse("not a url").is_err());
    }
}
