//! The JSON Schema of a topology, made from the grammar, so that it cannot fall behind.

use super::grammar::{Key, ROOT, Shape};
use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of a topology. TOML, JSON and YAML files have the same shape.
pub fn json_schema() -> Value {
    let mut root = table(ROOT);
    let mut out = Map::new();
    out.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("title".into(), json!("nettwin topology"));
    out.insert("description".into(), json!("A network of namespaces, bridges and veth links."));
    if let Some(fields) = root.as_object_mut() {
        out.append(fields);
    }
    Value::Object(out)
}

fn table(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = shape(&key.shape);
            if let Some(fields) = schema.as_object_mut() {
                fields.insert("description".into(), json!(key.doc));
            }
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = keys.iter().filter(|k| k.required).map(|k| k.name).collect();
    let mut out = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    out
}

fn shape(s: &Shape) -> Value {
    match s {
        Shape::Text(what) => json!({ "type": "string", "description": what }),
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole(i64::MIN, i64::MAX) => json!({ "type": "integer" }),
        Shape::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::List(of) => json!({ "type": "array", "items": shape(of) }),
        Shape::Map(key, of) => json!({
            "type": "object",
            "propertyNames": { "description": key },
            "additionalProperties": shape(of),
        }),
        Shape::Table(keys) => table(keys),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
    }
}
