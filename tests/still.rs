//! The map stands still while a cluster streams: only what changed may move.

use std::collections::HashMap;

use egui::Pos2;
use portolan::command::Command;
use portolan::map::layout::{Layout, lay_out};
use portolan::map::model::{MapModel, NodeKind};
use portolan::session::Session;
use portolan_core::assumptions::Settled;
use portolan_core::snapshot::Change;
use portolan_tests::generator::{Churn, Event, Shape};

fn lay(model: &MapModel, before: Option<&Layout>) -> Layout {
    lay_out(model, before, &mut |text, _| text.len() as f32 * 6.5)
}

fn centres(model: &MapModel, layout: &Layout) -> HashMap<String, Pos2> {
    model.nodes.iter().zip(&layout.nodes).map(|(node, placed)| (node.id.clone(), placed.rect.center())).collect()
}

#[test]
fn a_thousand_changes_to_one_namespace_move_nothing_of_the_others() {
    let cluster = Shape::RealCluster.generate(200, 7);
    let mut session = Session::new(Settled::default());
    session.apply(cluster.changes());
    let mut view = session.view_unless(&|| false).unwrap();
    let unfolds = view.map.nodes.iter().find(|node| node.kind == NodeKind::Namespace && node.unfolds).map(|node| node.id.clone());
    if let Some(id) = unfolds {
        session.execute(Command::ToggleFold(id));
        view = session.view_unless(&|| false).unwrap();
    }
    let mut busy = cluster.clone();
    let name = busy.pods[0].namespace.clone();
    busy.pods.retain(|pod| pod.namespace == name);
    busy.policies.retain(|policy| policy.namespace == name);
    let mut churn = Churn::new(busy, 3);
    let group = format!("namespace/{name}");
    let mut layout = lay(&view.map, None);
    let mut before = centres(&view.map, &layout);
    let mut n_changes = 0;
    for step in 0.. {
        if n_changes >= 1000 {
            break;
        }
        let events = [Event::PodChanged, Event::PolicyChanged, Event::Rollout, Event::PolicyAdded];
        let changes: Vec<Change> = churn.happen(events[step % events.len()]);
        assert!(!changes.is_empty() || step < 100_000, "something happens");
        n_changes += changes.len();
        session.apply(changes);
        view = session.view_unless(&|| false).unwrap();
        layout = lay(&view.map, Some(&layout));
        let after = centres(&view.map, &layout);
        for node in view.map.nodes.iter().filter(|node| node.id != group && node.group.as_ref() != Some(&group)) {
            if let Some(was) = before.get(&node.id) {
                assert_eq!(*was, after[&node.id], "{} after {n_changes} changes", node.id);
            }
        }
        before = after;
    }
}
