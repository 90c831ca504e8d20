//! `assize explain`: why? (C-2)

use anyhow::Result;

use super::answer::{self, Question};
use super::simulate::records;
use crate::args::{ExplainArgs, Global, TextOrJson};
use crate::output::Output;
use crate::render::{decision, explanation};
use crate::status::Status;

pub(super) fn run(args: &ExplainArgs, global: &Global, output: &Output) -> Result<Status> {
    let question = Question::new(&args.request, &args.policies, global, output)?;
    let answers = question.answer();
    let text = match args.format {
        TextOrJson::Json => records(&question.engine, &answers),
        TextOrJson::Human => {
            let mut text = String::new();
            for (at, answer) in answers.iter().enumerate() {
                if at > 0 {
                    text.push('\n');
                }
                match &answer.result {
                    Ok(found) => {
                        let style = output.style();
                        text.push_str(&explanation::explanation(
                            &question.engine,
                            answer.asked,
                            found,
                            question.hidden_notes(),
                            style,
                        ));
                    }
                    Err(error) => {
                        output.error(error.message());
                        question.hint(answer.asked, error, output);
                    }
                }
            }
            text.push_str(&question.assumed(&answers, output.style()));
            if output.is_verbose() {
                let provenance = question.engine.provenance();
                text.push_str(&decision::provenance(&provenance, output.style()));
            }
            text
        }
    };
    output.write(&text)?;
    Ok(answer::status(&answers, args.expect))
}
