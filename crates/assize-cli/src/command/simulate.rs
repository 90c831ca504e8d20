//! `assize simulate`: may this principal do this? (C-1)

use anyhow::Result;
use assize::Engine;
use assize_formats::{Envelope, RecordId, write_error, write_explanation};
use assize_model::{EffectiveDecision, RequestError};

use super::answer::{Answered, Question};
use crate::args::{DecisionFormat, Global, SimulateArgs};
use crate::output::Output;
use crate::render::explanation::decisive_excerpt;
use crate::render::{aws, decision};
use crate::status::Status;

pub(super) fn run(args: &SimulateArgs, global: &Global, output: &Output) -> Result<Status> {
    let question = Question::new(&args.request, &args.policies, global, output)?;
    let answers = question.answer();
    let text = match args.format {
        DecisionFormat::Human => human(&question, &answers, output),
        DecisionFormat::Json => records(&question.engine, &answers),
        DecisionFormat::Aws => aws::response(&answers, args.aws_shape)?,
    };
    output.write(&text)?;
    if args.format == DecisionFormat::Aws {
        answers.iter().filter_map(|answer| answer.result.as_ref().err()).for_each(|error| {
            output.error(error.message());
        });
    }
    Ok(question.status(&answers, args.expect))
}

fn human(question: &Question, answers: &[Answered<'_>], output: &Output) -> String {
    let mut text = String::new();
    for answer in answers {
        match &answer.result {
            Ok(found) => {
                let hidden = question.hidden_notes();
                let style = output.style();
                // Of many answers each is short.
                let excerpt = if answers.len() == 1 {
                    decisive_excerpt(&question.engine, answer, found, style)
                } else {
                    String::new()
                };
                let told = decision::decision(answer.asked, found, &excerpt, hidden, style);
                text.push_str(&told);
            }
            Err(error) => {
                output.error(error.message());
                question.hint(answer.asked, error, output);
            }
        }
    }
    text.push_str(&question.assumed(answers, output.style()));
    if output.is_verbose() {
        text.push_str(&decision::provenance(&question.engine.provenance(), output.style()));
    }
    text
}

/// One record of F-20 a line, each with its provenance (F-85).
fn records(engine: &Engine, answers: &[Answered<'_>]) -> String {
    let provenance = engine.provenance();
    let mut text = Vec::new();
    for (at, answer) in answers.iter().enumerate() {
        let id = RecordId::line(at as u64 + 1);
        let envelope = Envelope { provenance: Some(&provenance), ..Envelope::new(&id) };
        record(&mut text, &envelope, &answer.result, engine.options().echo_context);
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}

pub(super) fn record(
    text: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    result: &Result<EffectiveDecision, RequestError>,
    echo_context: bool,
) {
    match result {
        Ok(decision) => write_explanation(text, envelope, decision, echo_context),
        Err(error) => write_error(text, envelope, error),
    }
}
