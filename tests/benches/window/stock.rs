//! What egui_graphs draws by itself: as many nodes as there are pods and twice as many edges, all of it seen, with its own shapes.

use cpu_time::ThreadTime;
use egui::{Pos2, RawInput, Rect, vec2};
use egui_graphs::{Graph, GraphView, SettingsInteraction, SettingsNavigation};
use petgraph::stable_graph::StableGraph;

/// The seconds that each of so many frames takes on a processor.
pub(crate) fn frames(nodes: usize, n_frames: usize) -> Vec<f64> {
    let mut graph: StableGraph<(), ()> = StableGraph::new();
    let all: Vec<_> = (0..nodes).map(|_| graph.add_node(())).collect();
    for (at, node) in all.iter().enumerate() {
        // Most edges are near, as pods of one namespace are; some lead far.
        for to in [at / 20 * 20 + (at * 7 + 3) % 20, (at * 7919 + 13) % nodes] {
            graph.add_edge(*node, all[to.min(nodes - 1)], ());
        }
    }
    let mut graph: Graph<(), ()> = Graph::from(&graph);
    let columns = (nodes as f32).sqrt().ceil() as usize;
    for (at, node) in all.iter().enumerate() {
        if let Some(node) = graph.node_mut(*node) {
            node.set_location(egui::pos2((at % columns) as f32 * 30.0, (at / columns) as f32 * 30.0));
        }
    }
    let ctx = egui::Context::default();
    let mut seconds = Vec::new();
    for frame in 0..n_frames + 3 {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(frame as f64 / 60.0),
            events: vec![egui::Event::PointerMoved(egui::pos2(400.0 + frame as f32, 300.0))],
            ..RawInput::default()
        };
        let started = ThreadTime::now();
        let mut output = ctx.run_ui(input, |ui| {
            let interactions = SettingsInteraction::new().with_hover_enabled(true).with_node_clicking_enabled(true);
            let navigations = SettingsNavigation::new().with_fit_to_screen_enabled(true);
            GraphView::<egui_graphs::LayoutStateRandom, egui_graphs::LayoutRandom>::new()
                .with_interactions(&interactions)
                .with_navigations(&navigations)
                .show(ui, &mut graph);
        });
        let triangles = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        // The first frames place nodes and glyphs.
        if frame >= 3 {
            seconds.push(started.elapsed().as_secs_f64());
        }
        std::hint::black_box(&triangles);
        output.drop_without_applying_deltas();
    }
    seconds
}
