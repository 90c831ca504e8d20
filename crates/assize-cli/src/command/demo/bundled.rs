//! The example world, inside the program, so that the demo runs anywhere.

use anyhow::Result;
use assize_formats::{
    Chunk, FileSource, ReadOptions, RequestStream, Scenario, SourceFile, text_of_line,
};

use crate::render::BadInput;
use crate::world::{Reader, World};

/// The name of the world's file.
pub(super) const WORLD: &str = "examples/world.assize.yaml";

/// The files that the world names.
struct Bundled;

impl FileSource for Bundled {
    fn read(&mut self, _: &str, path: &str) -> Result<SourceFile, Box<str>> {
        let file = assize_examples::file(path).ok_or_else(|| format!("`{path}` is not bundled"))?;
        Ok(SourceFile { name: format!("examples/{path}").into(), bytes: file.bytes.to_vec() })
    }
}

/// The world.
pub(super) fn world(reader: &Reader) -> Result<World> {
    let options = ReadOptions {
        files: &mut Bundled,
        managed_policies: reader.managed(),
        takes_several_resources: &|action| reader.takes_several_resources(action),
    };
    let scenario = Scenario::read(WORLD, assize_examples::WORLD.bytes.to_vec(), options)
        .map_err(BadInput::from)?;
    Ok(World {
        path: WORLD.into(),
        snapshot: scenario.snapshot,
        options: scenario.stated_options,
        diagnostics: scenario.diagnostics,
    })
}

/// The request lines, decompressed, defaults merged under them.
pub(super) fn requests() -> Result<String> {
    let mut stream = RequestStream::open(assize_examples::REQUESTS.bytes)?;
    let defaults = stream.header().map(|header| header.defaults.clone()).unwrap_or_default();
    let mut text = String::new();
    let mut chunk = Chunk::new();
    while stream.read(&mut chunk)? {
        for bytes in chunk.lines().filter_map(|line| line.bytes) {
            defaults.merge(text_of_line(bytes)?, &mut text);
            text.push('\n');
        }
    }
    Ok(text)
}
