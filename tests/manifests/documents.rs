//! Where documents begin and end.

use portolan_core::snapshot::Change;

use super::*;

#[test]
fn documents_of_one_file_are_all_read_with_the_line_of_their_first_content() {
    let text = format!("# a comment\n{}---\n# another\n\n{}--- # the last\n{}", service("a"), service("b"), service("c"));
    let loaded = of_text(&text);
    assert_eq!(places(&loaded), ["shop/a:2", "shop/b:10", "shop/c:16"]);
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.n_files, 1);
}

#[test]
fn empty_documents_are_nothing() {
    for text in ["", "\n", "---\n---\n", "# only a comment\n", "---\n# one\n---\n...\n---\n", "%YAML 1.2\n---\n"] {
        let loaded = of_text(text);
        assert_eq!((loaded.objects.len(), loaded.warnings.len(), loaded.n_passed_over), (0, 0, 0), "{text:?}");
    }
}

#[test]
fn content_may_stand_beside_the_marker() {
    let loaded = of_text(
        "--- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n---\t{apiVersion: v1, kind: Namespace, metadata: {name: b}}\n",
    );
    assert_eq!(places(&loaded), ["a:1", "b:2"]);
}

#[test]
fn the_end_marker_ends_a_document_and_another_may_follow_without_a_start() {
    let loaded = of_text(&format!("{}...\n{}...\n# end\n", service("a"), service("b")));
    assert_eq!(places(&loaded), ["shop/a:1", "shop/b:7"]);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn directives_belong_to_the_document_that_follows() {
    let loaded = of_text(&format!("%YAML 1.2\n---\n{}...\n%YAML 1.1\n# why\n---\n{}", service("a"), service("b")));
    assert_eq!(places(&loaded), ["shop/a:3", "shop/b:12"]);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn line_ends_may_be_those_of_windows_or_of_old_machines() {
    let text = format!("{}---\n{}", service("a"), service("b"));
    assert_eq!(places(&of_text(&text.replace('\n', "\r\n"))), ["shop/a:1", "shop/b:7"]);
    assert_eq!(places(&of_text(&text.replace('\n', "\r"))), ["shop/a:1", "shop/b:7"]);
}

#[test]
fn byte_order_marks_are_passed_over_at_the_start_of_the_file_and_of_a_document() {
    let loaded = of_text(&format!("\u{feff}{}\u{feff}---\n{}\u{feff}--- # third\n{}", service("a"), service("b"), service("c")));
    assert_eq!(places(&loaded), ["shop/a:1", "shop/b:7", "shop/c:13"], "{:?}", loaded.warnings);
}

#[test]
fn an_indented_marker_in_a_block_scalar_is_text_and_one_at_the_margin_ends_it() {
    let with = |line: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  annotations:\n    text: |\n      one\n{line}---\n      two\n")
    };
    let loaded = of_text(&with("      "));
    assert_eq!(loaded.objects[0].object.raw["metadata"]["annotations"]["text"], "one\n---\ntwo\n");
    let cut = of_text(&with(""));
    assert_eq!(cut.objects[0].object.raw["metadata"]["annotations"]["text"], "one\n");
    assert_eq!(one_message(&cut), "line 9: an object was expected, not text");
}

#[test]
fn a_longer_row_of_dashes_is_no_marker() {
    let loaded = of_text("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---x: 1\n");
    assert_eq!(places(&loaded), ["a:1"]);
}

/// Documents are read side by side; nobody can tell from what comes of it.
#[test]
fn many_documents_and_files_come_in_their_order() {
    // In every file each twentieth document is broken, and each tenth was there before.
    let text = |file: usize| {
        let documents = (0..200).map(|n| match n {
            _ if n % 20 == 7 => "---\nkind: [\n".to_owned(),
            _ if n % 10 == 3 => format!("---\n{}", service("again")),
            _ => format!("---\n{}", service(&format!("s-{file}-{n}"))),
        });
        documents.collect::<String>()
    };
    let texts: Vec<(String, String)> = (0..20).map(|file| (format!("{file:02}.yaml"), text(file))).collect();
    let folder = folder_of(&texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    let loaded = read(&[folder.path()]).unwrap();

    let (mut objects, mut warnings) = (vec!["shop/again".to_owned()], Vec::new());
    for file in 0..20 {
        let mut line = 1;
        for n in 0..200 {
            let path = folder.path().join(format!("{file:02}.yaml")).display().to_string();
            if n % 20 == 7 {
                warnings.push((path, Some(line + 2)));
                line += 2;
                continue;
            }
            match (n % 10, file, n) {
                (3, 0, 3) => {}
                (3, ..) => warnings.push(("v1 Service shop/again".to_owned(), None)),
                _ => objects.push(format!("shop/s-{file}-{n}")),
            }
            line += 6;
        }
    }
    let mut paths: Vec<String> = loaded.objects.iter().map(|loaded| loaded.object.key.path()).collect();
    let again = paths.iter().position(|path| path == "shop/again").unwrap();
    assert_eq!(again, 3, "it has the place of the first");
    let path = paths.remove(again);
    paths.insert(0, path);
    assert_eq!(paths, objects);
    let line_of = |message: &str| message.strip_prefix("line ").and_then(|rest| rest.split(',').next()?.parse::<usize>().ok());
    let told: Vec<_> = loaded.warnings.iter().map(|warning| (warning.object.clone(), line_of(&warning.message))).collect();
    assert_eq!(told, warnings);

    let changes = manifests::read_changes(&[folder.path().to_owned()], &mut io::empty(), "default").unwrap();
    assert_eq!((changes.warnings.as_slice(), changes.n_files), (loaded.warnings.as_slice(), 20));
    let expected: Vec<Change> = loaded.into_objects().map(|object| Change::apply(&object)).collect();
    assert_eq!(changes.into_objects().collect::<Vec<_>>(), expected);
}
