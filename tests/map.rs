//! The map in a window without a screen: found by name, clicked, walked by keyboard, and at rest when nobody touches it.

use std::sync::Arc;

use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use portolan::map::model::{Edge, Group, Lane, MapModel, Node, Outline, Tone, Way};
use portolan::map::{MapEvent, MapView};

struct Window {
    view: MapView,
    model: Arc<MapModel>,
    selected: Option<String>,
    events: Vec<MapEvent>,
}

fn node(id: &str, lane: Lane, group: Option<&str>, outline: Outline, tone: Tone) -> Node {
    let title = id.rsplit('/').next().unwrap_or(id).to_owned();
    Node { id: id.into(), lane, group: group.map(Into::into), outline, title, fact: "3 pods".into(), name: id.replacen('/', " ", 1), tone }
}

fn model() -> MapModel {
    let shop = Some("namespace/shop");
    let edge = |from: &str, to: &str| Edge {
        id: format!("{from} {to}"),
        from: from.into(),
        to: to.into(),
        tone: Tone::Allowed,
        label: "80/TCP".into(),
    };
    MapModel {
        nodes: vec![
            node("outside/internet", Lane::Outside, None, Outline::Pill, Tone::Open),
            node("host/shop.example", Lane::Entry, None, Outline::Arrow, Tone::Plain),
            node("service/shop/web", Lane::Services, shop, Outline::Hexagon, Tone::Plain),
            node("service/shop/gone", Lane::Services, shop, Outline::Ghost, Tone::Denied),
            node("workload/shop/web", Lane::Workloads, shop, Outline::Box, Tone::Plain),
            node("workload/shop/cart", Lane::Workloads, shop, Outline::Box, Tone::Plain),
            node("workload/data/db", Lane::Workloads, Some("namespace/data"), Outline::Box, Tone::Plain),
            node("address/10.0.0.0/8", Lane::Destinations, None, Outline::Pill, Tone::Allowed),
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
        ways: Vec::new(),
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
    assert!(events.contains(&MapEvent::Open("namespace/shop".into())), "{events:?}");
}

#[test]
fn a_double_click_opens_a_node() {
    let mut harness = harness();
    harness.get_by_label("workload shop/web").click();
    harness.step();
    harness.get_by_label("workload shop/web").click();
    harness.run();
    assert!(harness.state().events.contains(&MapEvent::Open("workload/shop/web".into())), "{:?}", harness.state().events);
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
    assert_eq!(harness.state().events, [select("service/shop/web"), MapEvent::Open("service/shop/web".into())]);
}

#[test]
fn dragging_pans_and_f_brings_everything_back() {
    let mut harness = harness();
    let place = |harness: &Harness<'static, Window>| harness.get_by_label("workload shop/cart").rect().min;
    harness.key_press(Key::F);
    harness.run();
    let before = place(&harness);
    harness.drag_at(egui::pos2(1000.0, 600.0));
    harness.step();
    harness.hover_at(egui::pos2(970.0, 640.0));
    harness.step();
    harness.drop_at(egui::pos2(970.0, 640.0));
    harness.run();
    assert_eq!(place(&harness), before + vec2(-30.0, 40.0));
    harness.key_press(Key::F);
    harness.run();
    assert_eq!(place(&harness), before);
}

#[test]
fn a_changed_model_is_shown_and_the_map_rests_again() {
    let mut harness = harness();
    let mut changed = model();
    changed.nodes.push(node("workload/data/cache", Lane::Workloads, Some("namespace/data"), Outline::Box, Tone::Lost));
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
        harness.key_press(Key::Plus);
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
        harness.key_press(Key::Plus);
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
