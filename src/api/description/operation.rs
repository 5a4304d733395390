//! One operation: a method of a path.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problems;

/// What the token is called in the description.
pub(super) const BEARER: &str = "token";

/// What any request can be answered with.
pub(super) const GENERAL: &[&str] = &["bad-host", "wrong-host", "uri-too-long", "headers-too-large"];

/// What one that needs a token can be answered with besides.
pub(super) const GUARDED: &[&str] = &["unauthorized", "scope-too-small", "too-many-connections"];

/// What one with a body can be answered with besides.
const BODY: &[&str] =
    &["bad-json", "bad-body", "body-too-slow", "too-large", "not-json", "invalid-value", "too-many-bodies"];

/// An operation, put together bit by bit.
pub(super) struct Operation {
    pub(super) path: &'static str,
    method: &'static str,
    value: Value,
    parameters: Vec<Value>,
    responses: Map<String, Value>,
    problems: BTreeMap<u16, Vec<&'static str>>,
}

impl Operation {
    pub(super) fn get(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("get", path, id, tag, summary)
    }

    pub(super) fn post(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("post", path, id, tag, summary)
    }

    pub(super) fn delete(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("delete", path, id, tag, summary)
    }

    pub(super) fn patch(path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        Self::new("patch", path, id, tag, summary)
    }

    /// An operation that needs a token. What is looked at before any operation, is told of here.
    fn new(method: &'static str, path: &'static str, id: &str, tag: &str, summary: &str) -> Self {
        let value = json!({"operationId": id, "tags": [tag], "summary": summary});
        let (parameters, responses, problems) = (Vec::new(), Map::new(), BTreeMap::new());
        let new = Self { path, method, value, parameters, responses, problems };
        GENERAL.iter().chain(GUARDED).fold(new, |new, name| new.problem(name))
    }

    /// It needs no token.
    pub(super) fn open(mut self) -> Self {
        self.value["security"] = json!([]);
        for names in self.problems.values_mut() {
            names.retain(|name| !GUARDED.contains(name));
        }
        self.problems.retain(|_, names| !names.is_empty());
        self
    }

    /// What else there is to know.
    pub(super) fn about(mut self, text: &str) -> Self {
        self.value["description"] = text.into();
        self
    }

    /// Takes a parameter of the query.
    pub(super) fn query(self, name: &str, text: &str, schema: Value) -> Self {
        self.parameter("query", name, text, schema).problem("bad-query")
    }

    /// Takes a parameter of the query that is there or not, whatever its value.
    pub(super) fn flag(mut self, name: &str, text: &str) -> Self {
        self = self.parameter("query", name, text, json!({"type": "string"}));
        if let Some(parameter) = self.parameters.last_mut() {
            parameter["allowEmptyValue"] = true.into();
        }
        self
    }

    /// Takes a header.
    pub(super) fn header(self, name: &str, text: &str, schema: Value) -> Self {
        self.parameter("header", name, text, schema)
    }

    /// Takes a part of the path.
    pub(super) fn part(self, name: &str, text: &str, schema: Value) -> Self {
        self.parameter("path", name, text, schema).problem("bad-path")
    }

    fn parameter(mut self, place: &str, name: &str, text: &str, schema: Value) -> Self {
        let mut parameter = json!({"name": name, "in": place, "description": text, "schema": schema});
        if place == "path" {
            parameter["required"] = true.into();
        }
        self.parameters.push(parameter);
        self
    }

    /// The last parameter has this value for example.
    pub(super) fn example(mut self, value: Value) -> Self {
        if let Some(parameter) = self.parameters.last_mut() {
            parameter["example"] = value;
        }
        self
    }

    /// The last parameter is a list with commas.
    pub(super) fn with_commas(mut self) -> Self {
        if let Some(parameter) = self.parameters.last_mut() {
            parameter["style"] = "form".into();
            parameter["explode"] = false.into();
        }
        self
    }

    /// Takes a body as JSON.
    pub(super) fn body(mut self, schema: Value, examples: &[(&str, Value)]) -> Self {
        let content = json!({"application/json": {"schema": schema, "examples": named(examples)}});
        self.value["requestBody"] = json!({"required": true, "content": content});
        BODY.iter().fold(self, |own, name| own.problem(name))
    }

    /// Takes the same body under another media type too.
    pub(super) fn or_as(mut self, kind: &str) -> Self {
        let content = &mut self.value["requestBody"]["content"];
        content[kind] = content["application/json"].clone();
        self
    }

    /// Answers with JSON.
    pub(super) fn json(self, status: u16, text: &str, schema: Value, examples: &[(&str, Value)]) -> Self {
        self.content(status, text, "application/json", schema, examples)
    }

    /// Answers with some text.
    pub(super) fn text(self, status: u16, text: &str, kind: &str, example: &str) -> Self {
        self.content(status, text, kind, json!({"type": "string"}), &[("text", example.into())])
    }

    /// Answers with a picture.
    pub(super) fn picture(mut self, status: u16, kind: &str) -> Self {
        self.responses[&status.to_string()]["content"][kind] = json!({});
        self
    }

    /// Answers without a body.
    pub(super) fn nothing(mut self, status: u16, text: &str) -> Self {
        self.responses.insert(status.to_string(), json!({"description": text}));
        self
    }

    fn content(mut self, status: u16, text: &str, kind: &str, schema: Value, examples: &[(&str, Value)]) -> Self {
        let response = self.responses.entry(status.to_string()).or_insert_with(|| json!({"content": {}}));
        response["description"] = text.into();
        response["content"][kind] = json!({"schema": schema, "examples": named(examples)});
        self
    }

    /// An answer with this status says where what it is about can be looked up: at a path that begins so.
    pub(super) fn location(self, status: u16, path: &str) -> Self {
        let schema = json!({"type": "string", "pattern": format!("^{path}")});
        self.told(status, "Location", "Where it can be looked up.", schema)
    }

    /// An answer with this status has this header.
    pub(super) fn told(mut self, status: u16, header: &str, text: &str, schema: Value) -> Self {
        let header_of = &mut self.responses[&status.to_string()]["headers"][header];
        *header_of = json!({"required": true, "description": text, "schema": schema});
        self
    }

    /// What an answer with this status is about can be given to these operations, by this field of it.
    pub(super) fn links(mut self, status: u16, field: &str, operations: &[&str]) -> Self {
        let by = json!({ field: format!("$response.body#/{field}") });
        for operation in operations {
            let link = json!({"operationId": operation, "parameters": by});
            self.responses[&status.to_string()]["links"][operation] = link;
        }
        self
    }

    /// Answers with this kind of problem.
    pub(super) fn problem(mut self, name: &'static str) -> Self {
        let names = self.problems.entry(problems::kind(name).1).or_default();
        if !names.contains(&name) {
            names.push(name);
        }
        self
    }

    /// The engine is asked, which may be busy or unable to write.
    pub(super) fn asks(self) -> Self {
        self.problem("unavailable").problem("store-failed")
    }

    /// The database is read.
    pub(super) fn reads(self) -> Self {
        self.problem("unavailable").problem("store-failed")
    }

    /// The method and what is described of it. Answers that several operations have go to `shared`.
    pub(super) fn finish(mut self, shared: &mut Map<String, Value>) -> (String, Value) {
        for (status, names) in &self.problems {
            let name = names.join(".");
            self.responses.insert(status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}));
            shared.entry(name).or_insert_with(|| problems::response(names));
        }
        if !self.parameters.is_empty() {
            self.value["parameters"] = self.parameters.into();
        }
        self.value["responses"] = self.responses.into();
        (self.method.to_owned(), self.value)
    }
}

fn named(examples: &[(&str, Value)]) -> Value {
    examples.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect::<Map<_, _>>().into()
}
