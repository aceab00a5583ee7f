//! Left: namespaces as a tree, with their workloads and pods, and how far each is closed.

use std::sync::Arc;

use egui::{Align2, EventFilter, Key, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::legend::legend_ui;
use super::parts::{self, EDGE};
use super::show::{ShowState, show_ui};
use crate::command::Command;
use crate::map::model::Id;
use crate::theme::{self, Palette};
use crate::view_model::{Isolation, NamespaceRow, View, WorkloadRow};

/// Height of a row of the tree.
const ROW: f32 = 28.0;
/// Height of the heading.
const HEADING: f32 = 28.0;
/// The middles of the columns "in" and "out", from the right edge.
const IN_COLUMN: f32 = 40.0;
const OUT_COLUMN: f32 = 20.0;
/// The part of the panel that the tree may take, however much stands below it.
const TREE_PART: f32 = 0.5;

/// What the left panel keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct NamespacesState {
    /// What the map shows.
    pub show: ShowState,
    tree: Tree,
    /// The selection that was last scrolled to.
    scrolled_to: Option<Id>,
    /// How far the tree is scrolled.
    offset: f32,
    /// How high what stands below the tree was in the last frame.
    below: f32,
    /// Whether a row is to get the keyboard.
    wants_focus: bool,
}

impl NamespacesState {
    /// Gives the keyboard to the tree in the next frame.
    pub fn focus(&mut self) {
        self.wants_focus = true;
    }
}

/// The rows of the tree, found once for all frames that show the same namespaces.
#[derive(Debug, Clone, Default)]
struct Tree {
    namespaces: Arc<Vec<NamespaceRow>>,
    rows: Vec<Place>,
}

/// Which line of the tree it is: a namespace, one of its workloads, one of the pods of that.
type Place = (u32, Option<u32>, Option<u32>);

/// One line of the tree.
#[derive(Clone, Copy)]
enum TreeRow<'a> {
    Namespace(&'a NamespaceRow),
    Workload(&'a WorkloadRow),
    Pod(&'a (Id, String)),
}

impl TreeRow<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Namespace(row) => &row.id,
            Self::Workload(row) => &row.id,
            Self::Pod((id, _)) => id,
        }
    }
}

impl Tree {
    fn follow(&mut self, namespaces: &Arc<Vec<NamespaceRow>>) {
        if Arc::ptr_eq(&self.namespaces, namespaces) {
            return;
        }
        self.namespaces = Arc::clone(namespaces);
        self.rows.clear();
        for (at, namespace) in (0..).zip(namespaces.iter()) {
            self.rows.push((at, None, None));
            for (within, workload) in (0..).zip(namespace.workloads.iter()).filter(|_| namespace.unfolded) {
                self.rows.push((at, Some(within), None));
                let pods = (0..).zip(workload.pods.iter()).filter(|_| workload.unfolded);
                self.rows.extend(pods.map(|(pod, _)| (at, Some(within), Some(pod))));
            }
        }
    }

    fn row(&self, index: usize) -> Option<TreeRow<'_>> {
        let (namespace, workload, pod) = *self.rows.get(index)?;
        let namespace = self.namespaces.get(namespace as usize)?;
        let Some(workload) = workload else { return Some(TreeRow::Namespace(namespace)) };
        let workload = namespace.workloads.get(workload as usize)?;
        let Some(pod) = pod else { return Some(TreeRow::Workload(workload)) };
        workload.pods.get(pod as usize).map(TreeRow::Pod)
    }

    fn find(&self, id: &str) -> Option<usize> {
        (0..self.rows.len()).find(|index| self.row(*index).is_some_and(|row| row.id() == id))
    }
}

/// Draws the tree, what the map shows, and the legend.
pub fn namespaces_ui(ui: &mut Ui, view: &View, selected: Option<&str>, state: &mut NamespacesState, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
    ui.add_space(8.0);
    heading(ui);
    if view.namespaces.is_empty() {
        parts::empty(ui, "No namespaces yet. Open the demo, a folder of manifests or a context of your kubeconfig at the top.");
    }
    state.tree.follow(&view.namespaces);
    let room = ui.available_height();
    let n_rows = state.tree.rows.len();
    let height = (n_rows as f32 * ROW).min((room - state.below).max(room * TREE_PART).max(ROW * 3.0));
    let mut scroll =
        egui::ScrollArea::vertical().id_salt("namespaces").max_height(height).min_scrolled_height(height).auto_shrink([false, true]);
    if let Some(offset) = offset_to_selected(selected, state, height) {
        scroll = scroll.vertical_scroll_offset(offset);
    }
    let mut wants_focus = std::mem::take(&mut state.wants_focus);
    let tree = &state.tree;
    let shown = scroll.show_rows(ui, ROW, n_rows, |ui, range| {
        if wants_focus {
            let rows = || range.clone().filter_map(|index| tree.row(index));
            let row = rows().find(|row| selected == Some(row.id())).or_else(|| rows().next());
            wants_focus = row.is_none();
            if let Some(row) = row {
                ui.memory_mut(|memory| memory.request_focus(row_id(row.id())));
            }
        }
        for row in range.filter_map(|index| tree.row(index)) {
            let is_selected = selected == Some(row.id());
            match row {
                TreeRow::Namespace(namespace) => namespace_row(ui, namespace, is_selected, commands),
                TreeRow::Workload(workload) => workload_row(ui, workload, is_selected, commands),
                TreeRow::Pod((id, name)) => pod_row(ui, id, name, is_selected, commands),
            }
        }
    });
    state.offset = shown.state.offset.y;
    // In a low window the parts below the tree scroll as well, instead of being cut.
    let below = egui::ScrollArea::vertical().id_salt("legend").auto_shrink([false, false]).show(ui, |ui| {
        ui.add_space(12.0);
        show_ui(ui, view, &mut state.show, commands);
        ui.add_space(12.0);
        legend_ui(ui);
    });
    if state.below != below.content_size.y {
        state.below = below.content_size.y;
        ui.ctx().request_repaint();
    }
}

/// The id of a row, which it keeps wherever it stands.
fn row_id(id: &str) -> egui::Id {
    egui::Id::new(("tree", id))
}

/// Where to scroll to when something was selected elsewhere and its row is out of sight.
fn offset_to_selected(selected: Option<&str>, state: &mut NamespacesState, height: f32) -> Option<f32> {
    if state.scrolled_to.as_deref() == selected {
        return None;
    }
    state.scrolled_to = selected.map(str::to_owned);
    let index = state.tree.find(selected?)?;
    let (top, bottom) = (index as f32 * ROW, (index + 1) as f32 * ROW);
    (top < state.offset || bottom > state.offset + height).then(|| (top - height / 2.0).max(0.0))
}

fn heading(ui: &mut Ui) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEADING), Sense::hover());
    let y = rect.center().y;
    let left = pos2(rect.left() + EDGE, y);
    parts::text(ui, left, Align2::LEFT_CENTER, "NAMESPACES", theme::semibold(theme::size::CAPTION), palette.muted, rect.width());
    for (column, word) in [(IN_COLUMN, "in"), (OUT_COLUMN, "out")] {
        let at = pos2(rect.right() - column, y);
        parts::text(ui, at, Align2::CENTER_CENTER, word, theme::regular(theme::size::CAPTION), palette.muted, 40.0);
    }
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, "Namespaces, closed in and out"));
    response.on_hover_text("A filled square is closed, a half one partly closed, a ring open");
}

/// The room in front of a row where a click folds.
fn arrow_area(rect: Rect, indent: f32) -> Rect {
    Rect::from_min_max(pos2(rect.left() + indent, rect.top()), pos2(rect.left() + indent + 20.0, rect.bottom()))
}

fn arrow_clicked(response: &Response, area: Rect) -> bool {
    response.clicked() && response.interact_pointer_pos().is_some_and(|at| area.contains(at))
}

/// Left and right fold and unfold the row that has the focus.
fn fold_key(ui: &Ui, response: &Response, is_unfolded: bool) -> bool {
    if response.has_focus() {
        // Up and down stay egui's, and move the focus.
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    let key = if is_unfolded { Key::ArrowLeft } else { Key::ArrowRight };
    response.has_focus() && ui.input(|input| input.key_pressed(key) && input.modifiers.is_none())
}

fn namespace_row(ui: &mut Ui, row: &NamespaceRow, is_selected: bool, commands: &mut Vec<Command>) {
    let fill = is_selected.then(|| parts::selected_fill(ui));
    let (rect, response) = parts::row(ui, row_id(&row.id), ROW, fill);
    let palette = Palette::of(ui);
    let y = rect.center().y;
    response.widget_info(|| {
        let text = format!(
            "namespace {}, {}, in {}, out {}, {}",
            row.name,
            pods(row.n_pods),
            row.inward.word(),
            row.outward.word(),
            if row.unfolded { "unfolded" } else { "folded" }
        );
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_selected, text)
    });
    let arrow = arrow_area(rect, 8.0);
    parts::fold_arrow(ui, pos2(rect.left() + 19.0, y), row.unfolded, palette.muted);
    let name_font = if is_selected { theme::semibold(theme::size::TEXT) } else { theme::regular(theme::size::TEXT) };
    let counts_right = rect.right() - IN_COLUMN - 16.0;
    let counts = parts::text(
        ui,
        pos2(counts_right, y),
        Align2::RIGHT_CENTER,
        &pods(row.n_pods),
        theme::regular(theme::size::CAPTION),
        palette.muted,
        80.0,
    );
    let left = pos2(rect.left() + 32.0, y);
    let name = parts::text(ui, left, Align2::LEFT_CENTER, &row.name, name_font, palette.text, counts.rect.left() - left.x - 8.0);
    let in_mark = mark(ui, pos2(rect.right() - IN_COLUMN, y), row.inward);
    let out_mark = mark(ui, pos2(rect.right() - OUT_COLUMN, y), row.outward);

    if arrow_clicked(&response, arrow) || response.double_clicked() || fold_key(ui, &response, row.unfolded) {
        commands.push(Command::ToggleFold(row.id.clone()));
    } else if response.clicked() {
        commands.push(Command::Select(Some(row.id.clone())));
    }
    let hover = response.hover_pos();
    let over = |area: Rect| hover.is_some_and(|at| area.contains(at));
    if over(in_mark) {
        response.on_hover_text_at_pointer(format!("Ways in are {}", describe(row.inward)));
    } else if over(out_mark) {
        response.on_hover_text_at_pointer(format!("Ways out are {}", describe(row.outward)));
    } else if over(arrow) {
        response.on_hover_text_at_pointer(if row.unfolded { "Fold into one node" } else { "Unfold into workloads" });
    } else if name.is_elided {
        response.on_hover_text_at_pointer(&row.name);
    }
}

fn workload_row(ui: &mut Ui, row: &WorkloadRow, is_selected: bool, commands: &mut Vec<Command>) {
    let fill = is_selected.then(|| parts::selected_fill(ui));
    let (rect, response) = parts::row(ui, row_id(&row.id), ROW, fill);
    let palette = Palette::of(ui);
    let y = rect.center().y;
    response.widget_info(|| {
        WidgetInfo::selected(WidgetType::SelectableLabel, true, is_selected, format!("workload {}, {}", row.name, row.fact))
    });
    if !row.pods.is_empty() {
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_expanded(row.unfolded));
    }
    let arrow = arrow_area(rect, 24.0);
    if !row.pods.is_empty() {
        parts::fold_arrow(ui, pos2(rect.left() + 35.0, y), row.unfolded, palette.muted);
    }
    let fact_at = pos2(rect.right() - 16.0, y);
    let fact_font = theme::regular(theme::size::CAPTION);
    let name_left = rect.left() + 48.0;
    let name_font = if is_selected { theme::semibold(theme::size::TABLE) } else { theme::regular(theme::size::TABLE) };
    // `Deployment, 3 pods` where it fits, else `3 pods`: the name comes first.
    let room = fact_at.x - name_left - 8.0;
    let name_width = parts::width_of(ui, &row.name, name_font.clone());
    let is_whole = name_width + parts::width_of(ui, &row.fact, fact_font.clone()) <= room;
    let fact = if is_whole { row.fact.as_str() } else { row.fact.rsplit(", ").next().unwrap_or_default() };
    let fact = parts::text(ui, fact_at, Align2::RIGHT_CENTER, fact, fact_font, palette.muted, room * 0.5);
    let name_room = fact.rect.left() - 8.0 - name_left;
    parts::text(ui, pos2(name_left, y), Align2::LEFT_CENTER, &row.name, name_font, palette.text, name_room);
    let asks_to_fold = arrow_clicked(&response, arrow) || response.double_clicked() || fold_key(ui, &response, row.unfolded);
    if asks_to_fold && !row.pods.is_empty() {
        commands.push(Command::ToggleFold(row.id.clone()));
    } else if response.clicked() {
        commands.push(Command::Select(Some(row.id.clone())));
    }
    let is_over_arrow = !row.pods.is_empty() && response.hover_pos().is_some_and(|at| arrow.contains(at));
    if is_over_arrow {
        response.on_hover_text_at_pointer(if row.unfolded { "Fold into one node" } else { "Unfold into pods" });
    } else if !is_whole {
        response.on_hover_text_at_pointer(format!("{}\n{}", row.name, row.fact));
    }
}

fn pod_row(ui: &mut Ui, id: &str, name: &str, is_selected: bool, commands: &mut Vec<Command>) {
    let fill = is_selected.then(|| parts::selected_fill(ui));
    let (rect, response) = parts::row(ui, row_id(id), ROW, fill);
    let palette = Palette::of(ui);
    response.widget_info(|| WidgetInfo::selected(WidgetType::SelectableLabel, true, is_selected, format!("pod {name}")));
    let at = pos2(rect.left() + 64.0, rect.center().y);
    let color = if is_selected { palette.text } else { palette.muted };
    let painted = parts::text(ui, at, Align2::LEFT_CENTER, name, theme::regular(theme::size::TABLE), color, rect.right() - at.x - 12.0);
    if response.clicked() {
        commands.push(Command::Select(Some(id.to_owned())));
    }
    if painted.is_elided {
        response.on_hover_text_at_pointer(name);
    }
}

/// Paints how far a direction is closed, and returns where.
fn mark(ui: &Ui, at: Pos2, isolation: Isolation) -> Rect {
    let palette = Palette::of(ui);
    let square = Rect::from_center_size(at, vec2(9.0, 9.0));
    match isolation {
        Isolation::Closed => {
            ui.painter().rect_filled(square, 2.0, palette.allowed);
        }
        Isolation::Partly => {
            let lower = Rect::from_min_max(pos2(square.left(), at.y), square.max);
            ui.painter().rect_filled(lower, egui::CornerRadius { nw: 0, ne: 0, sw: 2, se: 2 }, palette.depends);
            ui.painter().rect_stroke(square, 2.0, Stroke::new(1.5, palette.depends), StrokeKind::Inside);
        }
        Isolation::Open => {
            ui.painter().circle_stroke(at, 4.0, Stroke::new(2.0, palette.open));
        }
    }
    square.expand(5.0)
}

fn describe(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Open => "open: no policy closes them for any pod here",
        Isolation::Partly => "partly closed: policies close them for some pods here",
        Isolation::Closed => "closed: policies close them for every pod here",
    }
}

fn pods(n: usize) -> String {
    if n == 1 { "1 pod".to_owned() } else { format!("{n} pods") }
}
