//! The bodies of the fuzz targets: each takes any bytes and either holds or says what does not.

use assize_policy::{Style, parse, print};

/// The layouts of printing.
const STYLES: [Style; 3] = [Style::TwoSpaces, Style::FourSpaces, Style::Minified];

/// Whether a text is the same document after printing and parsing again. `serde_json` is the
/// judge of what a text says.
///
/// # Errors
/// What differs.
pub fn print_keeps(text: &str) -> Result<(), String> {
    let Some(document) = parse(text).document else { return Ok(()) };
    let means: Option<serde_json::Value> = serde_json::from_str(text).ok();
    for style in STYLES {
        let printed = print(&document, style);
        if serde_json::from_str(&printed).ok() != means {
            return Err(format!("printed in {style:?} it says something else: {printed}"));
        }
        let again = parse(&printed);
        let reprinted = again.document.as_ref().map(|document| print(document, style));
        if reprinted.as_deref() != Some(&*printed) {
            return Err(format!("printed in {style:?} twice it changes: {printed}"));
        }
        let codes = |parse: &assize_policy::Parse<'_>| {
            let mut codes: Vec<_> =
                parse.findings.iter().map(|f| (f.code, f.path.clone())).collect();
            codes.sort();
            codes
        };
        if codes(&again) != codes(&parse(text)) {
            return Err(format!("printed in {style:?} it has other findings: {printed}"));
        }
    }
    Ok(())
}
