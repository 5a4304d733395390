//! Schemas of the types that handlers read and write.

use schemars::generate::{Contract, SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Schemas, collected as they are asked for.
pub(super) struct Types {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Default for Types {
    fn default() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.contract = contract;
            });
            SchemaGenerator::new(settings)
        };
        Self { read: generator(Contract::Deserialize), written: generator(Contract::Serialize) }
    }
}

impl Types {
    /// A type that requests have.
    pub(super) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// A type that answers have.
    pub(super) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// One that no type of the program is.
    pub(super) fn add(&mut self, name: &str, schema: Value) {
        self.written.definitions_mut().insert(name.to_owned(), schema);
    }

    /// All that were asked for, and what they consist of.
    pub(super) fn schemas(mut self) -> Value {
        let mut all = self.written.take_definitions(false);
        for (name, schema) in self.read.take_definitions(false) {
            let before = all.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "two types are called {name}");
        }
        for schema in all.values_mut() {
            let mut plain = Schema::try_from(schema.take()).unwrap();
            RecursiveTransform(simplify).transform(&mut plain);
            *schema = plain.to_value();
        }
        Value::Object(all)
    }
}

/// Makes a list of words of what is a choice between single words, each with its description: client generators and
/// readers know it better. Formats that no standard has are left out.
fn simplify(schema: &mut Schema) {
    if schema.get("type").is_some_and(|kind| kind != "string") {
        schema.remove("format");
    }
    // What is read when a field is missing is nothing to who is told it.
    schema.remove("default");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("\n\n", "\r").replace('\n', " ").replace('\r', "\n\n");
    }
    let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else { return };
    let mut words = Vec::new();
    let mut texts = Vec::new();
    for choice in choices {
        let described = choice["description"].as_str().map(|text| text.replace('\n', " "));
        match (choice["const"].as_str(), choice["enum"].as_array()) {
            (Some(word), _) => {
                texts.push(format!("* `{word}`: {}", described.unwrap_or_default()));
                words.push(json!(word));
            }
            (None, Some(several)) => words.extend(several.iter().cloned()),
            (None, None) => return,
        }
    }
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = format!("{about}\n\n{}", texts.join("\n"));
    let mut plain = Map::new();
    plain.insert("type".to_owned(), json!("string"));
    plain.insert("enum".to_owned(), words.into());
    plain.insert("description".to_owned(), about.trim().into());
    *schema = Schema::from(plain);
}
