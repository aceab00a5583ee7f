//! egui_graphs as the map uses it: with our camera, with our layout, and with one id whenever it is shown.

use std::sync::Arc;

use egui::{Pos2, Rect, Response, Ui, UiBuilder, Vec2};
use egui_graphs::{GraphChange, GraphView, LayoutState, MetadataFrame, SettingsInteraction, SettingsNavigation};
use petgraph::stable_graph::IndexType;

use super::camera::Camera;
use super::scene::Scene;

/// Under which egui_graphs keeps its camera.
const GRAPH_ID: &str = "portolan";

/// Our layout as one of egui_graphs: it puts every node where the chart has it at the moment.
#[derive(Debug, Default, Clone, serde::Serialize, serde::Deserialize)]
struct Chart {
    /// The middles of all nodes, in the order of the graph; none where they stand there already.
    #[serde(skip)]
    places: Option<Arc<[Pos2]>>,
}

impl LayoutState for Chart {}

impl egui_graphs::Layout<Self> for Chart {
    fn from_state(state: Self) -> impl egui_graphs::Layout<Self> {
        state
    }

    fn next<N, E, Ty, Ix, Dn, De>(&mut self, graph: &mut egui_graphs::Graph<N, E, Ty, Ix, Dn, De>, _: &Ui)
    where
        N: Clone,
        E: Clone,
        Ty: petgraph::EdgeType,
        Ix: IndexType,
        Dn: egui_graphs::DisplayNode<N, E, Ty, Ix>,
        De: egui_graphs::DisplayEdge<N, E, Ty, Ix, Dn>,
    {
        for (node, place) in graph.g_mut().node_weights_mut().zip(self.places.take().iter().flat_map(|places| places.iter())) {
            node.set_location(*place);
        }
    }

    fn state(&self) -> Self {
        self.clone()
    }
}

/// The room of the graph's widget. Its id is given, so that the widget has the same id whenever, and however often, it is shown.
pub fn graph_ui(ui: &mut Ui, viewport: Rect) -> Ui {
    ui.new_child(UiBuilder::new().id(ui.id().with("graph")).max_rect(viewport))
}

/// What became of showing the graph.
pub struct Shown {
    /// The response of the graph's widget.
    pub response: Response,
    /// What happened to nodes and edges.
    pub changes: Vec<GraphChange>,
    /// The layer's list of shapes was this long before.
    pub first: egui::layers::ShapeIdx,
    /// Whether the graph was shown as our camera sees it.
    pub camera_kept: bool,
}

/// Shows the graph as `camera` sees it. `last_corner` is where the top left corner of the viewport was the last time.
pub fn show_graph(ui: &mut Ui, viewport: Rect, scene: &mut Scene, camera: Camera, last_corner: Option<Pos2>) -> Shown {
    let interactions = SettingsInteraction::new().with_dragging_enabled(false).with_hover_enabled(true).with_node_clicking_enabled(true);
    let navigation = SettingsNavigation::new().with_fit_to_screen_enabled(false).with_zoom_and_pan_enabled(false);
    let places = (0..scene.model.nodes.len()).map(|node| scene.rect(node).center()).collect();
    Chart { places: Some(places) }.save(ui, Some(GRAPH_ID.to_owned()));
    let first = ui.ctx().graphics_mut(|graphics| graphics.entry(ui.layer_id()).next_idx());
    // egui_graphs moves its picture along when its corner moves. Our camera counts from the corner, so that is undone beforehand.
    let moved = last_corner.map_or(Vec2::ZERO, |last| viewport.min - last);
    let mut frame = MetadataFrame::new(Some(GRAPH_ID.to_owned())).load(ui);
    (frame.zoom, frame.pan) = (camera.zoom, camera.pan - moved);
    frame.save(ui);
    let mut inner = graph_ui(ui, viewport);
    let shown = GraphView::<Chart, Chart>::new()
        .with_id(Some(GRAPH_ID.to_owned()))
        .with_interactions(&interactions)
        .with_navigations(&navigation)
        .show(&mut inner, &mut scene.graph);
    let frame = MetadataFrame::new(Some(GRAPH_ID.to_owned())).load(ui);
    let camera_kept = (frame.pan - camera.pan).length() < 0.01 && (frame.zoom - camera.zoom).abs() < 1e-4;
    Shown { response: shown.response, changes: shown.changes, first, camera_kept }
}
