//! JSON, and lists of objects.

use super::*;

#[test]
fn json_is_read_in_files_of_any_name_one_value_after_another() {
    let text = "{\"apiVersion\": \"v1\",\n \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\", \"text\": \"\\ud83d\\ude00\\/\"}}\n\n\t{\"apiVersion\": \"v1\", \"kind\": \"Namespace\",\n\t\t\"metadata\": {\"name\": \"b\"}}";
    for loaded in [of_json(text), of_text(text)] {
        assert_eq!(places(&loaded), ["a:1", "b:4"], "{:?}", loaded.warnings);
        assert_eq!(loaded.objects[0].object.raw["metadata"]["text"], "\u{1f600}/");
    }
}

#[test]
fn json_between_markers_and_yaml_in_braces_are_both_read() {
    let loaded = of_text(
        "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: b}}\n",
    );
    assert_eq!(places(&loaded), ["a:1", "b:3"], "{:?}", loaded.warnings);
}

#[test]
fn merge_keys_mean_nothing_in_json() {
    let loaded = of_json("{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}, \"<<\": {\"x\": 1}}");
    assert_eq!(loaded.objects[0].object.raw["<<"]["x"], 1);
}

#[test]
fn an_error_in_json_names_its_place() {
    let loaded = of_json("{\n  \"apiVersion\": \"v1\",\n  \"kind\": oops\n}");
    assert_eq!(one_message(&loaded), "line 3, column 11: expected value; this document is left out");
}

#[test]
fn lists_of_every_kind_are_opened_also_within_each_other() {
    let loaded = of_text(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n- apiVersion: v1\n  kind: List\n  items:\n  - apiVersion: v1\n    kind: Namespace\n    metadata: {name: b}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n---\nkind: List\napiVersion: v1\nitems: []\n",
    );
    assert_eq!(places(&loaded), ["a:1", "b:1"]);
    assert_eq!((loaded.warnings.len(), loaded.n_passed_over), (0, 1));
}

#[test]
fn items_of_a_list_of_one_kind_need_not_repeat_it() {
    let loaded = of_json(
        r#"{"kind":"NetworkPolicyList","apiVersion":"networking.k8s.io/v1","metadata":{},"items":[{"metadata":{"name":"a","namespace":"n"}}]}"#,
    );
    let object = &loaded.objects[0].object;
    assert_eq!((object.key.kind, object.key.path().as_str()), (Kind::NetworkPolicy, "n/a"));
    assert_eq!(
        object.raw.to_string(),
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":"n"}}"#
    );
}

#[test]
fn an_item_that_is_no_object_is_named_by_its_lists_place() {
    let loaded = of_text("---\napiVersion: v1\nkind: List\nitems:\n- 3\n- {}\n");
    assert_eq!(messages(&loaded), ["line 2: an object was expected, not a number", "line 2: the object has no apiVersion"]);
}

#[test]
fn a_kind_that_only_ends_like_a_list_is_an_object() {
    let loaded = of_text("apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n");
    assert_eq!((loaded.warnings.len(), loaded.n_passed_over), (0, 1));
}

/// As `kubectl get -o yaml` writes it: too large to be parsed in one piece, which nobody can tell from what comes of it.
#[test]
fn a_large_list_is_read_as_a_small_one() {
    let item = |n: usize, more: &str| {
        let fields = [
            "apiVersion: v1",
            "kind: Service",
            "metadata:",
            &format!("  name: s-{n}"),
            "  namespace: shop",
            "  annotations:",
            "    text: |",
        ];
        format!("- {}\n        {n}\n          - text\n{more}\n", fields.join("\n  "))
    };
    let list = |n: usize, more: &str| {
        let items: String = (0..n).map(|n| item(n, if n == 1000 { more } else { "  # comment" })).collect();
        format!("# a list\napiVersion: v1\nitems:\n{items}kind: List\nmetadata:\n  resourceVersion: \"\"\n")
    };
    let (small, large) = (of_text(&list(3, "")), of_text(&list(2000, "")));
    assert_eq!((small.objects.len(), large.objects.len()), (3, 2000));
    assert_eq!(large.objects[..3], small.objects);
    assert_eq!(large.objects[1999].object.raw["metadata"]["annotations"]["text"], "1999\n  - text\n");
    assert_eq!((large.warnings.as_slice(), large.n_passed_over), (&[][..], 0));

    // What is wrong is said of the line on which it stands.
    for (more, words) in [("  kind: Service", "line 10013, column 3: "), ("  x: *none", "line 10013, column 6: unknown anchor")] {
        let loaded = of_text(&list(2000, more));
        assert_eq!(loaded.objects, []);
        assert!(one_message(&loaded).starts_with(words), "{}", one_message(&loaded));
    }
    // An anchor is of the whole document.
    let loaded = of_text(&list(2000, "- &a\n  apiVersion: v1\n  kind: Namespace\n  metadata: {name: n}\n- *a"));
    assert_eq!((loaded.objects.len(), messages(&loaded).len()), (2001, 1));
    assert!(one_message(&loaded).starts_with("defined twice"));
    let loaded = of_text(&list(2000, "- text\n- kind: Pod\n- kind: Gadget\n  apiVersion: example.com/v1\n  metadata: {name: g}"));
    assert_eq!((loaded.objects.len(), loaded.n_passed_over), (2000, 1));
    assert_eq!(messages(&loaded), ["line 2: an object was expected, not text", "line 2: the object has no apiVersion"]);
}
