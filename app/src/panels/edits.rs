//! Bottom, left: the name of the sketch, its edits, and every object that can be opened.

use egui::{Align2, Id, Pos2, Rect, Ui, UiBuilder, WidgetInfo, WidgetType, pos2, vec2};

use super::parts::{self, EDGE};
use crate::command::{Command, Template};
use crate::theme::{self, Palette};
use crate::view_model::search::contains;
use crate::view_model::{EditRow, ObjectRow, View};

/// Height of a row of two lines.
const ROW: f32 = 40.0;

/// What this part keeps between frames.
#[derive(Debug, Clone, Default)]
pub struct EditsState {
    /// What the objects must contain.
    filter: String,
    finding: Finding,
}

/// As many objects are looked at in a frame.
const AT_ONCE: usize = 4096;

/// Which objects match the filter. It is found a part in each frame.
#[derive(Debug, Clone, Default)]
struct Finding {
    filter: String,
    /// The words of the filter in lower case.
    terms: Vec<String>,
    /// What the objects are of that are looked through.
    generation: u64,
    /// The next object to look at.
    next: usize,
    /// The places of those that match so far.
    matching: Vec<usize>,
    /// Of those that are listed: what was found last, until all is looked through where only the objects are others.
    found: Vec<usize>,
    keeps: bool,
}

impl Finding {
    /// Looks at some more objects. Returns whether there are others still.
    fn go_on(&mut self, filter: &str, generation: u64, objects: &[ObjectRow]) -> bool {
        let is_other = self.filter != filter;
        if is_other {
            self.terms = filter.split_whitespace().map(str::to_lowercase).collect();
            self.filter = filter.to_owned();
            self.found.clear();
        }
        if is_other || (self.next >= objects.len() && self.generation != generation) {
            self.keeps = !is_other;
            self.generation = generation;
            self.next = 0;
            self.matching.clear();
        } else if self.next >= objects.len() {
            return false;
        }
        let end = (self.next + AT_ONCE).min(objects.len());
        let part = objects.get(self.next..end).unwrap_or_default();
        let matches = |object: &ObjectRow| self.terms.iter().all(|term| contains(&object.title, term) || contains(&object.key, term));
        self.matching.extend((self.next..).zip(part).filter(|(_, object)| matches(object)).map(|(index, _)| index));
        self.next = end;
        if end == objects.len() || !self.keeps {
            self.found.clone_from(&self.matching);
        }
        end < objects.len()
    }
}

impl EditsState {
    fn has_filter(&self) -> bool {
        !self.filter.trim().is_empty()
    }

    fn n_found(&self, view: &View) -> usize {
        if self.has_filter() { self.finding.found.len() } else { view.sketch.objects.len() }
    }

    /// The index of the object at a place of the list.
    fn found(&self, place: usize) -> Option<usize> {
        if self.has_filter() { self.finding.found.get(place).copied() } else { Some(place) }
    }
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
    if state.has_filter() && state.finding.go_on(&state.filter, view.generation, &view.sketch.objects) {
        ui.ctx().request_repaint();
    }
    let list = List::of(view, state);
    egui::ScrollArea::vertical().id_salt("edits").auto_shrink([false, false]).show_viewport(ui, |ui, viewport| {
        let top = ui.max_rect().top();
        ui.set_height(list.height());
        for index in list.first_at(viewport.top())..list.len() {
            let Some(row) = list.row(view, state, index) else { break };
            let (from, to) = (list.top(index), list.top(index) + row.height());
            if from > viewport.bottom() {
                break;
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

/// Where the rows stand, without making them: a heading and the edits, where there are some, and a heading and the objects.
struct List {
    n_edits: usize,
    n_objects: usize,
}

impl List {
    fn of(view: &View, state: &EditsState) -> Self {
        let n_edits = if state.filter.is_empty() { view.sketch.edits.len() } else { 0 };
        // Where there is no object, a sentence stands in its place.
        Self { n_edits, n_objects: state.n_found(view).max(1) }
    }

    /// How many rows stand before the objects, their heading included.
    const fn n_before(&self) -> usize {
        if self.n_edits > 0 { self.n_edits + 2 } else { 1 }
    }

    const fn len(&self) -> usize {
        self.n_before() + self.n_objects
    }

    fn top(&self, index: usize) -> f32 {
        let n_heads = usize::from(index > 0) + usize::from(self.n_edits > 0 && index >= self.n_before());
        n_heads as f32 * parts::ROW + (index - n_heads.min(index)) as f32 * ROW
    }

    fn height(&self) -> f32 {
        self.top(self.len())
    }

    /// The first row that is not wholly above `y`.
    fn first_at(&self, y: f32) -> usize {
        // A heading is lower than the other rows: this is at most two rows too early.
        ((y / ROW).floor().max(0.0) as usize).min(self.len())
    }

    fn row<'a>(&self, view: &'a View, state: &EditsState, index: usize) -> Option<ListRow<'a>> {
        let sketch = &view.sketch;
        let before = self.n_before();
        match index {
            0 if self.n_edits > 0 => Some(ListRow::Head("Edits")),
            _ if index + 1 == before => Some(ListRow::Head("Objects")),
            _ if index < before => sketch.edits.get(index - 1).map(ListRow::Edit),
            _ if sketch.objects.is_empty() => Some(ListRow::Nothing("Open a source first")),
            _ if state.n_found(view) == 0 => Some(ListRow::Nothing("No object matches")),
            _ => sketch.objects.get(state.found(index - before)?).map(ListRow::Object),
        }
    }
}

fn new_menu(ui: &mut Ui, view: &View, namespace: Option<&str>, commands: &mut Vec<Command>) {
    ui.menu_button(egui::RichText::new("New…").font(theme::regular(theme::size::TABLE)), |ui| {
        ui.set_min_width(200.0);
        parts::name_ground(ui, "New objects");
        let first = view.namespaces.iter().filter(|row| Some(row.name.as_str()) == namespace).take(1);
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
                let height = ui.spacing().interact_size.y;
                egui::ScrollArea::vertical().id_salt("new in").max_height(280.0).show_rows(ui, height, names.len(), |ui, range| {
                    for name in names.get(range).unwrap_or_default() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(finding: &Finding, objects: &[ObjectRow]) -> Vec<String> {
        finding.found.iter().map(|index| objects[*index].title.clone()).collect()
    }

    #[test]
    fn objects_are_found_in_parts_and_stay_listed_while_others_come() {
        let row =
            |n: usize| ObjectRow { title: format!("Service shop/s-{n}"), key: format!("v1 Service shop/s-{n}"), ..ObjectRow::default() };
        let objects: Vec<ObjectRow> = (0..AT_ONCE * 2).map(row).collect();
        let last = format!("service s-{}", AT_ONCE * 2 - 1);
        let mut finding = Finding::default();
        assert!(finding.go_on(&last, 1, &objects) && finding.found.is_empty());
        assert!(!finding.go_on(&last, 2, &objects));
        let only = [format!("Service shop/s-{}", AT_ONCE * 2 - 1)];
        assert_eq!(found(&finding, &objects), only);
        assert!(finding.go_on(&last, 2, &objects), "there were other objects meanwhile");
        assert_eq!(found(&finding, &objects), only);
        assert!(!finding.go_on(&last, 2, &objects) && !finding.go_on(&last, 2, &objects));
        assert_eq!(found(&finding, &objects), only);
        finding.go_on("nothing", 2, &objects);
        assert_eq!(found(&finding, &objects), [""; 0]);
    }

    #[test]
    fn rows_stand_one_below_the_other() {
        for (n_edits, n_objects) in [(0, 1), (0, 5), (3, 4)] {
            let list = List { n_edits, n_objects };
            let heads: Vec<usize> = if n_edits > 0 { vec![0, n_edits + 1] } else { vec![0] };
            let mut y = 0.0;
            for index in 0..list.len() {
                assert_eq!(list.top(index), y, "row {index} of {n_edits} edits and {n_objects} objects");
                assert!(list.first_at(y) <= index, "row {index} is drawn when it is at the top");
                y += if heads.contains(&index) { parts::ROW } else { ROW };
            }
            assert_eq!(list.height(), y);
        }
    }
}
