//! What YAML makes of a document: aliases, merge keys, keys, and sizes without end.

use super::*;

#[test]
fn order_of_fields_is_kept() {
    let loaded = of_text("kind: Namespace\nmetadata:\n  zebra: 1\n  name: a\n  ant: 2\napiVersion: v1\n");
    assert_eq!(
        loaded.objects[0].object.raw.to_string(),
        r#"{"kind":"Namespace","metadata":{"zebra":1,"name":"a","ant":2},"apiVersion":"v1"}"#
    );
}

#[test]
fn anchors_and_merge_keys_are_resolved_and_what_is_written_wins() {
    let loaded = of_text(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  labels: &common\n    team: red\n    tier: one\nspec:\n  selector:\n    <<: *common\n    tier: two\n  other:\n    <<: [*common, {extra: x, team: blue}]\n",
    );
    let spec = &loaded.objects[0].object.raw["spec"];
    assert_eq!(spec["selector"], serde_json::json!({ "tier": "two", "team": "red" }));
    assert_eq!(spec["other"], serde_json::json!({ "team": "red", "tier": "one", "extra": "x" }));
}

#[test]
fn merging_what_is_no_mapping_is_an_error() {
    let loaded = of_text("apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  <<: 3\n");
    assert_eq!(one_message(&loaded), "line 4, column 3: metadata: only mappings can be merged with <<; the Service \"a\" is left out");
}

#[test]
fn numbers_and_truth_values_as_keys_become_text_as_with_kubectl() {
    let loaded = of_text("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: {8080: x, true: y, -1: z}\n");
    assert_eq!(loaded.objects[0].object.raw["metadata"]["labels"], serde_json::json!({ "8080": "x", "true": "y", "-1": "z" }));
}

#[test]
fn other_keys_are_errors_that_name_the_line() {
    for key in ["[a]", "{a: b}", "1.5", "null", "? [a]\n "] {
        let loaded = of_text(&format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  {key}: x\n"));
        assert!(one_message(&loaded).starts_with("line 5, column "), "{key}: {:?}", loaded.warnings);
        assert!(one_message(&loaded).contains("a key that is a string"), "{key}: {:?}", loaded.warnings);
    }
}

#[test]
fn a_key_that_is_there_twice_is_an_error_as_with_a_server() {
    let loaded = of_text(&format!("{}spec: {{}}\nspec:\n  type: NodePort\n---\n{}", service("a"), service("b")));
    assert_eq!(one_message(&loaded), "line 7, column 1: the key \"spec\" is there twice; the Service \"a\" is left out");
    assert_eq!(places(&loaded), ["shop/b:10"]);
    let json = of_json("{\"apiVersion\": \"v1\",\n \"kind\": \"Namespace\", \"kind\": \"Service\"}");
    assert!(one_message(&json).starts_with("line 2, column "), "{:?}", json.warnings);
}

#[test]
fn what_json_cannot_hold_is_an_error() {
    for value in [".nan", ".inf", "!secret x"] {
        let loaded = of_text(&format!("{}spec:\n  port: {value}\n", service("a")));
        assert!(one_message(&loaded).starts_with("line 7, column "), "{value}: {:?}", loaded.warnings);
    }
}

#[test]
fn aliases_cannot_make_a_document_grow_without_end() {
    let mut nested = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        nested += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    let one_long = format!("long: &long {}\nmany: [{}]\n", "x".repeat(1 << 20), vec!["*long"; 5000].join(", "));
    for text in [nested, one_long] {
        let loaded = of_text(&format!("{text}---\n{}", service("b")));
        assert!(one_message(&loaded).contains("too large") || one_message(&loaded).contains("repetition"), "{:?}", loaded.warnings);
        assert_eq!(loaded.objects.len(), 1, "the next document is read");
    }
}

#[test]
fn deep_nesting_is_an_error_and_ends_soon() {
    let deep = [
        "[".repeat(200_000),
        "{a: ".repeat(200_000),
        format!("x: {}", "[".repeat(200_000)),
        format!("x: {}{}", "[".repeat(5_000), "]".repeat(5_000)),
        (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>(),
        "- ".repeat(100_000),
    ];
    for text in deep {
        let loaded = of_text(&format!("{text}\n---\n{}", service("b")));
        assert_eq!(loaded.warnings.len(), 1, "{:.40}: {:?}", text, loaded.warnings);
        assert_eq!(loaded.objects.len(), 1, "{text:.40}");
        assert_eq!(of_json(&text).warnings.len(), 1);
    }
}
