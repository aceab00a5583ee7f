//! Manifests: what can be read is shown, what cannot is named; and one source after another.

use std::path::Path;

use egui_kittest::kittest::Queryable;
use portolan::view_model::Freshness;
use portolan::worker::Opening;

use super::desk::{Desk, EDITOR};

const WEB: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: web
";

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: only
  namespace: shop
spec:
  podSelector: {}
  policyTypes:
  - Egress
";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn one_broken_document_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "broken.yaml", &format!("{POLICY}---\nkind: Service\napiVersion: v1\nmetadata: [\n"));
    write(folder.path(), "web.yaml", WEB);
    let mut desk = Desk::open(Opening::Manifests(vec![folder.path().to_owned()]));
    desk.until("the workload is there", |desk| desk.sees_part("workload web, Deployment, 2 pods wanted"));
    let view = desk.view();
    assert_eq!(view.status.freshness, Freshness::Static);
    assert_eq!(view.status.source, format!("2 files in {}", folder.path().display()));
    // Five namespaces or fewer are shown workload by workload.
    desk.must_see("workload shop/web");
    assert!(desk.sees_part("namespace shop, 1 pod, in open, out closed, unfolded"), "{:#?}", desk.labels());
    let [warning] = view.warnings.as_slice() else { panic!("one warning: {:?}", view.warnings) };
    assert!(warning.object.ends_with("broken.yaml"), "{warning:?}");
    assert!(warning.message.contains("line 1"), "{warning:?}");

    desk.click("Warnings 1");
    assert!(desk.sees_part(&format!("warning, {}, {}", warning.message, warning.object)), "{:#?}", desk.labels());
}

#[test]
fn a_path_that_is_not_there_leaves_what_is_open() {
    let mut desk = Desk::demo();
    desk.search("namespace shop", "namespace/shop");
    open_folder(&mut desk, Path::new("/no/such/folder"));
    desk.until("it is told", |desk| desk.sees_part("not opened: "));
    let notice = desk.view().status.notice.clone().unwrap();
    assert!(notice.is_failure && notice.text.contains("/no/such/folder"), "{notice:?}");
    desk.must_see("demo");
    assert_eq!(desk.view().namespaces.len(), 10);
    assert!(desk.view().inspector.is_some(), "what is selected stays");
}

/// The editor must not take the text of an object of one source for that of the next one.
#[test]
fn another_source_has_another_text_under_the_same_name() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "all.yaml", &format!("{WEB}---\n{POLICY}"));
    write(two.path(), "all.yaml", &format!("{WEB}---\n{}", POLICY.replace("- Egress", "- Ingress")));
    let mut desk = Desk::open(Opening::Manifests(vec![one.path().to_owned()]));
    desk.unfold_sketch();
    desk.until("the objects are listed", |desk| desk.sees("Open object NetworkPolicy only"));
    desk.click("Open object NetworkPolicy only");
    desk.until_seen(EDITOR);
    assert!(desk.text().contains("- Egress"));

    open_folder(&mut desk, two.path());
    let source = format!("1 file in {}", two.path().display());
    desk.until_view("the other folder is open", |view| view.status.source == source);
    desk.until("the objects are listed", |desk| desk.sees("Open object NetworkPolicy only"));
    desk.click("Open object NetworkPolicy only");
    desk.until_seen(EDITOR);
    assert_eq!(desk.text(), desk.view().sketch.open.as_ref().unwrap().text, "the editor shows the object that is open");
    assert!(desk.text().contains("- Ingress"), "{}", desk.text());
}

/// Opens a folder through the picker of sources.
#[track_caller]
pub fn open_folder(desk: &mut Desk, folder: &Path) {
    desk.click_part("Source ");
    desk.click("Open manifests folder…");
    desk.harness.get_by_label("Path of the folder").type_text(folder.to_str().unwrap());
    desk.harness.run();
    desk.click("Open");
}
