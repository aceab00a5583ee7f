//! Who is not there yet, and could reach what is selected or be reached by it.

use egui::{Align2, Id, Ui, WidgetInfo, WidgetType, pos2};

use super::inspector::InspectorTab;
use super::parts::{self, EDGE};
use crate::theme::{self, Palette};
use crate::view_model::Inspector;

/// Height of a row, as that of an object.
const ROW: f32 = 28.0;

/// The section that goes with a tab, where it has something to say.
pub fn exposure_ui(ui: &mut Ui, inspector: &Inspector, tab: InspectorTab) {
    let (heading, rows) = match tab {
        InspectorTab::Destinations => ("Could be reached", &inspector.could_be_reached),
        InspectorTab::Sources => ("Could reach it", &inspector.could_reach),
        InspectorTab::Paths | InspectorTab::Yaml => return,
    };
    if rows.is_empty() {
        return;
    }
    ui.add_space(16.0);
    parts::heading(ui, heading);
    let palette = Palette::of(ui);
    let font = theme::regular(theme::size::TABLE);
    parts::rows_in_sight(ui, ROW, rows.len(), |ui, index| {
        let Some(row) = rows.get(index) else { return };
        let (rect, response) = parts::row(ui, Id::new(("inspector exposure", &inspector.id, heading, index)), ROW, None);
        let said: Vec<&str> = [row.title.as_str(), &row.ports, &row.note].into_iter().filter(|part| !part.is_empty()).collect();
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, format!("{heading}: {}", said.join(", "))));
        let (left, right, y) = (rect.left() + EDGE, rect.right() - EDGE, rect.center().y);
        let ports_room = (right - left) * 0.4;
        let ports = parts::text(ui, pos2(right, y), Align2::RIGHT_CENTER, &row.ports, font.clone(), palette.muted, ports_room);
        let title_room = (if row.ports.is_empty() { right } else { ports.rect.left() - 8.0 }) - left;
        parts::text(ui, pos2(left, y), Align2::LEFT_CENTER, &row.title, font.clone(), palette.text, title_room);
        response.on_hover_text(format!("Not there yet: {}", said.join("\n")));
    });
}
