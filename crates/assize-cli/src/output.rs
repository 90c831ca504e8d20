//! Where results and diagnostics go (F-84): results to standard output and nothing else there,
//! everything else to standard error.

pub(crate) mod file;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use assize_policy::Span;
use assize_store::{Diagnostic, DiagnosticLevel};

use crate::args::{ColorChoice, Global};
use crate::files;
use crate::render;
use crate::render::source::{Excerpt, Gravity, report};
use crate::render::style::Style;
use crate::status::Status;

/// The two streams of a run and how they are written to.
#[derive(Debug)]
pub(crate) struct Output {
    stdout_style: Style,
    stderr_style: Style,
    quiet: bool,
    verbose: bool,
}

impl Output {
    /// The streams as the global flags ask for them.
    pub(crate) fn new(global: &Global) -> Self {
        let style = |is_terminal: bool| Style::new(wants_color(global.color, is_terminal));
        Self {
            stdout_style: style(io::stdout().is_terminal()),
            stderr_style: style(io::stderr().is_terminal()),
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    /// Writes a whole result.
    #[expect(clippy::unused_self, reason = "whoever may write has the streams")]
    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// How results look.
    pub(crate) fn style(&self) -> Style {
        self.stdout_style
    }

    /// How diagnostics look.
    pub(crate) fn error_style(&self) -> Style {
        self.stderr_style
    }

    /// Whether to say more (`-v`).
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether to say only what matters (`-q`).
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something on standard error. That nobody reads it is no failure.
    #[expect(clippy::unused_self, reason = "whoever may write has the streams")]
    pub(crate) fn say(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Something worth knowing, unless `-q`.
    pub(crate) fn note(&self, message: impl Display) {
        if !self.quiet {
            let style = self.stderr_style;
            self.say(&format!("{} {message}\n", style.note("note:")));
        }
    }

    /// Something that may make the answer another one, unless `-q`.
    pub(crate) fn warn(&self, message: impl Display) {
        if !self.quiet {
            let style = self.stderr_style;
            self.say(&format!("{} {message}\n", style.warning("warning:")));
        }
    }

    /// What an importer or a commit noticed, with its source underlined where the file can be
    /// read again.
    pub(crate) fn diagnostic(&self, diagnostic: &Diagnostic) {
        let gravity = match diagnostic.level {
            DiagnosticLevel::Error => Gravity::Error,
            DiagnosticLevel::Warning if self.quiet => return,
            DiagnosticLevel::Warning => Gravity::Warning,
            DiagnosticLevel::Note => Gravity::Note,
        };
        let file = diagnostic.file.as_deref();
        let text = file.and_then(|file| files::read_text(Path::new(file)).ok());
        let excerpt = match (file, &text, diagnostic.span) {
            (Some(file), Some(text), Some(span)) => {
                let bytes = Span::new(span.start, span.end);
                Some(Excerpt::at(file, text, bytes, span.line, span.column))
            }
            _ => None,
        };
        let notes: Vec<String> = match (&excerpt, file) {
            (None, Some(file)) => vec![format!("in {file}")],
            _ => Vec::new(),
        };
        let code = Some(diagnostic.code.as_str());
        let message = &diagnostic.message;
        self.say(&report(gravity, code, message, excerpt.as_ref(), &notes, self.stderr_style));
    }

    /// Something that failed.
    pub(crate) fn error(&self, message: impl Display) {
        let style = self.stderr_style;
        self.say(&format!("{} {message}\n", style.error("error:")));
    }

    /// Reports why a run failed. A closed output pipe is not worth a word (F-84).
    pub(crate) fn failure(&self, error: &anyhow::Error) -> Status {
        if is_closed_pipe(error) {
            return Status::NoAnswer;
        }
        match error.downcast_ref::<render::BadInput>() {
            Some(bad) => self.say(&bad.render(self.stderr_style)),
            None => self.error(format_args!("{error:#}")),
        }
        Status::NoAnswer
    }
}

fn wants_color(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // https://no-color.org: set and not empty.
        ColorChoice::Auto => {
            is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}

/// Whether the reader of our output went away.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
