//! The objects behind what is selected, to open them in the sketch.

use egui::{Align2, Id, Ui, WidgetInfo, WidgetType, pos2};

use crate::command::Command;
use crate::panels::parts::{self, EDGE};
use crate::theme::{self, Palette};
use crate::view_model::ObjectRow;

/// Height of an object.
const ROW: f32 = 28.0;

/// The section that lists them, where there are any.
pub(super) fn objects_ui(ui: &mut Ui, objects: &[ObjectRow], commands: &mut Vec<Command>) {
    if objects.is_empty() {
        return;
    }
    ui.add_space(16.0);
    parts::heading(ui, "Objects");
    let palette = Palette::of(ui);
    parts::rows_in_sight(ui, ROW, objects.len(), |ui, index| {
        let Some(object) = objects.get(index) else { return };
        let (rect, response) = parts::row(ui, Id::new(("inspector object", &object.key)), ROW, None);
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Open {}, {}", object.title, object.fact)));
        let y = rect.center().y;
        let right = rect.right() - EDGE;
        let font = theme::regular(theme::size::TABLE);
        let fact_room = (rect.width() - EDGE * 2.0) * 0.45;
        let fact = parts::text(ui, pos2(right, y), Align2::RIGHT_CENTER, &object.fact, font.clone(), palette.muted, fact_room);
        let left = rect.left() + EDGE;
        let title_room = fact.rect.left() - 8.0 - left;
        let title = parts::text(ui, pos2(left, y), Align2::LEFT_CENTER, &object.title, font, palette.text, title_room);
        if response.clicked() {
            commands.push(Command::OpenObject { key: object.key.clone(), pointer: String::new() });
        }
        let hover = format!("Open {} in the sketch", object.key);
        if title.is_elided || fact.is_elided {
            response.on_hover_text(format!("{hover}\n{}, {}", object.title, object.fact));
        } else {
            response.on_hover_text(hover);
        }
    });
    ui.add_space(12.0);
}
