//! Files, folders and standard input.

use super::*;

#[test]
fn folders_are_read_in_the_order_of_names_with_what_lies_in_them() {
    let namespace = |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let folder = folder_of(&[
        ("b.yaml", &namespace("b")),
        ("a.yml", &namespace("a")),
        ("c/inner.YAML", &namespace("c")),
        ("d.json", r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"d"}}"#),
        ("notes.txt", "no: [yaml"),
        ("README.md", "{{"),
        (".hidden.yaml", "no: [yaml"),
        (".git/config.yaml", "no: [yaml"),
    ]);
    let loaded = read(&[folder.path()]).unwrap();
    assert_eq!(places(&loaded), ["a:1", "b:1", "c:1", "d:1"]);
    assert_eq!((loaded.warnings.len(), loaded.n_files), (0, 4));
    assert_eq!(*loaded.objects[2].origin.file, folder.path().join("c/inner.YAML"));
}

#[test]
fn a_named_file_is_read_whatever_its_name_and_a_file_reached_twice_once() {
    let folder = folder_of(&[("x.txt", &service("a")), ("y.yaml", &service("b"))]);
    let file = folder.path().join("x.txt");
    let loaded = read(&[&file, folder.path(), &folder.path().join("./y.yaml")]).unwrap();
    assert_eq!(places(&loaded), ["shop/a:1", "shop/b:1"]);
    assert_eq!((loaded.warnings.len(), loaded.n_files), (0, 2));
}

#[test]
fn documents_of_a_folder_that_are_no_objects_are_passed_over_and_those_of_a_named_file_are_not() {
    let folder = folder_of(&[("values.yaml", "replicas: 3\n"), ("kustomization.yaml", "resources: [a.yaml]\n")]);
    let loaded = read(&[folder.path()]).unwrap();
    assert_eq!((loaded.warnings.len(), loaded.n_passed_over), (0, 2));
    let named = read(&[&folder.path().join("values.yaml")]).unwrap();
    assert_eq!(one_message(&named), "line 1: the object has no apiVersion");
}

#[test]
fn a_path_that_is_not_there_is_an_error_that_names_it() {
    let folder = folder_of(&[]);
    let path = folder.path().join("missing");
    let error = read(&[folder.path(), &path]).unwrap_err().to_string();
    assert_eq!(error, format!("{} does not exist or cannot be opened", path.display()));
}

#[test]
fn a_folder_without_manifests_is_said_to_be_one() {
    let folder = folder_of(&[("a.txt", "")]);
    let loaded = read(&[folder.path()]).unwrap();
    assert_eq!(one_message(&loaded), "the folder holds no file named *.yaml, *.yml or *.json");
    assert_eq!(loaded.warnings[0].object, folder.path().display().to_string());
}

#[test]
fn a_file_that_is_no_text_is_named_and_the_others_are_read() {
    let folder = folder_of(&[("b.yaml", &service("b"))]);
    fs::write(folder.path().join("a.yaml"), [0x61, 0x3a, 0xff, 0xfd]).unwrap();
    let loaded = read(&[folder.path()]).unwrap();
    assert_eq!(one_message(&loaded), "the file is not text in UTF-8 or UTF-16");
    assert_eq!(loaded.objects.len(), 1);
}

#[test]
fn what_powershell_writes_is_read() {
    let folder = folder_of(&[]);
    for (name, to_bytes) in [("a.yaml", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("b.yaml", u16::to_be_bytes)] {
        let text = format!("\u{feff}{}", service(&name[..1])).replace('\n', "\r\n");
        fs::write(folder.path().join(name), text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>()).unwrap();
    }
    assert_eq!(places(&read(&[folder.path()]).unwrap()), ["shop/a:1", "shop/b:1"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_a_circle_of_them_is_named() {
    use std::os::unix::fs::symlink;
    let folder = folder_of(&[("..data/a.yaml", &service("a"))]);
    symlink("..data/a.yaml", folder.path().join("a.yaml")).unwrap();
    assert_eq!(places(&read(&[folder.path()]).unwrap()), ["shop/a:1"], "as a ConfigMap is mounted");
    symlink(folder.path(), folder.path().join("again")).unwrap();
    let loaded = read(&[folder.path()]).unwrap();
    assert_eq!(loaded.objects.len(), 1);
    assert!(one_message(&loaded).contains("loop"), "{:?}", loaded.warnings);
}

#[test]
fn standard_input_is_read_once_and_beside_files() {
    let folder = folder_of(&[("a.yaml", &service("a"))]);
    let text = service("b");
    let paths = [PathBuf::from("-"), folder.path().to_owned(), PathBuf::from("-")];
    let loaded = manifests::read(&paths, &mut text.as_bytes(), "default").unwrap();
    assert_eq!(places(&loaded), ["shop/b:1", "shop/a:1"]);
    assert_eq!(loaded.objects[0].origin.to_string(), "standard input:1");
    assert_eq!((loaded.warnings.len(), loaded.n_files), (0, 2));
}

#[test]
fn standard_input_that_fails_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let error = manifests::read(&[PathBuf::from("-")], &mut Broken, "default").unwrap_err();
    assert_eq!(format!("{error:#}"), "standard input cannot be read: gone");
}

#[test]
fn objects_without_a_namespace_are_in_the_one_that_is_given() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";
    assert_eq!(places(&manifests::read_text("a.yaml", text, "default")), ["default/a:1", "b:5"]);
    assert_eq!(places(&manifests::read_text("a.yaml", text, "team")), ["team/a:1", "b:5"]);
}

#[test]
fn the_demos_folder_is_read_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo");
    let loaded = read(&[&folder]).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.n_passed_over, 0);
    assert_eq!(loaded.into_objects().collect::<Vec<_>>(), portolan::source::demo::Demo::Shop.manifests().0);
}
