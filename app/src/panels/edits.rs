//! Bottom, left: the name of the sketch, its edits, and every object that can be opened.

use egui::{Align2, Id, Pos2, Rect, Ui, UiBuilder, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use crate::command::{Command, Template};
use crate::theme::{self, Palette};
use crate::view_model::{EditRow, ObjectRow, View};

/// Height of a row of two lines.
const ROW: f32 = 40.0;

/// What this part keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct EditsState {
    /// What the objects must contain.
    filter: String,
    /// Objects that match the filter, by index, and for which generation and filter that was found.
    found: Vec<usize>,
    found_for: Option<(u64, String)>,
}

/// One row of the list.
enum ListRow<'a> {
    Head(&'static str),
    Edit(&'a EditRow),
    Object(&'a ObjectRow),
    Nothing(&'static str),
}

impl ListRow<'_> {
    const fn height(&self) -> f32 {
        match self {
            Self::Head(_) => parts::ROW,
            Self::Edit(_) | Self::Object(_) | Self::Nothing(_) => ROW,
        }
    }
}

/// Draws the edits and the objects. `namespace` is the one in which new objects are offered first.
pub fn edits_ui(ui: &mut Ui, view: &View, namespace: Option<&str>, state: &mut EditsState, commands: &mut Vec<Command>) {
    ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.add_space(EDGE);
        new_menu(ui, view, namespace, commands);
        let field = egui::TextEdit::singleline(&mut state.filter)
            .id_salt("objects filter")
            .hint_text("Find object")
            .font(theme::regular(theme::size::TABLE))
            .margin(egui::Margin::symmetric(8, 4))
            .desired_width((ui.available_width() - EDGE).max(40.0));
        let response = ui.add(field);
        parts::name_field(ui, &response, "Filter of objects to open");
    });
    ui.add_space(6.0);
    find(view, state);
    let rows = rows_of(view, state);
    egui::ScrollArea::vertical().id_salt("edits").auto_shrink([false, false]).show_viewport(ui, |ui, viewport| {
        let top = ui.max_rect().top();
        let mut y = 0.0;
        let whole: f32 = rows.iter().map(ListRow::height).sum();
        ui.set_height(whole);
        for row in &rows {
            let (from, to) = (y, y + row.height());
            y = to;
            if to < viewport.top() || from > viewport.bottom() {
                continue;
            }
            let rect = Rect::from_x_y_ranges(ui.max_rect().x_range(), top + from..=top + to);
            ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| match row {
                ListRow::Head(title) => {
                    parts::heading(ui, title);
                }
                ListRow::Edit(edit) => edit_row(ui, edit, commands),
                ListRow::Object(object) => object_row(ui, object, commands),
                ListRow::Nothing(text) => nothing_row(ui, text),
            });
        }
    });
}

fn find(view: &View, state: &mut EditsState) {
    let is_found = state.found_for.as_ref().is_some_and(|(generation, filter)| *generation == view.generation && *filter == state.filter);
    if is_found {
        return;
    }
    let terms: Vec<String> = state.filter.split_whitespace().map(str::to_lowercase).collect();
    let matches = |object: &ObjectRow| {
        let text = format!("{} {}", object.title, object.key).to_lowercase();
        terms.iter().all(|term| text.contains(term))
    };
    state.found = view.sketch.objects.iter().enumerate().filter(|(_, object)| matches(object)).map(|(index, _)| index).collect();
    state.found_for = Some((view.generation, state.filter.clone()));
}

fn rows_of<'a>(view: &'a View, state: &EditsState) -> Vec<ListRow<'a>> {
    let sketch = &view.sketch;
    let mut rows = Vec::with_capacity(sketch.edits.len() + state.found.len() + 3);
    if state.filter.is_empty() && !sketch.edits.is_empty() {
        rows.push(ListRow::Head("Edits"));
        rows.extend(sketch.edits.iter().map(ListRow::Edit));
    }
    rows.push(ListRow::Head("Objects"));
    rows.extend(state.found.iter().filter_map(|&index| sketch.objects.get(index)).map(ListRow::Object));
    if sketch.objects.is_empty() {
        rows.push(ListRow::Nothing("Open a source first"));
    } else if state.found.is_empty() {
        rows.push(ListRow::Nothing("No object matches"));
    }
    rows
}

fn new_menu(ui: &mut Ui, view: &View, namespace: Option<&str>, commands: &mut Vec<Command>) {
    ui.menu_button(egui::RichText::new("New…").font(theme::regular(theme::size::TABLE)), |ui| {
        ui.set_min_width(200.0);
        parts::name_ground(ui, "New objects");
        let first = view.namespaces.iter().filter(|row| Some(row.name.as_str()) == namespace);
        let others = view.namespaces.iter().filter(|row| Some(row.name.as_str()) != namespace);
        let names: Vec<&str> = first.chain(others).map(|row| row.name.as_str()).collect();
        if names.is_empty() {
            ui.label("A new object needs a namespace. Open a source first.");
        }
        for template in Template::ALL.into_iter().filter(|_| !names.is_empty()) {
            ui.menu_button(template.title(), |ui| {
                ui.set_min_width(160.0);
                parts::name_ground(ui, "Namespaces of the new object");
                ui.label(egui::RichText::new("In namespace").font(theme::regular(theme::size::CAPTION)).color(Palette::of(ui).muted));
                egui::ScrollArea::vertical().id_salt("new in").max_height(280.0).show(ui, |ui| {
                    for name in &names {
                        if ui.button(*name).clicked() {
                            commands.push(Command::Create(template, (*name).to_owned()));
                            ui.close();
                        }
                    }
                });
            });
        }
    })
    .response
    .on_hover_text("New object in the sketch");
}

/// A title such as `NetworkPolicy payments/allow-db`, taken apart. The name stands first in a row, since it is what differs.
struct Title<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Title<'a> {
    fn of(title: &'a str) -> Self {
        let (kind, rest) = title.split_once(' ').unwrap_or(("", title));
        let (namespace, name) = rest.split_once('/').unwrap_or(("", rest));
        Self { kind, namespace, name }
    }

    /// What else there is to say, with commas between: `changed, payments, NetworkPolicy`.
    fn others(&self, before: &str, after: &str) -> String {
        let parts = [before, self.namespace, self.kind, after].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }
}

fn two_lines(ui: &Ui, rect: Rect, first: &str, second: &str, second_color: egui::Color32, right: f32) -> bool {
    let palette = Palette::of(ui);
    let left = rect.left() + EDGE;
    let at = |y: f32| Pos2::new(left, rect.top() + y);
    let one = parts::text(ui, at(13.0), Align2::LEFT_CENTER, first, theme::regular(theme::size::TABLE), palette.text, right - left);
    let two = parts::text(ui, at(28.0), Align2::LEFT_CENTER, second, theme::regular(theme::size::CAPTION), second_color, right - left);
    one.is_elided || two.is_elided
}

fn edit_row(ui: &mut Ui, edit: &EditRow, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, Id::new(("edit", &edit.key)), ROW, None);
    let title = Title::of(&edit.title);
    let (second, color) = match &edit.conflict {
        Some(conflict) => (format!("conflict, {conflict}"), palette.depends),
        None => (title.others(&edit.verb, ""), palette.muted),
    };
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Edit of {}, {second}", edit.title)));
    let button_width = 56.0;
    let right = rect.right() - ROW_EDGE - button_width;
    two_lines(ui, rect, title.name, &second, color, right - 4.0);
    let area = Rect::from_min_max(pos2(right, rect.top()), pos2(rect.right() - ROW_EDGE - 4.0, rect.bottom()));
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let revert = ui
        .scope_builder(egui::UiBuilder::new().max_rect(area).layout(layout), |ui| parts::text_button(ui, true, "Revert"))
        .inner
        .on_hover_text("Take the edits of this object back");
    revert.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Revert {}", edit.title)));
    if revert.clicked() {
        commands.push(Command::Revert(edit.key.clone()));
    } else if response.clicked() {
        commands.push(Command::OpenObject { key: edit.key.clone(), pointer: String::new() });
    }
    response.on_hover_text(format!("{}, {second}", edit.title));
}

fn object_row(ui: &mut Ui, object: &ObjectRow, commands: &mut Vec<Command>) {
    let palette = Palette::of(ui);
    let (rect, response) = parts::row(ui, Id::new(("object", &object.key)), ROW, None);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Open object {}", object.title)));
    let title = Title::of(&object.title);
    let second = title.others("", &object.fact);
    let is_elided = two_lines(ui, rect, title.name, &second, palette.muted, rect.right() - EDGE);
    if response.clicked() {
        commands.push(Command::OpenObject { key: object.key.clone(), pointer: String::new() });
    }
    if is_elided {
        response.on_hover_text(format!("{}\n{}", object.key, object.fact));
    }
}

fn nothing_row(ui: &mut Ui, text: &str) {
    let palette = Palette::of(ui);
    let (_, rect) = ui.allocate_space(vec2(ui.available_width(), ROW));
    let at = pos2(rect.left() + EDGE, rect.center().y);
    parts::text(ui, at, Align2::LEFT_CENTER, text, theme::regular(theme::size::TABLE), palette.muted, rect.width() - EDGE * 2.0);
}

const ROW_EDGE: f32 = parts::ROW_EDGE;
