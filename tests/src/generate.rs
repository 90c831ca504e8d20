//! Whole small organizations and requests to them, made from small alphabets so that things
//! match. The same choices give the same world: a seed or the bytes of a fuzzer.

mod condition;
mod mistake;
mod pattern;
mod plain;
mod policy;
mod request;
mod source;
mod text;
mod world;

pub use source::Source;

use serde_json::{Value, json};

use crate::corpus::{ReadError, read_scenario};

/// A generated world: a scenario file without tests.
#[derive(Debug, Clone)]
pub struct World {
    /// The scenario.
    pub scenario: Value,
}

/// Makes a world.
pub fn world(source: &mut Source<'_>) -> World {
    World { scenario: world::scenario(source) }
}

/// Makes a request to any world of [`world`].
pub fn request(source: &mut Source<'_>) -> Value {
    request::request(source)
}

/// Makes a line of a request stream that says little, as most do, to any world of [`world`]. Some
/// are no requests.
pub fn plain_line(source: &mut Source<'_>) -> String {
    plain::line(source)
}

/// Makes a policy document of a type, by the abbreviation of L section 0. Most load.
pub fn policy(source: &mut Source<'_>, policy_type: &str) -> Value {
    match policy_type {
        "TP" => policy::trust(source),
        "RP" => policy::resource(source, "arn:aws:s3:::b1"),
        "VE" => policy::endpoint(source),
        "SCP" => policy::service_control(source),
        "RCP" => policy::resource_control(source),
        _ => policy::identity(source),
    }
}

impl World {
    /// Reads the world.
    ///
    /// # Errors
    /// Everything that is wrong with it: a mistake of the generator.
    pub fn read(&self) -> Result<assize::formats::Scenario, ReadError> {
        let mut scenario = self.scenario.clone();
        // A file may hold documents that do not load when one of its tests expects that (F-41).
        scenario["tests"] = json!([{
            "principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b1/k",
            "expect": {"reason": "invalid_policy"},
        }]);
        read_scenario("generated.assize.json", scenario.to_string().as_bytes())
    }

    /// The scenario file that shows an answer to one request of this world.
    pub fn reproduce(&self, request: &Value, expect: Value) -> String {
        let mut scenario = self.scenario.clone();
        let mut test = request.clone();
        test["name"] = json!("generated");
        test["expect"] = expect;
        scenario["tests"] = json!([test]);
        serde_json::to_string_pretty(&scenario).unwrap_or_default()
    }
}
