//! What is said of documents and objects that cannot be read.

use super::*;

#[test]
fn a_syntax_error_names_line_column_and_object_and_costs_no_other_document() {
    let broken = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: deny\nspec:\n  a: b: c\n";
    let loaded = of_text(&format!("{}---\n{broken}---\n{}", service("a"), service("b")));
    assert_eq!(places(&loaded), ["shop/a:1", "shop/b:14"]);
    assert_eq!(
        one_message(&loaded),
        "line 12, column 7: mapping values are not allowed in this context; the NetworkPolicy \"deny\" is left out"
    );
    assert_eq!(loaded.warnings[0].object, "a.yaml");
}

#[test]
fn every_place_in_a_message_is_a_place_in_the_file() {
    let loaded = of_text(&format!("{}---\nspec:\n  list: [a, b\nother: x\n", service("a")));
    let message = one_message(&loaded);
    assert!(message.starts_with("line 9, ") && message.contains("at line 8 "), "{message}");
    assert!(message.ends_with("; this document is left out"), "{message}");
}

#[test]
fn every_broken_document_is_named_once_and_the_list_ends() {
    let loaded = of_text(&"a: b: c\n---\n".repeat(3));
    assert_eq!(loaded.warnings.len(), 3);
    let many = of_text(&"a: b: c\n---\n".repeat(100_000));
    assert_eq!(many.warnings.len(), 101);
    assert!(many.warnings[100].message.ends_with("the rest is left out"), "{}", many.warnings[100].message);
}

#[test]
fn a_damaged_file_is_never_more_than_warnings_about_its_own_lines() {
    let (_, whole) = portolan::source::demo::Demo::Shop.files().iter().find(|(name, _)| *name == "payments-policies.yaml").unwrap();
    let pieces = [
        "",
        "\n",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "{",
        "]",
        "\"",
        "'",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        ": ",
        "- ",
        "|\n",
        "!x ",
        "\t",
        "\r",
        "\u{feff}",
        "\u{2028}",
        "é",
        "#",
    ];
    let mut state = 7_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let mut text = (*whole).to_owned();
        for _ in 0..=draw(3) {
            let start = draw(text.len());
            let end = (start + draw(12)).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, pieces[draw(pieces.len())]);
            }
        }
        let n_lines = text.split(['\n', '\r', '\u{2028}']).count();
        for loaded in [of_text(&text), of_json(&text)] {
            for message in messages(&loaded) {
                let line = message.strip_prefix("line ").map(|rest| rest.split([':', ',']).next().unwrap().parse::<usize>().unwrap());
                assert!(line.is_none_or(|line| (1..=n_lines + 1).contains(&line)), "{message}\n{text}");
            }
        }
    }
}

#[test]
fn tabs_unknown_aliases_and_control_characters_are_errors() {
    for text in ["a:\n\tb: c\n", "a: *b\n", "a: \u{0}\n", "a: \"unfinished\n"] {
        assert!(one_message(&of_text(text)).starts_with("line "), "{text:?}");
    }
}

#[test]
fn objects_that_lack_what_names_them_are_named_by_their_place() {
    let loaded = of_text(
        "kind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\n---\n- a\n",
    );
    assert_eq!(
        messages(&loaded),
        [
            "line 1: the object has no apiVersion",
            "line 4: the object has no kind",
            "line 7: the Service has no metadata.name",
            "line 10: an object was expected, not a list"
        ]
    );
}

#[test]
fn templates_are_told_from_manifests() {
    let templates = [
        "{{- if .Values.enabled }}\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n{{- end }}\n",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: \"{{ .Release.Name }}-a\"\n",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  selector:\n    app: '{{ .Release.Name }}'\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n    metadata:\n      labels: {\"{{ x }}\": y}\n",
    ];
    for text in templates {
        let loaded = of_text(text);
        assert!(one_message(&loaded).contains("`helm template`"), "{text}: {:?}", loaded.warnings);
        assert_eq!(loaded.objects, []);
    }
}

#[test]
fn braces_that_another_program_reads_are_left_alone() {
    let loaded = of_text(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations: {note: '{{ x }}'}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\nspec:\n  template:\n    metadata: {annotations: {vault: '{{ y }}'}}\n    spec: {containers: [{name: c, args: ['{{ z }}']}]}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {alert: '{{ $labels.pod }}'}\n",
    );
    assert_eq!(loaded.warnings, []);
    assert_eq!((loaded.objects.len(), loaded.n_passed_over), (2, 1));
}

#[test]
fn objects_of_other_kinds_are_counted_without_a_warning() {
    let loaded = of_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: example.com/v1\nkind: Service\nmetadata: {name: b}\n",
    );
    assert_eq!((loaded.objects.len(), loaded.warnings.len(), loaded.n_passed_over), (0, 0, 2));
}

#[test]
fn of_two_objects_with_one_key_the_later_wins_and_both_places_are_named() {
    let later = service("a") + "spec: {type: NodePort}\n";
    let folder = folder_of(&[("1.yaml", &format!("{}---\n{}", service("b"), service("a"))), ("2.yaml", &later)]);
    let loaded = read(&[folder.path()]).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(one_message(&loaded), format!("defined twice, at {}:7 and at {}:1; the later one is used", at("1.yaml"), at("2.yaml")));
    assert_eq!(loaded.warnings[0].object, "v1 Service shop/a");
    assert_eq!(places(&loaded), ["shop/b:1", "shop/a:1"]);
    assert_eq!(loaded.objects[1].object.raw["spec"]["type"], "NodePort");
}

#[test]
fn the_same_name_in_another_namespace_or_of_another_kind_is_another_object() {
    let loaded = of_text(&format!(
        "{0}---\n{1}---\n{2}",
        service("a"),
        service("a").replace("shop", "other"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n"
    ));
    assert_eq!((loaded.objects.len(), loaded.warnings.len()), (3, 0));
}

#[test]
fn what_bears_on_traffic_and_is_not_evaluated_is_never_left_out_without_a_word() {
    let text = "\
apiVersion: crd.projectcalico.org/v1
kind: HostEndpoint
metadata: {name: node-1}
---
apiVersion: extensions/v1beta1
kind: NetworkPolicy
metadata: {name: old, namespace: shop}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: function, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
---
apiVersion: networking.istio.io/v1
kind: EnvoyFilter
metadata: {name: outside, namespace: shop}
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: harmless, namespace: shop}
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: read, namespace: shop}
spec: {hosts: [a.example]}
";
    let loaded = manifests::read_text("a.yaml", text, "default");
    assert_eq!((loaded.objects.len(), loaded.n_passed_over), (1, 6));
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "crd.projectcalico.org/v1 HostEndpoint node-1: a.yaml:1: Calico's host endpoints are not evaluated yet: verdicts leave this object out",
            "extensions/v1beta1 NetworkPolicy shop/old: a.yaml:5: extensions/v1beta1 has no NetworkPolicy, which is in networking.k8s.io/v1: verdicts leave this object out",
            "networking.istio.io/v1 EnvoyFilter shop/outside: a.yaml:17: Istio's Envoy filters are not evaluated yet: verdicts leave this object out",
        ]
    );
}

#[test]
fn after_a_hundred_broken_documents_the_rest_of_a_file_is_given_up() {
    let broken = "---\nkind: [\n".repeat(99);
    let loaded = of_text(&format!("{broken}---\n{}", service("a")));
    assert_eq!((places(&loaded), loaded.warnings.len()), (vec!["shop/a:200".to_owned()], 99));
    let loaded = of_text(&format!("{}{broken}---\nkind: [\n---\n{}", service("a"), service("b")));
    assert_eq!((places(&loaded), loaded.warnings.len()), (vec!["shop/a:1".to_owned()], 101));
    assert_eq!(loaded.warnings[100].message, "line 204: 100 documents could not be read; the rest is left out");
}
