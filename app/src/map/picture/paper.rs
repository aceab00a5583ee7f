//! What an SVG is written on: coordinates in tenths of a point, colours of a palette, text in the map's faces.

use egui::{Color32, Pos2, Rect};

use super::super::shapes::{Form, LineStyle};
use super::xml;
use crate::theme::{Palette, size};

/// From the middle of a line of capitals to its baseline, as a part of its size.
const BASELINE: f32 = 0.364;

/// The text of an SVG as it grows.
pub(super) struct Paper {
    pub(super) palette: &'static Palette,
    pub(super) text: String,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f32,
    pub(super) semibold: bool,
}

/// Names of nodes and groups.
pub(super) const NAME: Type = Type { size: size::TABLE, semibold: true };
/// Facts, labels, captions.
pub(super) const FACT: Type = Type { size: size::CAPTION, semibold: false };
/// The heads of lanes.
pub(super) const HEAD: Type = Type { size: size::CAPTION, semibold: true };

/// Where a text stands: it begins or ends there, and its middle is at that height.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start(Pos2),
    Middle(Pos2),
    End(Pos2),
}

impl Paper {
    pub(super) fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins a group that stands for something, with what a browser shows when the pointer rests on it.
    pub(super) fn open(&mut self, class: &str, prefix: char, id: &str, attributes: &str, title: &str) {
        let (name, id, title) = (xml::id(prefix, id), xml::escape(id), xml::escape(title));
        self.add(&format!("<g class=\"{class}\" id=\"{name}\" data-id=\"{id}\"{attributes}><title>{title}</title>\n"));
    }

    pub(super) fn close(&mut self) {
        self.add("</g>\n");
    }

    /// A form with a border; `dash` as in `stroke-dasharray`, or empty.
    pub(super) fn form(&mut self, form: &Form, fill: Option<Color32>, stroke: Color32, width: f32, dash: &str) {
        let fill = fill.map_or_else(|| "none".to_owned(), hex);
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let paint = format!("fill=\"{fill}\" stroke=\"{}\" stroke-width=\"{}\"{dash}", hex(stroke), number(width));
        match form {
            Form::Rounded(rect, left, right) if left == right => self.add(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" {paint}/>\n",
                number(rect.left()),
                number(rect.top()),
                number(rect.width()),
                number(rect.height()),
                number(*left)
            )),
            Form::Rounded(rect, left, right) => {
                let d = round_path(*rect, *left, *right);
                self.add(&format!("<path d=\"{d}\" {paint}/>\n"));
            }
            Form::Polygon(points) => {
                let points = points.iter().map(|point| format!("{},{}", number(point.x), number(point.y))).collect::<Vec<_>>();
                self.add(&format!("<polygon points=\"{}\" {paint}/>\n", points.join(" ")));
            }
        }
    }

    /// A line in the style of a tone.
    pub(super) fn line(&mut self, points: &[Pos2], style: LineStyle, colour: Color32) {
        let dash = style.dash.map(|(dash, gap)| format!(" stroke-dasharray=\"{},{}\"", number(dash), number(gap))).unwrap_or_default();
        let (d, colour, width) = (path(points), hex(colour), number(style.width));
        self.add(&format!("<path d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dash}/>\n"));
    }

    /// An arrow head whose point is at `tip`.
    pub(super) fn head(&mut self, tip: Pos2, length: f32, half: f32, colour: Color32) {
        let foot = tip.x - length;
        let corners = [(foot, tip.y - half), (tip.x, tip.y), (foot, tip.y + half)].map(|(x, y)| format!("{},{}", number(x), number(y)));
        self.add(&format!("<polygon points=\"{}\" fill=\"{}\"/>\n", corners.join(" "), hex(colour)));
    }

    /// The cross where something breaks.
    pub(super) fn cross(&mut self, at: Pos2, arm: f32, colour: Color32) {
        let (left, right, top, bottom) = (number(at.x - arm), number(at.x + arm), number(at.y - arm), number(at.y + arm));
        let colour = hex(colour);
        self.add(&format!(
            "<path d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n"
        ));
    }

    /// One line of text. With `width`, it keeps to that, whatever the font that it is shown in.
    pub(super) fn write(&mut self, anchor: Anchor, text: &str, set: Type, colour: Color32, width: Option<f32>) {
        if text.is_empty() {
            return;
        }
        let (at, anchor) = match anchor {
            Anchor::Start(at) => (at, ""),
            Anchor::Middle(at) => (at, " text-anchor=\"middle\""),
            Anchor::End(at) => (at, " text-anchor=\"end\""),
        };
        let size = set.size;
        let weight = if set.semibold { " font-weight=\"600\"" } else { "" };
        let width = width.map(|width| format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", number(width))).unwrap_or_default();
        let (x, y, size, colour) = (number(at.x), number(at.y + BASELINE * size), number(size), hex(colour));
        let text = xml::escape(text);
        self.add(&format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor}{width} fill=\"{colour}\">{text}</text>\n"));
    }
}

/// A colour as SVG and Graphviz write it.
pub(super) fn hex(colour: Color32) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.r(), colour.g(), colour.b())
}

/// A length to a tenth of a point, as short as it can be written.
pub(super) fn number(value: f32) -> String {
    let tenths = (f64::from(value) * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
    if tenth == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tenth}") }
}

fn path(points: &[Pos2]) -> String {
    let mut d = String::new();
    for (at, point) in points.iter().enumerate() {
        d.push_str(&format!("{}{} {}", if at == 0 { "M" } else { "L" }, number(point.x), number(point.y)));
    }
    d
}

/// A rectangle with other corners on its left than on its right.
fn round_path(rect: Rect, left: f32, right: f32) -> String {
    let (l, t, r, b) = (rect.left(), rect.top(), rect.right(), rect.bottom());
    let to = |x: f32, y: f32| format!("{} {}", number(x), number(y));
    let arc = |radius: f32, x: f32, y: f32| format!("A{0} {0} 0 0 1 {1}", number(radius), to(x, y));
    [
        format!("M{}", to(l + left, t)),
        format!("L{}", to(r - right, t)),
        arc(right, r, t + right),
        format!("L{}", to(r, b - right)),
        arc(right, r - right, b),
        format!("L{}", to(l + left, b)),
        arc(left, l, b - left),
        format!("L{}", to(l, t + left)),
        arc(left, l + left, t),
        "Z".to_owned(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_never_minus_nothing() {
        let written = [0.0, -0.04, 12.0, -3.25, 0.06, 1e5].map(number);
        assert_eq!(written, ["0", "0", "12", "-3.3", "0.1", "100000"]);
    }
}
