//! JSON Schema, as far as `docs/openapi.json` uses it. What a schema does not name is refused, so that an answer cannot say
//! more than is written.

use serde_json::Value;

/// Whether a value fits a schema of this document.
pub(crate) fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().ok_or("a schema is an object")? {
        let ok = match keyword.as_str() {
            "$ref" => {
                let name = rule.as_str().and_then(|name| name.strip_prefix('#')).unwrap_or_default();
                let target = document.pointer(name).ok_or_else(|| format!("{rule} leads nowhere"))?;
                fits(document, target, value).map_err(|why| format!("{name}: {why}"))?;
                true
            }
            "type" => types(rule).any(|name| is_a(name, value)),
            "const" => rule == value,
            "enum" => rule.as_array().is_some_and(|choices| choices.contains(value)),
            "minimum" => value.as_i64() >= rule.as_i64(),
            "oneOf" => each(rule).filter(|one| fits(document, one, value).is_ok()).count() == 1,
            "allOf" => {
                each(rule).try_for_each(|one| fits(document, one, value))?;
                true
            }
            "required" => each(rule).all(|name| value.get(name.as_str().unwrap_or_default()).is_some()),
            "properties" => {
                let more = schema.get("additionalProperties").unwrap_or(&Value::Bool(false));
                for (name, member) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(one) => fits(document, one, member).map_err(|why| format!("/{name}: {why}"))?,
                        None if *more == Value::Bool(true) => {}
                        None => return Err(format!("/{name} is not described")),
                    }
                }
                true
            }
            "additionalProperties" if rule.is_object() => {
                let members = value.as_object().into_iter().flatten();
                members.map(|(_, member)| member).try_for_each(|member| fits(document, rule, member))?;
                true
            }
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|item| fits(document, rule, item))?;
                true
            }
            "additionalProperties"
            | "description"
            | "default"
            | "format"
            | "minItems"
            | "maxItems"
            | "minLength"
            | "maxLength" => true,
            other => return Err(format!("the keyword {other} is not checked here")),
        };
        if !ok {
            return Err(format!("{value} does not fit {keyword} {rule}"));
        }
    }
    Ok(())
}

fn each(rule: &Value) -> impl Iterator<Item = &Value> {
    rule.as_array().into_iter().flatten()
}

fn types(rule: &Value) -> impl Iterator<Item = &str> {
    each(rule).chain(Some(rule)).filter_map(Value::as_str)
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
