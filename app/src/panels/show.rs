//! Left, below the tree: what the map shows and what it is narrowed to.

use egui::{Id, Popup, Rect, Response, Shape, Stroke, StrokeKind, Ui, WidgetInfo, WidgetType, pos2, vec2};

use super::actions::{self, Toggle};
use super::parts::{self, EDGE, ROW};
use crate::command::{Command, MapFilter, Only, PolicyFilter, ShowOptions};
use crate::theme::{self, Palette};
use crate::view_model::View;

/// Height of a menu with the space around it.
const MENU: f32 = 30.0;

/// What this part keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct ShowState {
    /// What the map shows, as last asked for.
    pub options: ShowOptions,
    /// The filter as it is typed.
    typed: MapFilter,
    /// Whether the fields of the filter are shown.
    is_open: bool,
    /// Whether the first field is to get the keyboard.
    wants_focus: bool,
}

impl ShowState {
    /// Opens the fields of the filter and puts the cursor into the first.
    pub fn edit_filter(&mut self) {
        self.is_open = true;
        self.wants_focus = true;
    }

    /// Whether the fields of the filter are shown.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Shows everything that was asked to be left out.
    pub fn clear(&mut self) {
        self.options = ShowOptions { noisy_peers: self.options.noisy_peers, ..ShowOptions::default() };
        self.typed = MapFilter::default();
    }
}

/// The title of a checkbox, and what it says when it is pointed at.
const fn words(toggle: Toggle) -> (&'static str, &'static str) {
    match toggle {
        Toggle::EntryPaths => ("Entry paths", "Ways in from outside"),
        Toggle::Egress => ("Egress", "Ways out to addresses and names"),
        Toggle::Between => ("Between namespaces", "Connections between workloads of different namespaces"),
        Toggle::Within => ("Within namespaces", "Connections between workloads of one namespace"),
        Toggle::Allowed => ("Allowed", "Connections that are certainly allowed"),
        Toggle::Depends => ("Depends", "Connections that depend on something"),
        Toggle::Denied => ("Denied paths", "Entry paths that break, drawn to where they break"),
        Toggle::Noisy => ("DNS, monitoring", "What everything talks to; put aside while this is off"),
    }
}

/// Draws the checkboxes, the menus and the filter. What is chosen changes `state` and is asked for.
pub fn show_ui(ui: &mut Ui, view: &View, state: &mut ShowState, commands: &mut Vec<Command>) {
    parts::heading(ui, "Show");
    let before = state.options.clone();
    for toggle in Toggle::ALL {
        let (title, hover) = words(toggle);
        let keys = actions::keys_of(ui.ctx(), actions::Action::Toggle(toggle));
        checkbox(ui, title, &format!("{hover} ({keys})"), toggle.of(&mut state.options));
    }
    ui.add_space(4.0);
    only_ui(ui, &mut state.options);
    policies_ui(ui, &view.policy_filters, &mut state.options);
    filter_ui(ui, &view.filter_errors, state);
    if state.options != before {
        commands.push(Command::Show(state.options.clone()));
    }
}

/// A button that opens a menu, in a row of its own. `what` is its name, and `title` what is chosen.
fn menu_row(ui: &mut Ui, what: &str, title: &str, hover: &str, add: impl FnOnce(&mut Ui)) {
    let (_, row) = ui.allocate_space(vec2(ui.available_width(), MENU));
    let width = parts::menu_width(ui, title).min(row.width() - EDGE * 2.0);
    let area = Rect::from_min_size(pos2(row.left() + EDGE, row.center().y - 12.0), vec2(width, 24.0));
    let name = format!("{what}, {title}");
    let response = parts::menu_button(ui, Id::new(("show", what)), area, (title, &name), hover, true);
    Popup::menu(&response).gap(4.0).show(|ui| {
        parts::name_ground(ui, what);
        add(ui);
    });
}

fn only_ui(ui: &mut Ui, show: &mut ShowOptions) {
    menu_row(ui, "Parts of the map", show.only.title(), "Narrow the map to a part of it", |ui| {
        for only in Only::ALL {
            if ui.selectable_label(show.only == only, only.title()).clicked() {
                show.only = only;
            }
        }
    });
}

/// Narrows the map to workloads that some policies are for.
fn policies_ui(ui: &mut Ui, filters: &[PolicyFilter], show: &mut ShowOptions) {
    // What was chosen for one cluster another may not have.
    if show.policies != PolicyFilter::All && !filters.contains(&show.policies) {
        show.policies = PolicyFilter::All;
    }
    if filters.is_empty() {
        return;
    }
    let hover = "Show only workloads that these policies are for, and what those connect to";
    menu_row(ui, "Policies", &show.policies.title(), hover, |ui| {
        for filter in filters {
            if ui.selectable_label(show.policies == *filter, filter.title()).clicked() {
                show.policies = *filter;
            }
        }
    });
}

/// A field of the filter: its name, what could stand in it, and the text behind it.
type Field = (&'static str, &'static str, fn(&mut MapFilter) -> &mut String);

const FIELDS: [Field; 3] = [
    ("Namespaces", "shop, team-*", |filter| &mut filter.namespaces),
    ("Labels", "app=cart, tier in (web, api)", |filter| &mut filter.labels),
    ("Ports", "443, 53/UDP, 8000-9000/TCP", |filter| &mut filter.ports),
];

fn filter_ui(ui: &mut Ui, errors: &[String], state: &mut ShowState) {
    let filter = &state.options.filter;
    let n_set = [&filter.namespaces, &filter.labels, &filter.ports].into_iter().filter(|text| !text.trim().is_empty()).count();
    let title = if n_set == 0 { "Filter".to_owned() } else { format!("Filter, {n_set} set") };
    let (rect, response) = parts::row(ui, Id::new("filter fold"), ROW, None);
    if response.clicked() {
        state.is_open = !state.is_open;
    }
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &title));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_expanded(state.is_open));
    let palette = Palette::of(ui);
    let y = rect.center().y;
    parts::fold_arrow(ui, pos2(rect.left() + EDGE + 6.0, y), state.is_open, palette.muted);
    let at = pos2(rect.left() + EDGE + 22.0, y);
    parts::text(ui, at, egui::Align2::LEFT_CENTER, &title, theme::regular(theme::size::TEXT), palette.text, rect.width() - 48.0);
    response.on_hover_text(format!("Narrow the map by namespace, label or port ({})", actions::keys_of(ui.ctx(), actions::Action::Filter)));
    if state.is_open {
        fields_ui(ui, state);
    }
    for error in errors {
        egui::Frame::NONE.inner_margin(egui::Margin { left: EDGE as i8, right: EDGE as i8, top: 2, bottom: 2 }).show(ui, |ui| {
            let text = egui::RichText::new(error).font(theme::regular(theme::size::CAPTION)).color(palette.denied);
            ui.add(egui::Label::new(text).wrap().selectable(false));
        });
    }
    if actions::is_narrowed(&state.options) {
        ui.allocate_ui_with_layout(vec2(ui.available_width(), MENU), egui::Layout::left_to_right(egui::Align::Center), |ui| {
            ui.add_space(EDGE);
            let text = egui::RichText::new("Clear all filters").font(theme::regular(theme::size::TABLE));
            if ui.button(text).on_hover_text("Show everything that was asked to be left out").clicked() {
                state.clear();
            }
        });
    }
}

/// A filter takes effect with Enter, or when its field is left.
fn fields_ui(ui: &mut Ui, state: &mut ShowState) {
    let ShowState { options, typed, wants_focus, .. } = state;
    for (name, hint, field) in FIELDS {
        ui.horizontal(|ui| {
            ui.add_space(EDGE);
            let palette = Palette::of(ui);
            let (label, _) = ui.allocate_exact_size(vec2(76.0, MENU), egui::Sense::hover());
            parts::text(ui, label.left_center(), egui::Align2::LEFT_CENTER, name, theme::regular(theme::size::TABLE), palette.muted, 76.0);
            let edit = egui::TextEdit::singleline(field(typed))
                .id(Id::new(("filter", name)))
                .hint_text(hint)
                .font(theme::regular(theme::size::TABLE))
                .margin(egui::Margin::symmetric(6, 4))
                .desired_width((ui.available_width() - EDGE).max(40.0));
            let response = ui.add(edit);
            parts::name_field(ui, &response, &format!("{name} to show"));
            if std::mem::take(wants_focus) {
                response.request_focus();
            }
            if response.lost_focus() {
                field(&mut options.filter).clone_from(field(typed));
            } else if !response.has_focus() {
                let now = field(&mut options.filter).clone();
                *field(typed) = now;
            }
            response.on_hover_text(hint);
        });
    }
}

fn checkbox(ui: &mut Ui, title: &str, hover: &str, value: &mut bool) -> Response {
    let (rect, mut response) = parts::row(ui, Id::new(("show", title)), ROW, None);
    let palette = Palette::of(ui);
    if response.clicked() {
        *value = !*value;
        response.mark_changed();
    }
    let is_on = *value;
    response.widget_info(|| WidgetInfo::selected(WidgetType::Checkbox, true, is_on, title));
    let tick_box = Rect::from_min_size(pos2(rect.left() + EDGE, (rect.center().y - 7.0).round()), vec2(14.0, 14.0));
    if is_on {
        ui.painter().rect_filled(tick_box, 3.0, palette.accent);
        let points = vec![tick_box.min + vec2(3.0, 7.0), tick_box.min + vec2(6.0, 10.0), tick_box.min + vec2(11.5, 4.5)];
        ui.painter().add(Shape::line(points, Stroke::new(2.0, palette.canvas)));
    } else {
        ui.painter().rect_stroke(tick_box, 3.0, Stroke::new(1.0, palette.muted), StrokeKind::Inside);
    }
    let color = if is_on { palette.text } else { palette.muted };
    let at = pos2(tick_box.right() + 8.0, rect.center().y);
    parts::text(ui, at, egui::Align2::LEFT_CENTER, title, theme::regular(theme::size::TEXT), color, rect.right() - at.x - 8.0);
    response.on_hover_text(hover)
}
