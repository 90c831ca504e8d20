//! `assize catalog`: the service authorization reference, searchable (C-12).

mod find;
mod json;
mod text;

use anyhow::{Result, bail};
use assize_catalog::Catalog;
use assize_formats::did_you_mean;

use self::find::{Found, find};
use crate::args::{CatalogArgs, TextOrJson};
use crate::output::Output;
use crate::status::Status;

pub(super) fn run(args: &CatalogArgs, output: &Output) -> Result<Status> {
    let catalog = Catalog::bundled()?;
    let mut found = Vec::new();
    if args.queries.is_empty() {
        found.push(Found::Services(catalog.services().collect()));
    }
    for query in &args.queries {
        let matches = find(&catalog, query);
        if matches.is_empty() {
            let hint = did_you_mean(find::nearest(&catalog, query));
            bail!("the catalog of {} has nothing called `{query}`{hint}", catalog.date());
        }
        found.extend(matches);
    }
    let text = match args.format {
        TextOrJson::Human => {
            let parts: Vec<String> =
                found.iter().map(|found| text::text(&catalog, found, output.style())).collect();
            parts.join("\n")
        }
        TextOrJson::Json => json::json(&catalog, &found)?,
    };
    output.write(&text)?;
    Ok(Status::Yes)
}
