//! `assize explain`: why, and what would change it? (C-2)

use anyhow::Result;
use assize_formats::{Envelope, RecordId};

use super::answer::{Answered, Question};
use super::simulate::record;
use crate::args::{ExplainArgs, Global, TextOrJson};
use crate::output::Output;
use crate::render::decision;
use crate::render::explanation::{self, Telling, changes_json, statements_json};
use crate::request::Denial;
use crate::status::Status;

pub(super) fn run(args: &ExplainArgs, global: &Global, output: &Output) -> Result<Status> {
    let denial = args.message.as_deref().map(Denial::parse).transpose()?;
    let mut request = args.request.clone();
    if let Some(denial) = &denial {
        denial.fill(&mut request);
    }
    let question = Question::new(&request, &args.policies, global, output)?;
    let answers = question.answer();
    let text = match args.format {
        TextOrJson::Json => records(&question, &answers)?,
        TextOrJson::Human => human(&question, &answers, denial.as_ref(), output)?,
    };
    output.write(&text)?;
    Ok(question.status(&answers, args.expect))
}

fn human(
    question: &Question,
    answers: &[Answered<'_>],
    denial: Option<&Denial>,
    output: &Output,
) -> Result<String> {
    let style = output.style();
    let telling =
        Telling { hidden: question.hidden_notes(), is_verbose: output.is_verbose(), style };
    let mut text = String::new();
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        match &answer.result {
            Ok(found) => {
                let engine = &question.engine;
                let changes = engine.nearest_changes(&answer.asked.request)?;
                let told = explanation::explanation(engine, answer, found, &changes, telling);
                text.push_str(&told);
                if let Some(denial) = denial {
                    text.push_str(&denial.compared(found, style));
                }
            }
            Err(error) => {
                output.error(error.message());
                question.hint(answer.asked, error, output);
            }
        }
    }
    text.push_str(&question.assumed(answers, style));
    if output.is_verbose() {
        text.push_str(&decision::provenance(&question.engine.provenance(), style));
    }
    Ok(text)
}

/// One record of F-20 a line, with what else there is to say under names of our own (F-4).
fn records(question: &Question, answers: &[Answered<'_>]) -> Result<String> {
    let engine = &question.engine;
    let provenance = engine.provenance();
    let mut text = Vec::new();
    for (at, answer) in answers.iter().enumerate() {
        let id = RecordId::line(at as u64 + 1);
        let statements = statements_json(&answer.statements);
        let mut extra = Vec::new();
        let changes;
        if answer.result.is_ok() {
            changes = changes_json(&engine.nearest_changes(&answer.asked.request)?);
            extra.push(("x-changes".into(), &*changes));
            extra.push(("x-statements".into(), &*statements));
        }
        let envelope =
            Envelope { provenance: Some(&provenance), extra: &extra, ..Envelope::new(&id) };
        record(&mut text, &envelope, &answer.result, engine.options().echo_context);
        text.push(b'\n');
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
