//! The map in a window without a screen: found by name, clicked, walked by keyboard, and at rest when nobody touches it.

use std::sync::Arc;

use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use portolan::map::model::{Edge, Group, Lane, MapModel, Node, NodeKind, Tone, Way};
use portolan::map::{MapAction, MapEvent, MapView};

struct Window {
    view: MapView,
    model: Arc<MapModel>,
    selected: Option<String>,
    events: Vec<MapEvent>,
}

fn node(id: &str, lane: Lane, group: Option<&str>, kind: NodeKind, tone: Tone) -> Node {
    let title = id.rsplit('/').next().unwrap_or(id).to_owned();
    let node = Node::new(id, lane, kind, title, id.replacen('/', " ", 1));
    let is_workload = kind == NodeKind::Workload;
    Node { group: group.map(Into::into), fact: "3 pods".into(), tone, unfolds: is_workload, folds_into: group.map(Into::into), ..node }
}

fn model() -> MapModel {
    let shop = Some("namespace/shop");
    let edge = |from: &str, to: &str| Edge::new(format!("{from} {to}"), from, to, Tone::Allowed, "80/TCP");
    MapModel {
        nodes: vec![
            node("outside/internet", Lane::Outside, None, NodeKind::Internet, Tone::Open),
            node("host/shop.example", Lane::Entry, None, NodeKind::Entry, Tone::Plain),
            node("service/shop/web", Lane::Services, shop, NodeKind::Service, Tone::Plain),
            node("service/shop/gone", Lane::Services, shop, NodeKind::MissingService, Tone::Denied),
            node("workload/shop/web", Lane::Workloads, shop, NodeKind::Workload, Tone::Plain),
            node("workload/shop/cart", Lane::Workloads, shop, NodeKind::Workload, Tone::Plain),
            node("workload/data/db", Lane::Workloads, Some("namespace/data"), NodeKind::Workload, Tone::Plain),
            node("address/10.0.0.0/8", Lane::Destinations, None, NodeKind::Range, Tone::Allowed),
        ],
        edges: vec![
            edge("outside/internet", "host/shop.example"),
            edge("host/shop.example", "service/shop/web"),
            edge("service/shop/web", "workload/shop/web"),
            edge("workload/shop/web", "workload/data/db"),
            edge("workload/shop/cart", "address/10.0.0.0/8"),
        ],
        groups: ["shop", "data"]
            .map(|name| Group {
                id: format!("namespace/{name}"),
                title: name.into(),
                fact: "2 workloads".into(),
                name: format!("namespace {name}"),
            })
            .to_vec(),
        ..MapModel::default()
    }
}

fn harness() -> Harness<'static, Window> {
    let window = Window { view: MapView::new(), model: Arc::new(model()), selected: None, events: Vec::new() };
    let mut harness = Harness::builder().with_size(vec2(1100.0, 700.0)).with_step_dt(1.0 / 60.0).with_max_steps(20).build_ui_state(
        |ui, window: &mut Window| {
            // The harness draws its first frame before anything can be installed; fonts are there from the second on.
            if ui.ctx().cumulative_pass_nr() == 0 {
                portolan::theme::install(ui.ctx());
                return;
            }
            let events = window.view.show(ui, &window.model, window.selected.as_deref());
            for event in &events {
                if let MapEvent::Select(selected) = event {
                    window.selected.clone_from(selected);
                    ui.ctx().request_repaint();
                }
            }
            window.events.extend(events);
        },
        window,
    );
    harness.run();
    harness
}

fn select(id: &str) -> MapEvent {
    MapEvent::Select(Some(id.to_owned()))
}

#[test]
fn an_untouched_map_asks_for_no_frame() {
    let mut harness = harness();
    let drawn = harness.state().view.n_drawn();
    for _ in 0..5 {
        harness.step();
        let delay = harness.output().viewport_output.values().map(|output| output.repaint_delay).min();
        assert_eq!(delay, Some(std::time::Duration::MAX));
    }
    assert_eq!(harness.state().view.n_drawn(), drawn, "and draws none");
}

#[test]
fn a_node_is_found_by_name_and_a_click_selects_it() {
    let mut harness = harness();
    // Some frames are put back first: the click has to work on such a frame, too.
    harness.run_steps(3);
    harness.get_by_label("workload shop/cart").click();
    harness.run();
    assert_eq!(harness.state().events, [select("workload/shop/cart")]);
    assert!(harness.get_by_label("workload shop/cart").accesskit_node().is_selected().unwrap_or(false));
}

#[test]
fn a_screen_reader_selects_without_a_pointer() {
    let mut harness = harness();
    harness.get_by_label("service shop/web").click_accesskit();
    harness.run();
    assert_eq!(harness.state().events, [select("service/shop/web")]);
}

#[test]
fn a_click_beside_everything_selects_nothing() {
    let mut harness = harness();
    harness.get_by_label("workload shop/cart").click();
    harness.run();
    harness.drag_at(egui::pos2(1090.0, 690.0));
    harness.drop_at(egui::pos2(1090.0, 690.0));
    harness.run();
    assert_eq!(harness.state().events, [select("workload/shop/cart"), MapEvent::Select(None)]);
}

#[test]
fn the_title_of_a_namespace_selects_it_and_opens_it() {
    let mut harness = harness();
    harness.get_by_label("namespace shop").click();
    harness.step();
    harness.get_by_label("namespace shop").click();
    harness.run();
    let events = &harness.state().events;
    assert_eq!(events[0], select("namespace/shop"));
    assert!(events.contains(&MapEvent::Fold("namespace/shop".into())), "{events:?}");
}

#[test]
fn a_double_click_opens_a_node() {
    let mut harness = harness();
    harness.get_by_label("workload shop/web").click();
    harness.step();
    harness.get_by_label("workload shop/web").click();
    harness.run();
    assert!(harness.state().events.contains(&MapEvent::Fold("workload/shop/web".into())), "{:?}", harness.state().events);
}

#[test]
fn the_keyboard_walks_along_edges_and_lanes() {
    let mut harness = harness();
    harness.key_press(Key::Tab);
    harness.run();
    let walk = |harness: &mut Harness<'static, Window>, key: Key, name: &str| {
        harness.key_press(key);
        harness.run();
        assert!(harness.get_by_label(name).is_focused(), "{key:?} leads to {name}");
    };
    assert!(harness.get_by_label("outside internet").is_focused());
    walk(&mut harness, Key::ArrowRight, "host shop.example");
    walk(&mut harness, Key::ArrowRight, "service shop/web");
    walk(&mut harness, Key::ArrowRight, "workload shop/web");
    walk(&mut harness, Key::ArrowDown, "workload shop/cart");
    walk(&mut harness, Key::ArrowUp, "workload shop/web");
    walk(&mut harness, Key::ArrowLeft, "service shop/web");
    harness.key_press(Key::Space);
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().events, [MapEvent::Fold("namespace/shop".into()), select("service/shop/web")]);
}

#[test]
fn dragging_pans_and_f_brings_everything_back() {
    let mut harness = harness();
    let place = |harness: &Harness<'static, Window>| harness.get_by_label("workload shop/cart").rect().min;
    harness.state_mut().view.act(MapAction::Fit);
    harness.run();
    let before = place(&harness);
    harness.drag_at(egui::pos2(1000.0, 600.0));
    harness.step();
    harness.hover_at(egui::pos2(970.0, 640.0));
    harness.step();
    harness.drop_at(egui::pos2(970.0, 640.0));
    harness.run();
    assert_eq!(place(&harness), before + vec2(-30.0, 40.0));
    harness.state_mut().view.act(MapAction::Fit);
    harness.run();
    assert_eq!(place(&harness), before);
}

#[test]
fn a_changed_model_is_shown_and_the_map_rests_again() {
    let mut harness = harness();
    let mut changed = model();
    changed.nodes.push(node("workload/data/cache", Lane::Workloads, Some("namespace/data"), NodeKind::Workload, Tone::Lost));
    let before = harness.get_by_label("workload shop/cart").rect();
    harness.state_mut().model = Arc::new(changed);
    harness.run();
    assert!(harness.query_by_label("workload data/cache").is_some());
    assert_eq!(harness.get_by_label("workload shop/cart").rect(), before, "what did not change stays");
}

#[test]
fn an_equal_model_is_not_drawn_again() {
    let mut harness = harness();
    let drawn = harness.state().view.n_drawn();
    harness.state_mut().model = Arc::new(model());
    harness.run();
    assert_eq!(harness.state().view.n_drawn(), drawn);
}

#[test]
fn focus_on_brings_a_node_into_view() {
    let mut harness = harness();
    for _ in 0..6 {
        harness.state_mut().view.act(MapAction::Closer);
    }
    harness.state_mut().view.focus_on("workload/data/db");
    harness.run();
    assert!(harness.query_by_label("workload data/db").is_some());
}

#[test]
fn a_way_is_brought_into_view_and_selected_though_it_is_no_node() {
    let mut harness = harness();
    let mut changed = model();
    let nodes = ["outside/internet", "host/shop.example", "service/shop/web", "workload/shop/web"].map(str::to_owned).to_vec();
    let edges = changed.edges.iter().take(3).map(|edge| edge.id.clone()).collect();
    changed.ways.push(Way { id: "request/http://shop.example/".into(), nodes, edges });
    for _ in 0..6 {
        harness.state_mut().view.act(MapAction::Closer);
    }
    harness.run();
    assert!(harness.query_by_label("outside internet").is_none(), "it is out of sight");
    let state = harness.state_mut();
    state.model = Arc::new(changed);
    state.selected = Some("request/http://shop.example/".into());
    state.view.focus_on("request/http://shop.example/");
    harness.run();
    assert!(harness.query_by_label("outside internet").is_some());
    // A click on a node selects that instead.
    harness.get_by_label("outside internet").click_accesskit();
    harness.run();
    assert_eq!(harness.state().events, [select("outside/internet")]);
}

#[test]
fn an_empty_model_is_an_empty_map() {
    let mut harness = harness();
    harness.state_mut().model = Arc::new(MapModel::default());
    harness.run();
    assert!(harness.query_by_label("workload shop/cart").is_none());
}

/// Steps until no layout is under way.
fn until_laid_out(harness: &mut Harness<'static, Window>) {
    for _ in 0..2_000 {
        harness.run();
        if !harness.state().view.is_laying_out() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    panic!("the layout does not come to an end");
}

#[test]
fn a_large_model_is_laid_out_aside_while_the_picture_before_stays() {
    let mut harness = harness();
    let mut large = model();
    for at in 0..400 {
        let id = format!("workload/many/w{at}");
        large.nodes.push(node(&id, Lane::Workloads, Some("namespace/data"), NodeKind::Workload, Tone::Plain));
        large.edges.push(Edge::new(format!("many {at}"), "workload/shop/web", id, Tone::Allowed, ""));
    }
    harness.state_mut().model = Arc::new(large);
    harness.step();
    assert!(harness.state().view.is_laying_out());
    assert!(harness.query_by_label("workload shop/cart").is_some(), "meanwhile there is what was there");
    until_laid_out(&mut harness);
    harness.state_mut().view.focus_on("workload/many/w7");
    harness.run();
    assert!(harness.query_by_label("workload many/w7").is_some());
    harness.get_by_label("workload many/w7").click();
    harness.run();
    assert_eq!(harness.state().events, [select("workload/many/w7")], "and it works as a small one does");
}

#[test]
fn what_is_selected_is_acted_upon_where_nothing_has_the_keyboard() {
    let mut harness = harness();
    harness.state_mut().selected = Some("workload/shop/cart".to_owned());
    harness.run();
    for action in [MapAction::Fold, MapAction::FoldAway, MapAction::PutAside, MapAction::Pin] {
        harness.state_mut().view.act(action);
        harness.step();
    }
    let cart = || "workload/shop/cart".to_owned();
    let asked = [MapEvent::Fold(cart()), MapEvent::Fold("namespace/shop".to_owned()), MapEvent::PutAside(cart()), MapEvent::Pin(cart())];
    assert_eq!(harness.state().events, asked);
}

#[test]
fn a_node_under_the_pointer_tells_its_reasons() {
    let mut harness = harness();
    harness.get_by_label("workload data/db").hover();
    harness.run_steps(60);
    assert_eq!(harness.state().events, [MapEvent::Hover("workload/data/db".to_owned())], "they are asked for once");
    let reasons = vec![("closed to all but shop/web".to_owned(), Some(Tone::Allowed))];
    harness.state_mut().view.explain(Some(("workload/data/db".to_owned(), reasons)));
    harness.run_steps(5);
    assert!(harness.query_by_label("closed to all but shop/web").is_some());
}

#[test]
fn what_is_selected_is_brought_close() {
    let mut harness = harness();
    harness.state_mut().selected = Some("workload/data/db".to_owned());
    harness.run();
    let before = harness.get_by_label("workload data/db").rect().width();
    harness.state_mut().view.act(MapAction::FitSelection);
    harness.run();
    assert!(harness.get_by_label("workload data/db").rect().width() > before);
}
