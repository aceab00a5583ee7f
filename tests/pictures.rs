//! Pictures of the map: what is in an SVG, a PNG and a DOT file, and that equal maps make equal files.

use std::collections::BTreeMap;
use std::sync::Arc;

use portolan::map::model::{Edge, Extent, Group, Lane, MapModel, Node, NodeKind, Tone};
use portolan::map::picture::{MAX_SIDE, Medium, Picture};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node as Element};

/// A name that every format has to quote.
const NASTY: &str = "a<b> & \"c\" \\ 'd'";

fn node(id: &str, lane: Lane, kind: NodeKind) -> Node {
    Node::new(id, lane, kind, id, format!("thing {id}"))
}

/// A model with a node of every kind, edges of every tone, and a name that is hard to write.
fn model() -> MapModel {
    let lanes = [Lane::Outside, Lane::Entry, Lane::Services, Lane::Workloads, Lane::Exits, Lane::Destinations];
    let mut nodes: Vec<Node> =
        NodeKind::ALL.into_iter().enumerate().map(|(at, kind)| node(&format!("node/{at}"), lanes[at % 6], kind)).collect();
    nodes[3].group = Some("namespace/shop".to_owned());
    nodes[4].pinned = true;
    nodes[6].aside = true;
    nodes.push(Node { fact: "1 pod".to_owned(), ..node(NASTY, Lane::Workloads, NodeKind::Workload) });
    let tones = [Tone::Allowed, Tone::Depends, Tone::Denied, Tone::Open, Tone::Gained, Tone::Lost];
    let mut edges: Vec<Edge> = tones
        .into_iter()
        .enumerate()
        .map(|(at, tone)| Edge::new(format!("edge/{at}"), format!("node/{at}"), format!("node/{}", at + 1), tone, "443/TCP"))
        .collect();
    edges.push(Edge { extent: Extent::Some, ..Edge::new("edge/nasty", "node/0", NASTY, Tone::Allowed, NASTY) });
    let group = |id: &str, title: &str| Group {
        id: id.to_owned(),
        title: title.to_owned(),
        fact: String::new(),
        name: format!("namespace {title}"),
    };
    MapModel { nodes, edges, groups: vec![group("namespace/shop", "shop")], ..MapModel::default() }
}

fn picture(selected: Option<&str>) -> Picture {
    Picture::of(Arc::new(model()), selected.map(str::to_owned), false).captioned(vec!["demo".to_owned(), format!("labels {NASTY}")])
}

fn text(picture: &Picture, medium: Medium) -> String {
    String::from_utf8(picture.render(medium).unwrap()).unwrap()
}

/// What of a class is in an SVG: ids and what a browser shows for them, in the order in which they are drawn.
fn of_class<'a>(document: &'a Document<'_>, class: &str) -> Vec<(Element<'a, 'a>, &'a str)> {
    let all = document.descendants().filter(|element| element.attribute("class") == Some(class));
    all.map(|element| (element, element.attribute("data-id").unwrap())).collect()
}

fn title<'a>(element: Element<'a, 'a>) -> &'a str {
    element.first_element_child().filter(|child| child.has_tag_name("title")).and_then(|title| title.text()).unwrap()
}

#[test]
fn an_svg_has_every_node_edge_and_group_once() {
    let svg = text(&picture(None), Medium::Svg);
    let document = Document::parse(&svg).unwrap();
    let model = model();
    let sorted = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let drawn = |class: &str| sorted(of_class(&document, class).into_iter().map(|(_, id)| id).collect());
    assert_eq!(drawn("node"), sorted(model.nodes.iter().map(|node| node.id.as_str()).collect()));
    assert_eq!(drawn("edge"), sorted(model.edges.iter().map(|edge| edge.id.as_str()).collect()));
    assert_eq!(drawn("group"), ["namespace/shop"]);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    document.descendants().filter_map(|element| element.attribute("id")).for_each(|id| *names.entry(id).or_default() += 1);
    assert!(names.values().all(|n| *n == 1), "{names:?}");
    assert!(resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).is_ok());
}

#[test]
fn an_svg_says_what_it_shows() {
    let svg = text(&picture(None), Medium::Svg);
    let document = Document::parse(&svg).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("role"), title(root)), (Some("img"), "Map of traffic, demo"));
    let edges = of_class(&document, "edge");
    let said = |id: &str| edges.iter().find(|(_, other)| *other == id).map(|(element, _)| title(*element)).unwrap();
    assert_eq!(said("edge/2"), "thing node/2 to thing node/3, 443/TCP, denied, for all");
    assert_eq!(said("edge/nasty"), format!("thing node/0 to thing {NASTY}, {NASTY}, allowed, for some"));
    let nodes = of_class(&document, "node");
    assert!(nodes.iter().any(|(element, id)| *id == NASTY && title(*element) == format!("thing {NASTY}, 1 pod")));
    assert!(nodes.iter().any(|(element, id)| *id == "node/6" && title(*element).ends_with("put aside")));
    let words = |class: &str| {
        let part = document.descendants().find(|element| element.attribute("class") == Some(class)).unwrap();
        part.children().filter_map(|text| text.text()).map(str::trim).filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let tones = ["allowed", "depends", "denied", "unrestricted", "gained by the sketch", "lost by the sketch"];
    assert_eq!(words("legend"), [&tones[..], &["for some of what is at its ends", "pinned"]].concat());
    assert_eq!(words("caption").join(" "), format!("demo  ·  labels {NASTY}"));
}

#[test]
fn the_legend_has_no_tone_that_does_not_occur() {
    let nodes = vec![node("a", Lane::Workloads, NodeKind::Workload), node("b", Lane::Destinations, NodeKind::Range)];
    let edges = vec![Edge::new("e", "a", "b", Tone::Open, "")];
    let picture = Picture::of(Arc::new(MapModel { nodes, edges, ..MapModel::default() }), None, true);
    let svg = text(&picture, Medium::Svg);
    let legend = svg.split("class=\"legend\"").nth(1).unwrap().split("</g>").next().unwrap();
    assert!(legend.contains(">unrestricted<") && legend.matches("<text").count() == 1, "{legend}");
}

#[test]
fn equal_maps_make_equal_files() {
    for medium in Medium::ALL {
        assert_eq!(picture(Some("node/3")).render(medium).unwrap(), picture(Some("node/3")).render(medium).unwrap(), "{medium:?}");
    }
    assert_ne!(text(&picture(Some("node/3")), Medium::Svg), text(&picture(None), Medium::Svg));
}

/// What is selected is ringed, its edges have their labels, and what it has nothing to do with is dimmed.
#[test]
fn a_selection_shows_in_an_svg() {
    let labels = |selected: Option<&str>| text(&picture(selected), Medium::Svg).matches(">443/TCP</text>").count();
    assert_eq!(labels(None), 0);
    assert!(labels(Some("node/2")) >= 1);
    let svg = text(&picture(Some("node/2")), Medium::Svg);
    let document = Document::parse(&svg).unwrap();
    let faint =
        |id: &str| of_class(&document, "edge").into_iter().any(|(element, other)| other == id && element.has_attribute("stroke-opacity"));
    assert!(faint("edge/5") && !faint("edge/2") && !faint("edge/1"));
    let accent = "stroke=\"#0071b8\" stroke-width=\"2.5\"";
    assert_eq!((svg.matches(accent).count(), text(&picture(None), Medium::Svg).matches(accent).count()), (1, 0));
}

#[test]
fn a_png_is_twice_as_large_as_its_svg_and_shows_something() {
    let svg = text(&picture(None), Medium::Svg);
    let document = Document::parse(&svg).unwrap();
    let side = |name: &str| document.root_element().attribute(name).unwrap().parse::<f32>().unwrap();
    let map = Pixmap::decode_png(&picture(None).render(Medium::Png).unwrap()).unwrap();
    assert_eq!((map.width(), map.height()), ((side("width") * 2.0).round() as u32, (side("height") * 2.0).round() as u32));
    // The ground, nodes, text and a line of every tone.
    let colours: std::collections::BTreeSet<[u8; 3]> =
        map.pixels().iter().map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    for colour in [[0xfb, 0xfc, 0xfd], [0xff, 0xff, 0xff], [0x18, 0x21, 0x2b], [0x14, 0x7f, 0x4e], [0xc7, 0x30, 0x2b], [0xad, 0x2f, 0x7c]] {
        assert!(colours.contains(&colour), "{colour:?}");
    }
}

/// Text is drawn in our fonts: without them there would be none.
#[test]
fn a_png_has_text() {
    let dark = |title: &str| {
        let model = MapModel { nodes: vec![Node::new("a", Lane::Workloads, NodeKind::Workload, title, "a")], ..MapModel::default() };
        let bytes = Picture::of(Arc::new(model), None, false).render(Medium::Png).unwrap();
        Pixmap::decode_png(&bytes).unwrap().pixels().iter().filter(|pixel| pixel.red() < 0x60).count()
    };
    let (short, long) = (dark("i"), dark("mmmmmmmm"));
    assert!(short > 20 && long > short + 500, "{short} {long}");
}

#[test]
fn a_large_picture_is_no_larger_than_can_be_held() {
    let nodes = (0..600).map(|at| node(&format!("n{at}"), Lane::Destinations, NodeKind::Range)).collect();
    let picture = Picture::of(Arc::new(MapModel { nodes, ..MapModel::default() }), None, false);
    let map = Pixmap::decode_png(&picture.render(Medium::Png).unwrap()).unwrap();
    assert_eq!(map.height(), MAX_SIDE);
    assert!(map.width() < MAX_SIDE / 4);
}

#[test]
fn a_dot_file_has_clusters_and_quotes_what_it_must() {
    let dot = text(&picture(Some("node/3")), Medium::Dot);
    let quoted = "a<b> & \\\"c\\\" \\\\ 'd'";
    assert!(dot.contains(&format!("\"{quoted}\" [label=\"{quoted}\\n1 pod\"")), "{dot}");
    assert!(dot.contains(&format!("\"node/0\" -> \"{quoted}\" [id=\"edge/nasty\", label=\"{quoted}\", tooltip=\"allowed, for some\"")));
    let cluster = dot.split("subgraph").nth(1).unwrap().split("\n  }").next().unwrap();
    assert!(cluster.contains("label=\"shop\"") && cluster.contains("\"node/3\" [") && !cluster.contains("\"node/2\" ["), "{cluster}");
    let statements = |start: &str| dot.lines().filter(|line| line.trim_start().starts_with(start)).count();
    let n_edges = dot.matches(" -> ").count();
    assert_eq!((statements("\"") - n_edges, n_edges), (model().nodes.len(), model().edges.len()));
    assert!(dot.contains("style=dotted") && dot.contains("arrowhead=tee") && dot.starts_with("digraph") && dot.contains("rankdir=LR"));
    assert!(dot.lines().all(|line| line.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2 == 0), "{dot}");
}
