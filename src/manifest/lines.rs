//! The lines of a text, by their byte ranges.

/// A text, as lines.
#[derive(Clone, Copy)]
pub(super) struct Lines<'t>(pub(super) &'t str);

impl<'t> Lines<'t> {
    /// The start of the line that contains this byte; a byte order mark is not part of it.
    pub(super) fn start(self, at: usize) -> usize {
        match self.0[..at].rfind('\n') {
            Some(end) => end + 1,
            None if self.0.starts_with('\u{feff}') => '\u{feff}'.len_utf8().min(at),
            None => 0,
        }
    }

    /// The start of the next line after this byte.
    pub(super) fn end(self, at: usize) -> usize {
        self.0[at..]
            .find('\n')
            .map_or(self.0.len(), |end| at + end + 1)
    }

    /// The rest of a line.
    pub(super) fn trailing(self, at: usize) -> &'t str {
        self.0[at..self.end(at)].trim()
    }

    /// Whether the line of this byte is a table header.
    pub(super) fn is_header(self, at: usize) -> bool {
        self.line(self.start(at)).starts_with('[')
    }

    /// The start of the comments directly above the line of this byte.
    pub(super) fn all_comments_above(self, at: usize) -> usize {
        let mut start = self.start(at);
        while let Some(above) = self.above(start)
            && self.line(above).starts_with('#')
        {
            start = above;
        }
        start
    }

    /// The same, if the last of these comments are exactly the given ones; `None` otherwise.
    pub(super) fn comments_above(self, at: usize, comments: &str) -> Option<usize> {
        let mut start = self.start(at);
        for comment in comments.lines().rev() {
            start = self.above(start)?;
            if self.line(start) != comment {
                return None;
            }
        }
        Some(start)
    }

    /// The start of an empty line directly above; without one, that of the line itself.
    pub(super) fn empty_above(self, start: usize) -> usize {
        let above = self.above(start);
        above
            .filter(|above| self.line(*above).is_empty())
            .unwrap_or(start)
    }

    /// The end of the comments that follow directly, unless they belong to the next header.
    pub(super) fn after_comments(self, at: usize) -> usize {
        let mut end = at;
        while self.line(end).starts_with('#') {
            end = self.end(end);
        }
        if self.line(end).starts_with('[') {
            at
        } else {
            end
        }
    }

    /// The end of the last line that is not empty.
    pub(super) fn last_written(self) -> usize {
        self.end(self.0.trim_end().len())
    }

    fn line(self, start: usize) -> &'t str {
        self.trailing(start)
    }

    fn above(self, start: usize) -> Option<usize> {
        (start > 0 && self.0[..start].ends_with('\n')).then(|| self.start(start - 1))
    }
}
