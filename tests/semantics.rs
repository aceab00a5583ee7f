//! Runs the rules in `semantics/*.md`. How such a file is written, `support/semantics.rs` tells.

use std::collections::BTreeSet;
use std::path::Path;

use portolan_tests::semantics;

#[test]
fn the_rules_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("semantics");
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder of rules").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let (mut failures, mut n_lines) = (Vec::new(), 0);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let name = format!("tests/semantics/{}", file.file_name().unwrap_or_default().to_string_lossy());
        let (sections, faults) = semantics::sections(&std::fs::read_to_string(file).expect("a file of rules"));
        failures.extend(faults.into_iter().map(|(line, fault)| format!("{name}:{line}: {fault}")));
        if sections.is_empty() {
            failures.push(format!("{name}:1: no section"));
        }
        for section in sections {
            let mut words = BTreeSet::new();
            for (start, text, objects) in &section.blocks {
                let failed = semantics::check(objects, text);
                failures.extend(failed.into_iter().map(|(line, failure)| format!("{name}:{}: {failure}", start + line)));
                n_lines += text.lines().filter(|line| !semantics::expected_word(line).is_empty()).count();
                words.extend(text.lines().map(semantics::expected_word).filter(|word| !word.is_empty()));
            }
            if words.len() < 2 {
                failures.push(format!("{name}:{}: {:?} shows one side of its rule only", section.line, section.heading));
            }
        }
    }
    assert!(failures.is_empty(), "{} expectations do not hold\n{}", failures.len(), failures.join("\n"));
    assert!(n_lines > 100, "only {n_lines} expectations");
}

#[test]
fn what_does_not_hold_is_found() {
    let markdown = "## A rule\n\n```yaml fixture\nkind: Pod\napiVersion: v1\nmetadata: {name: web, namespace: shop}\n---\nkind: NetworkPolicy\n\
                    apiVersion: networking.k8s.io/v1\nmetadata: {name: deny, namespace: shop}\nspec: {podSelector: {}, podSelecter: {}}\n```\n";
    let (sections, faults) = semantics::sections(&format!("{markdown}\n```expect\n1.2.3.4 -> shop/web 80/TCP: allowed\n```\n"));
    assert_eq!(faults, []);
    let (start, text, objects) = &sections[0].blocks[0];
    assert_eq!((sections[0].line, *start, text.as_str()), (1, 15, "1.2.3.4 -> shop/web 80/TCP: allowed\n"));
    for (line, complaint) in [
        ("1.2.3.4 -> shop/web 80/TCP: allowed", "is denied, and not allowed"),
        ("1.2.3.4 -> shop/web 80/TCP: denied because NetworkPolicy shop/deny /spec/ingress", "not because"),
        ("1.2.3.4 -> shop/web 80/TCP: denied because NetworkPolicy shop/other /spec", "not because"),
        ("1.2.3.4 -> shop/none 80/TCP: denied", "there is no"),
        ("entry http://shop.example/: allowed", "begins with no way in"),
        ("request TCP port: 404", "is no port"),
        ("request TCP 80 404", "is not of the form"),
        ("warning: NetworkPolicy shop/deny /spec/ingress", "no such warning"),
        ("1.2.3.4 -> shop/web 80/TCP: maybe", "begins with none of"),
        ("assume something = else", "unknown assumption"),
        ("", "a warning that no line expects"),
    ] {
        let failures = semantics::check(objects, line);
        assert!(failures.iter().any(|(_, failure)| failure.contains(complaint)), "{line}: {failures:?}");
    }
    let fine =
        "1.2.3.4 -> shop/web 80/TCP: denied because NetworkPolicy shop/deny /spec\nwarning: NetworkPolicy shop/deny /spec/podSelecter";
    assert_eq!(semantics::check(objects, fine), []);
}
