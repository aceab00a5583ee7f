//! The ways out: gateways on the map, domains behind them, the note on a NAT, and what the map is narrowed to.

use egui_kittest::kittest::Queryable as _;
use portolan::map::model::Lane;
use portolan::source::demo::Demo;
use portolan::worker::Opening;

use super::desk::Desk;

#[test]
fn what_leaves_through_a_gateway_goes_through_it_on_the_map() {
    let mut desk = Desk::open(Opening::Demo(Demo::Bank));
    desk.until_view("the bank is open", |view| view.map.nodes.iter().any(|node| node.title == "api.payments.example"));
    let way_out = "way out worker-5, leaves as 203.0.113.10";
    assert!(desk.sees_part(way_out), "{:#?}", desk.labels());
    let view = desk.view();
    let node = |title: &str| view.map.nodes.iter().find(|node| node.title == title).unwrap_or_else(|| panic!("no node {title}")).id.clone();
    let (payments, gateway, domain) = (node("payments"), node("worker-5"), node("api.payments.example"));
    let has_edge = |from: &str, to: &str| view.map.edges.iter().any(|edge| edge.from == from && edge.to == to);
    assert!(has_edge(&payments, &gateway) && has_edge(&gateway, &domain), "{:#?}", view.map.edges);
    assert!(!has_edge(&payments, &domain), "not past the gateway");
    assert!(has_edge(&node("reports"), &node("*.mail.example")), "what has no gateway goes straight");
}

#[test]
fn a_gateway_says_who_leaves_by_it_and_which_object_says_so() {
    let mut desk = Desk::open(Opening::Demo(Demo::Bank));
    desk.until_view("the bank is open", |view| view.map.nodes.iter().any(|node| node.title == "worker-5"));
    desk.click_part("way out worker-5");
    desk.until_view("it is inspected", |view| view.inspector.as_ref().is_some_and(|inspector| inspector.title == "worker-5"));
    let view = desk.view();
    let inspector = view.inspector.as_ref().expect("an inspector");
    assert_eq!(inspector.subtitle, "Way out: egress gateway, leaves as 203.0.113.10");
    assert_eq!(inspector.sources.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["payments-api"]);
    assert_eq!(inspector.objects.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["CiliumEgressGatewayPolicy partners"]);
}

/// Types over what is noted of a NAT.
fn note(desk: &mut Desk, text: &str) {
    desk.harness.get_by_role_and_label(egui::accesskit::Role::TextInput, "Pods leave the cluster as").focus();
    desk.harness.run();
    desk.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    desk.harness.key_press(egui::Key::Backspace);
    desk.harness.event(egui::Event::Text(text.to_owned()));
    desk.harness.run();
}

#[test]
fn a_noted_nat_is_on_every_way_out() {
    let mut desk = Desk::open(Opening::Demo(Demo::Shop));
    desk.until_view("the shop is open", |view| view.map.nodes.iter().any(|node| node.title == "Internet, any port"));
    assert!(!desk.view().map.nodes.iter().any(|node| node.lane == Lane::Exits));
    desk.click("profile upstream");
    note(&mut desk, "203.0.113.7 office");
    desk.until_view("the NAT stands on the map", |view| view.map.nodes.iter().any(|node| node.fact == "leaves as 203.0.113.7"));
    let view = desk.view();
    let nat = view.map.nodes.iter().find(|node| node.fact == "leaves as 203.0.113.7").expect("a NAT");
    assert_eq!(nat.title, "office");
    let internet = view.map.nodes.iter().find(|node| node.title == "Internet, any port").expect("the Internet");
    assert!(view.map.edges.iter().filter(|edge| edge.to == internet.id).all(|edge| edge.from == nat.id), "all leave by it");
    note(&mut desk, "nowhere");
    assert!(desk.sees_part("\"nowhere\" is not an address"), "{:#?}", desk.labels());
    note(&mut desk, "");
    desk.until_view("and nothing is noted any more", |view| view.map.nodes.iter().all(|node| node.title != "office"));
}

/// Opens the menu of policies, which bears what is chosen, and chooses another entry.
fn choose(desk: &mut Desk, chosen: &str, entry: &str) {
    desk.click(&format!("Policies, {chosen}"));
    desk.click(entry);
}

#[test]
fn the_map_is_narrowed_to_what_policies_of_one_dialect_are_for() {
    let mut desk = Desk::open(Opening::Demo(Demo::Clinic));
    desk.until_view("the clinic is open", |view| view.map.nodes.iter().any(|node| node.title == "records"));
    let filters = desk.view().policy_filters.clone();
    let titles: Vec<String> = filters.iter().map(|filter| filter.title()).collect();
    let expected =
        ["Every workload", "With policies: Kubernetes", "With policies: OVN-Kubernetes", "In plane: cluster", "In plane: egress firewall"];
    assert_eq!(titles, expected);
    let has = |view: &portolan::view_model::View, title: &str| view.map.nodes.iter().any(|node| node.title == title);
    choose(&mut desk, "Every workload", "With policies: Kubernetes");
    // The portal is there as what records lets in; where it goes itself is not.
    desk.until_view("only records has NetworkPolicies", |view| {
        has(view, "records") && has(view, "portal") && !has(view, "api.insurer.example") && !has(view, "lab")
    });
    choose(&mut desk, "With policies: Kubernetes", "In plane: egress firewall");
    desk.until_view("and a firewall is for portal too", |view| has(view, "api.insurer.example") && !has(view, "lab"));
    choose(&mut desk, "In plane: egress firewall", "Every workload");
    desk.until_view("all are there again", |view| has(view, "lab"));
}
