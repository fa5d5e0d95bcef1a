//! The examples that are shipped: they check, they fit the published schema, and fmt leaves them as they are.

use nettwin_model::topology::{Format, Topology, format_text};
use nettwin_model::{json_schema, topology};
use serde_json::Value;
use std::path::PathBuf;

/// The examples by name, with their text.
fn examples() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() >= 8, "the examples are gone");
    found
}

#[test]
fn examples_check_without_a_word() {
    for (name, text) in examples() {
        match Topology::load(&text, Format::Toml) {
            Ok(checked) => {
                assert!(checked.warnings().is_empty(), "{name}: {:#?}", checked.warnings());
                assert!(!checked.expectations().is_empty(), "{name} expects nothing");
            }
            Err(complaints) => panic!("{name}: {complaints:#?}"),
        }
    }
}

#[test]
fn examples_are_in_canonical_style() {
    for (name, text) in examples() {
        assert_eq!(format_text(&text, Format::Toml).unwrap(), text, "{name}");
    }
}

#[test]
fn examples_read_back_from_toml_json_and_yaml() {
    for (name, text) in examples() {
        let t = Topology::parse(&text, Format::Toml).unwrap();
        assert_eq!(Topology::parse(&t.to_toml(), Format::Toml).unwrap(), t, "{name}\n{}", t.to_toml());
        let json = format!("{:#}", t.to_json());
        assert_eq!(Topology::parse(&json, Format::Json).unwrap(), t, "{name} as JSON");
        assert_eq!(Topology::parse(&json, Format::Yaml).unwrap(), t, "{name} as YAML");
        assert_eq!(Topology::parse(&yaml(&t.to_json(), 0), Format::Yaml).unwrap(), t, "{name} as block YAML");
    }
}

/// JSON as YAML in block style, strings quoted.
fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().map(|(k, v)| format!("\n{indent}{k:?}: {}", yaml(v, depth + 1))).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|v| format!("\n{indent}- {}", yaml(v, depth + 1).trim_start())).collect()
        }
        plain => plain.to_string(),
    }
}

#[test]
fn examples_fit_the_schema() {
    let schema = json_schema();
    for (name, text) in examples() {
        let json = Topology::parse(&text, Format::Toml).unwrap().to_json();
        let mut wrong = Vec::new();
        fits(&json, &schema, "", &mut wrong);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
    let mut wrong = Vec::new();
    fits(&serde_json::json!({ "sead": 1, "link": [{}], "routes": "fast" }), &schema, "", &mut wrong);
    assert_eq!(wrong, ["/sead: not known", "/link/0: lacks ends", "/routes: not one of the words"]);
}

/// As much of JSON Schema as the schema uses.
fn fits(value: &Value, schema: &Value, path: &str, wrong: &mut Vec<String>) {
    if let Some(shapes) = schema["anyOf"].as_array() {
        let one = shapes.iter().any(|s| {
            let mut inner = Vec::new();
            fits(value, s, path, &mut inner);
            inner.is_empty()
        });
        if !one {
            wrong.push(format!("{path}: fits none of the shapes"));
        }
        return;
    }
    let right = match schema["type"].as_str().expect("every schema has a type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the schema has the type {other}"),
    };
    if !right {
        wrong.push(format!("{path}: not {}", schema["type"]));
        return;
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        wrong.push(format!("{path}: not one of the words"));
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(item, &schema["items"], &format!("{path}/{i}"), wrong);
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(known), _) => fits(inner, known, &format!("{path}/{key}"), wrong),
            (None, of @ Value::Object(_)) => fits(inner, of, &format!("{path}/{key}"), wrong),
            (None, _) => wrong.push(format!("{path}/{key}: not known")),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            wrong.push(format!("{path}: lacks {}", required.as_str().unwrap()));
        }
    }
}

#[test]
fn formats_go_by_the_file_name() {
    for (name, format) in
        [("a.toml", Format::Toml), ("b.JSON", Format::Json), ("c.yml", Format::Yaml), ("d", Format::Toml)]
    {
        assert_eq!(topology::Format::of_file_name(name), format, "{name}");
    }
}
