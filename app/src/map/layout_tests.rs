//! Tests of the layout: what stands where, and what stays.

use super::*;
use crate::map::model::{Edge, Group, NodeKind, Tone};

fn measure(text: &str, face: Face) -> f32 {
    text.chars().count() as f32 * if face == Face::Title { 7.0 } else { 6.0 }
}

fn node(id: &str, lane: Lane, group: Option<&str>, title: &str) -> Node {
    let kind = match lane {
        Lane::Outside | Lane::Destinations => NodeKind::Internet,
        Lane::Entry | Lane::Exits => NodeKind::Entry,
        Lane::Services => NodeKind::Service,
        Lane::Workloads => NodeKind::Workload,
    };
    Node { group: group.map(Into::into), fact: "fact".to_owned(), ..Node::new(id, lane, kind, title, id) }
}

fn edge(from: &str, to: &str) -> Edge {
    Edge::new(format!("{from} {to}"), from, to, Tone::Allowed, "")
}

/// `n_groups` namespaces with `n` Services and workloads each, and edges of every kind between them.
fn model(n_groups: usize, n: usize) -> MapModel {
    let mut model = MapModel::default();
    model.nodes.push(node("internet", Lane::Outside, None, "Internet"));
    for entry in 0..n_groups + 2 {
        model.nodes.push(node(&format!("e{entry}"), Lane::Entry, None, "shop.example with a name that is far too long for its lane"));
        model.edges.push(edge("internet", &format!("e{entry}")));
        model.edges.push(edge(&format!("e{entry}"), &format!("s{}.{}", (entry * 7) % n_groups, entry % n)));
    }
    for group in 0..n_groups {
        let id = format!("g{group}");
        let fact = "2 workloads".to_owned();
        model.groups.push(Group { id: id.clone(), title: id.clone(), fact, name: id.clone() });
        for at in 0..n {
            model.nodes.push(node(&format!("s{group}.{at}"), Lane::Services, Some(&id), "service"));
            model.nodes.push(node(&format!("w{group}.{at}"), Lane::Workloads, Some(&id), "workload"));
            model.edges.push(edge(&format!("s{group}.{at}"), &format!("w{group}.{}", (at * 3) % n)));
            model.edges.push(edge(&format!("w{group}.{at}"), &format!("w{}.{}", (group + 1) % n_groups, at)));
            model.edges.push(edge(&format!("w{group}.{at}"), &format!("d{}", (group * 5 + at) % 7)));
        }
    }
    for at in 0..7 {
        model.nodes.push(node(&format!("d{at}"), Lane::Destinations, None, "10.0.0.0/8"));
    }
    model.nodes.push(node("folded", Lane::Workloads, None, "folded"));
    model
}

fn lay(model: &MapModel, before: Option<&Layout>) -> Layout {
    lay_out(model, before, &mut measure)
}

fn sizes() -> [MapModel; 4] {
    [MapModel::default(), model(1, 1), model(3, 3), model(10, 6)]
}

#[test]
fn no_two_nodes_overlap() {
    for model in sizes() {
        let layout = lay(&model, None);
        for (at, a) in layout.nodes.iter().enumerate() {
            for (other, b) in layout.nodes.iter().enumerate().skip(at + 1) {
                let shared = a.rect.intersect(b.rect);
                assert!(!shared.is_positive(), "{} and {} share {shared:?}", model.nodes[at].id, model.nodes[other].id);
            }
        }
    }
}

#[test]
fn boxes_are_disjoint_and_hold_their_nodes_and_no_others() {
    for model in sizes() {
        let layout = lay(&model, None);
        let boxes: Vec<Rect> = layout.groups.iter().flatten().map(|group| group.rect).collect();
        for (at, a) in boxes.iter().enumerate() {
            assert!(boxes.iter().skip(at + 1).all(|b| !a.intersects(*b)));
            for (node, placed) in model.nodes.iter().zip(&layout.nodes) {
                let inside = node.group.as_ref() == Some(&model.groups[at].id);
                assert_eq!(a.contains_rect(placed.rect), inside, "{}", node.id);
                assert_eq!(a.intersects(placed.rect), inside, "{}", node.id);
            }
        }
    }
}

#[test]
fn nodes_of_a_lane_share_their_left_edges_in_at_most_two_columns() {
    for model in sizes() {
        let layout = lay(&model, None);
        for lane in Lane::ALL {
            let of_lane = model.nodes.iter().zip(&layout.nodes).filter(|(node, _)| node.lane == lane);
            let mut lefts: Vec<i32> = of_lane.map(|(_, placed)| placed.rect.left() as i32).collect();
            lefts.sort_unstable();
            lefts.dedup();
            let most = if matches!(lane, Lane::Services | Lane::Workloads) { 2 } else { 1 };
            assert!(lefts.len() <= most, "{lane:?} {lefts:?}");
        }
    }
}

#[test]
fn lanes_stand_from_left_to_right() {
    let layout = lay(&model(3, 3), None);
    let bands: Vec<Band> = layout.lanes.iter().flatten().copied().collect();
    assert_eq!(bands.len(), 5);
    assert!(bands.windows(2).all(|pair| pair[0].right < pair[1].left));
}

#[test]
fn the_same_model_has_the_same_layout() {
    let model = model(10, 6);
    let layout = lay(&model, None);
    assert_eq!(layout, lay(&model, None));
    assert_eq!(layout.nodes, lay(&model, Some(&layout)).nodes, "nor does it move when laid out again");
}

#[test]
fn a_new_workload_moves_nothing_in_the_boxes_above_its_own() {
    for (n_groups, n) in [(3, 3), (10, 6)] {
        let model = model(n_groups, n);
        let before = lay(&model, None);
        let mut changed = model.clone();
        let last = format!("g{}", n_groups - 1);
        changed.nodes.insert(2, node("new", Lane::Workloads, Some(&last), "new"));
        let after = lay(&changed, Some(&before));
        for (node, placed) in changed.nodes.iter().zip(&after.nodes) {
            if node.group.is_some() && node.group.as_ref() != Some(&last) {
                assert_eq!(centre(&model, &before, &node.id), placed.rect.center(), "{}", node.id);
            }
        }
    }
}

#[test]
fn a_renamed_node_moves_nothing() {
    let mut model = model(3, 3);
    let before = lay(&model, None);
    model.nodes[1].fact = "another fact".to_owned();
    let after = lay(&model, Some(&before));
    assert!(before.nodes.iter().zip(&after.nodes).all(|(a, b)| a.rect == b.rect));
}

#[test]
fn text_fits_its_node() {
    let layout = lay(&model(3, 3), None);
    for placed in &layout.nodes {
        assert!(measure(&placed.title, Face::Title) <= placed.rect.width() - 24.0, "{}", placed.title);
    }
    assert!(layout.nodes[1].title.ends_with('\u{2026}'));
}

#[test]
fn a_single_chain_is_level() {
    let mut model = MapModel::default();
    model.nodes.push(node("o", Lane::Outside, None, "Internet"));
    model.nodes.push(node("e", Lane::Entry, None, "shop.example"));
    model.nodes.push(node("s", Lane::Services, None, "shop"));
    model.nodes.push(node("w", Lane::Workloads, None, "shop"));
    model.nodes.push(node("d", Lane::Destinations, None, "10.0.0.0/8"));
    model.edges = [("o", "e"), ("e", "s"), ("s", "w"), ("w", "d")].map(|(from, to)| edge(from, to)).to_vec();
    let layout = lay(&model, None);
    assert!(layout.nodes.iter().all(|placed| placed.rect.center().y == layout.nodes[0].rect.center().y));
    for route in layout.routes.iter().flatten() {
        assert!(route.points.iter().all(|point| point.y == route.tip.y));
    }
}

#[test]
fn edges_leave_right_and_enter_where_they_should() {
    let model = model(3, 3);
    let layout = lay(&model, None);
    let at = |id: &str| &layout.nodes[model.nodes.iter().position(|node| node.id == id).unwrap()];
    for (edge, route) in model.edges.iter().zip(&layout.routes) {
        let route = route.as_ref().unwrap();
        let (from, to) = (at(&edge.from).rect, at(&edge.to).rect);
        assert!((route.points[0].x - from.right()).abs() < 0.5, "{}", edge.id);
        let side = if route.towards > 0.0 { to.left() } else { to.right() };
        assert!((route.tip.x - side).abs() < 0.5, "{}", edge.id);
    }
}

#[test]
fn an_edge_without_an_end_has_no_way() {
    let mut model = model(1, 1);
    model.edges.push(edge("internet", "nowhere"));
    assert!(lay(&model, None).routes.last().unwrap().is_none());
}

fn centre(model: &MapModel, layout: &Layout, id: &str) -> Pos2 {
    layout.nodes[model.nodes.iter().position(|node| node.id == id).unwrap()].rect.center()
}

/// `n` folded namespaces, each of which calls some others.
fn folded(n: usize) -> MapModel {
    let mut model = MapModel::default();
    for at in 0..n {
        model.nodes.push(node(&format!("g{at}"), Lane::Workloads, None, "namespace"));
        model.edges.extend([2, 7].map(|step| edge(&format!("g{at}"), &format!("g{}", at * step % n))));
    }
    model
}

/// The same, with one namespace unfolded.
fn unfolded(n: usize, at: usize) -> MapModel {
    let mut model = folded(n);
    let id = format!("g{at}");
    model.nodes.remove(at);
    model.groups.push(Group { id: id.clone(), title: id.clone(), fact: String::new(), name: id.clone() });
    model.nodes.extend((0..9).map(|at| node(&format!("{id}/w{at}"), Lane::Workloads, Some(&id), "workload")));
    model
}

fn assert_apart(model: &MapModel, layout: &Layout) {
    for (at, a) in layout.nodes.iter().enumerate() {
        for b in layout.nodes.iter().skip(at + 1) {
            assert!(!a.rect.intersect(b.rect).is_positive(), "{} is overlapped", model.nodes[at].id);
        }
        for (group, of) in layout.groups.iter().zip(&model.groups) {
            let inside = model.nodes[at].group.as_ref() == Some(&of.id);
            assert!(group.as_ref().is_none_or(|group| if inside {
                group.rect.contains_rect(a.rect)
            } else {
                !group.rect.intersects(a.rect)
            }));
        }
    }
}

#[test]
fn what_is_unfolded_and_folded_again_returns_exactly() {
    for n in [8, 60] {
        let models = [folded(n), unfolded(n, 3), unfolded(n, 5)];
        let mut last = lay(&models[0], None);
        assert_apart(&models[0], &last);
        let mut known: Vec<Option<Vec<Rect>>> = vec![None; 3];
        for at in [0, 1, 2, 1, 0, 2, 0] {
            last = lay(&models[at], Some(&last));
            assert_apart(&models[at], &last);
            let rects: Vec<Rect> = last.nodes.iter().map(|node| node.rect).collect();
            assert_eq!(*known[at].get_or_insert_with(|| rects.clone()), rects);
        }
    }
}

#[test]
fn facts_edges_and_tones_move_nothing() {
    for mut model in [model(10, 6), folded(60)] {
        let mut layout = lay(&model, None);
        let rects: Vec<Rect> = layout.nodes.iter().map(|node| node.rect).collect();
        for step in 0..40 {
            let (at, other) = (step * 7 % model.nodes.len(), step * 11 % model.nodes.len());
            model.nodes[at].fact = "connections ".repeat(1 + step % 9);
            model.nodes[at].tone = Tone::Denied;
            model.edges.remove(step % model.edges.len());
            let (from, to) = (model.nodes[at].id.clone(), model.nodes[other].id.clone());
            model.edges.push(Edge::new(format!("new{step}"), from, to, Tone::Open, ""));
            layout = lay(&model, Some(&layout));
            assert!(layout.nodes.iter().map(|node| node.rect).eq(rects.iter().copied()), "step {step}");
        }
    }
}

#[test]
fn many_folded_namespaces_are_wider_than_high() {
    let layout = lay(&folded(120), None);
    let aspect = layout.bounds.width() / layout.bounds.height();
    assert!((1.2..2.0).contains(&aspect), "{aspect}");
}

#[test]
fn coarse_lines_have_the_same_ends_and_few_points() {
    for route in lay(&folded(60), None).routes.iter().flatten() {
        assert!(route.coarse.len() <= route::MAX_COARSE);
        assert_eq!((route.coarse.first(), route.coarse.last()), (route.points.first(), route.points.last()));
    }
}
