//! Edits that come faster than they can be answered: the newest wins, older ones are abandoned, and nothing else is lost or out of order.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use portolan::command::{Command, Template};
use portolan::session::Session;
use portolan::source::manifests;
use portolan::view_model::{Freshness, View};
use portolan::window::Backend;
use portolan::worker::{Opening, Sources, Worker};
use portolan_core::assumptions::Settled;
use portolan_core::snapshot::Change;
use portolan_tests::generator::Shape;

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

const POLICY: &str = "networking.k8s.io/v1 NetworkPolicy desk/edited";

/// The policy that is edited: the port is the number of the edit.
fn policy(port: usize) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: edited\n  namespace: desk\nspec:\n  \
         podSelector:\n    matchLabels:\n      app: web\n  policyTypes:\n  - Egress\n  egress:\n  - to:\n    - podSelector:\n        \
         matchLabels:\n          app: db\n    ports:\n    - protocol: TCP\n      port: {port}\n"
    )
}

fn edit(port: usize) -> Command {
    Command::EditText { key: POLICY.to_owned(), text: policy(port) }
}

fn open_policy() -> Command {
    Command::OpenObject { key: POLICY.to_owned(), pointer: String::new() }
}

/// A namespace with two workloads and the policy between them.
fn desk() -> String {
    let mut text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: desk\n".to_owned();
    for app in ["web", "db"] {
        let template = format!("{{metadata: {{labels: {{app: {app}}}}}, spec: {{containers: []}}}}");
        let spec = format!("{{selector: {{matchLabels: {{app: {app}}}}}, template: {template}}}");
        writeln!(text, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {app}, namespace: desk}}\nspec: {spec}").unwrap();
    }
    text + "---\n" + &policy(1)
}

/// The edit that a view shows. Its text, its export and its difference must be of one and the same.
fn edit_of(view: &View) -> Option<usize> {
    let number = |text: &str| text.rsplit_once("port: ").and_then(|(_, rest)| rest.trim().parse::<usize>().ok());
    let shown = number(&view.sketch.open.as_ref()?.text)?;
    if view.sketch.edits.is_empty() {
        assert!(view.difference.rows.is_empty());
        return None;
    }
    assert_eq!(number(&view.sketch.export_yaml), Some(shown));
    let rows: Vec<_> = view.difference.rows.iter().map(|row| (row.from.as_str(), row.to.as_str(), row.ports.as_str())).collect();
    assert_eq!(rows, [("desk/web", "desk/db", format!("{shown}/TCP, was 1/TCP").as_str())]);
    Some(shown)
}

/// A worker on a generated cluster, with nobody but the test at its window.
struct Rig {
    worker: Worker,
    n_published: Arc<AtomicUsize>,
    /// While it is held, the worker stands still after the publication of number `stands_at`, and those after it.
    gate: Arc<Mutex<()>>,
    stands_at: Arc<AtomicUsize>,
    last: Arc<View>,
    _folder: tempfile::TempDir,
}

impl Rig {
    /// On as many workloads and those of the desk, with the policy open.
    fn open(n_workloads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if n_workloads > 0 {
            Shape::Mixed.generate(n_workloads, 1).write(folder.path()).unwrap();
        }
        std::fs::write(folder.path().join("desk.yaml"), desk()).unwrap();
        let (n_published, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
        let stands_at = Arc::new(AtomicUsize::new(usize::MAX));
        let (counter, latch, number) = (Arc::clone(&n_published), Arc::clone(&gate), Arc::clone(&stands_at));
        let wake = move || {
            let n = counter.fetch_add(1, Ordering::SeqCst) + 1;
            if n >= number.load(Ordering::SeqCst) {
                drop(latch.lock().unwrap());
            }
        };
        let opening = Opening::Manifests(vec![folder.path().to_owned()]);
        let worker = Worker::start(Settled::default(), Sources::default(), opening, wake).unwrap();
        let mut rig = Self { worker, n_published, gate, stands_at, last: Arc::default(), _folder: folder };
        rig.worker.send(open_policy());
        rig.until("the policy is open", |view| view.sketch.open.is_some());
        // A view is there before the window is woken for it: what is counted is the waking.
        let (counter, deadline) = (Arc::clone(&rig.n_published), Instant::now() + PATIENCE);
        while counter.load(Ordering::SeqCst) < 2 {
            assert!(Instant::now() < deadline, "the source and the policy are published one after the other");
            sleep(Duration::from_millis(1));
        }
        rig
    }

    /// The newest view, which is never older than the one before.
    fn look(&mut self) -> Arc<View> {
        let view = self.worker.view();
        assert!(view.generation >= self.last.generation, "a view is followed by an older one");
        assert!(edit_of(&view) >= edit_of(&self.last), "an edit is followed by an older one");
        self.last = Arc::clone(&view);
        view
    }

    fn until(&mut self, what: &str, holds: impl Fn(&View) -> bool) -> Arc<View> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.worker.view();
            if holds(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "not so after {PATIENCE:?}: {what}");
            sleep(Duration::from_millis(1));
        }
    }

    fn n_published(&self) -> usize {
        self.n_published.load(Ordering::SeqCst)
    }
}

#[test]
fn of_a_hundred_edits_the_last_is_answered_and_none_waits() {
    let mut rig = Rig::open(500);
    let n_before = rig.n_published();
    for number in 1001..=1100 {
        rig.worker.send(edit(number));
        sleep(Duration::from_millis(10));
        rig.look();
    }
    let n_when_sent = rig.n_published();
    rig.until("the last edit is answered", |view| edit_of(view) == Some(1100));
    assert!(n_when_sent - n_before <= 100, "{n_when_sent} views, and {n_before} before the first edit");
    // Time for what should not come.
    sleep(Duration::from_millis(200));
    let n_after = rig.n_published() - n_when_sent;
    assert!(n_after <= 2, "{n_after} views after the last edit was sent: one that was being finished, and the last one's, are the most");
}

#[test]
fn edits_without_end_are_answered_now_and_then() {
    let mut rig = Rig::open(100);
    let started = Instant::now();
    let (mut number, mut n_answered, mut shown) = (1000, 0, None);
    while n_answered < 3 {
        number += 1;
        rig.worker.send(edit(number));
        sleep(Duration::from_millis(2));
        let now = edit_of(&rig.look());
        n_answered += usize::from(now > shown);
        shown = now;
        assert!(started.elapsed() < PATIENCE, "{n_answered} of {} edits are answered", number - 1000);
    }
    rig.until("the last edit is answered", |view| edit_of(view) == Some(number));
}

/// What the window shows, but for what tells when it was made.
fn timeless(view: &View) -> View {
    let mut view = view.clone();
    view.generation = 0;
    view.status.timing.clear();
    view.status.source.clear();
    // The first crumb is the name of the source.
    view.crumbs.remove(0);
    if let Some(open) = &mut view.sketch.open {
        open.revision = 0;
    }
    view
}

fn session(text: &str) -> Session {
    let mut session = Session::new(Settled::default());
    session.open(String::new(), true, Freshness::Static);
    session.apply(manifests::read_text("desk.yaml", text, "default").into_objects().map(|object| Change::apply(&object)));
    session
}

/// What a session shows that does one command after the other and answers each.
fn one_by_one(commands: impl IntoIterator<Item = Command>) -> View {
    let mut session = session(&desk());
    let mut shown = View::default();
    for command in commands {
        session.execute(command);
        shown = session.view_unless(&|| false).unwrap();
    }
    timeless(&shown)
}

#[test]
fn what_comes_between_edits_is_done_in_its_turn() {
    let between = [
        edit(1001),
        edit(1002),
        Command::Select(Some("workload/desk/Deployment/web".to_owned())),
        edit(1003),
        Command::NameSketch("named".to_owned()),
        edit(1004),
        Command::Undo,
        Command::Assume { name: "self-traffic".to_owned(), value: "policy".to_owned() },
        edit(1005),
        edit(1006),
        Command::FoldAll(true),
    ];
    let mut rig = Rig::open(0);
    let gate = Arc::clone(&rig.gate);
    let held = gate.lock().unwrap();
    let n_before = rig.n_published();
    rig.stands_at.store(n_before + 1, Ordering::SeqCst);
    rig.worker.send(edit(1000));
    rig.until("the worker stands still", |view| edit_of(view) == Some(1000));
    for command in &between {
        rig.worker.send(command.clone());
    }
    drop(held);
    let shown = rig.until("the last edit is answered", |view| edit_of(view) == Some(1006));
    let n_published = rig.n_published();
    assert!(n_published <= n_before + 2, "{} views of all that waited", n_published - n_before - 1);
    assert_eq!(timeless(&shown), one_by_one([open_policy(), edit(1000)].into_iter().chain(between)));
    assert_eq!(shown.sketch.name, "named");
}

/// Wherever the work is abandoned, the session goes on as if it had not been begun.
#[test]
fn a_work_can_be_abandoned_after_every_stage() {
    let commands = [
        open_policy(),
        edit(1001),
        Command::Select(Some("workload/desk/Deployment/db".to_owned())),
        Command::Undo,
        Command::Redo,
        edit(1002),
    ];
    let expected = one_by_one(commands.clone());
    let mut n_stages = 0;
    loop {
        let mut session = session(&desk());
        let mut n_abandoned = 0;
        for command in commands.clone() {
            session.execute(command);
            let n_asked = std::cell::Cell::new(0);
            let is_outdated = || n_asked.replace(n_asked.get() + 1) == n_stages;
            n_abandoned += usize::from(session.view_unless(&is_outdated).is_none());
        }
        let shown = session.view_unless(&|| false).unwrap();
        assert_eq!(timeless(&shown), expected, "abandoned after stage {n_stages}");
        if n_abandoned == 0 {
            break;
        }
        assert!(shown.generation < commands.len() as u64 + 1, "what is abandoned is no publication");
        n_stages += 1;
    }
    assert!(n_stages >= 4, "there are {n_stages} stages");
}

/// The window learns of the new name with the next view only, and who types does not wait for that.
#[test]
fn a_name_can_be_typed_faster_than_views_come() {
    let mut session = session(&desk());
    session.execute(Command::Create(Template::DenyAll, "desk".to_owned()));
    let open = session.view_unless(&|| false).unwrap().sketch.open.unwrap();
    for name in ["deny-all-", "deny-all-t", "deny-all-to"] {
        session.execute(Command::EditText { key: open.key.clone(), text: open.text.replace("deny-all", name) });
    }
    let sketch = session.view_unless(&|| false).unwrap().sketch;
    let titles: Vec<&str> = sketch.edits.iter().map(|edit| edit.title.as_str()).collect();
    assert_eq!(titles, ["NetworkPolicy desk/deny-all-to"]);
    assert_eq!(sketch.open.unwrap().key, "networking.k8s.io/v1 NetworkPolicy desk/deny-all-to");
    session.execute(Command::Undo);
    let sketch = session.view_unless(&|| false).unwrap().sketch;
    assert_eq!(sketch.edits.len(), 1, "the name is one step");
    assert_eq!(sketch.edits[0].title, "NetworkPolicy desk/deny-all");
}
