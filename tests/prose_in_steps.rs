//! The objects of some files of rules, coming and going one by one: what follows is what a cold start makes of it, and the listing of all
//! connections says the same as a question about each.

use std::path::Path;

use portolan_core::Object;
use portolan_core::analysis::{Analysis, Host, PortQuery, Unit};
use portolan_core::assumptions::Assumptions;
use portolan_core::peer::{Peer, Verdict};
use portolan_core::snapshot::Change;
use portolan_tests::random_cluster::Random;
use portolan_tests::semantics;

/// The files, with the values of an assumption that they are gone through with.
const FILES: [(&str, &str); 3] =
    [("istio-policies.md", "allow-any"), ("istio-policies.md", "registry-only"), ("egress-firewall.md", "allow-any")];

fn assumptions(mesh_outbound: &str) -> Assumptions {
    let mut assumptions = Assumptions::default();
    assumptions.set("mesh-outbound", mesh_outbound).expect("a value");
    assumptions
}

/// What the listing says of a pair of pods and a port.
fn listed(analysis: &Analysis, from: &Peer, to: &Peer, port: &str) -> Verdict {
    let port = PortQuery::parse(port).expect("a port");
    let PortQuery::Number(protocol, number) = port else { panic!("a number") };
    let lines = analysis.connections(Unit::Pod);
    let mut here = lines.iter().filter(|line| (&line.from, &line.to) == (from, to) && line.ports.contains(protocol, number));
    here.next().map_or(Verdict::Denied, |line| if line.depends.is_empty() { Verdict::Allowed } else { Verdict::Depends })
}

#[test]
fn steps_are_cold_starts_and_the_listing_says_what_questions_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("semantics");
    for (number, (file, mesh_outbound)) in FILES.into_iter().enumerate() {
        let (sections, _) = semantics::sections(&std::fs::read_to_string(folder.join(file)).expect("a file of rules"));
        let blocks = sections.iter().flat_map(|section| &section.blocks);
        let objects: Vec<Object> =
            blocks.flat_map(|(.., objects)| objects).filter_map(|raw| Object::new(raw.clone(), "default").expect("an object")).collect();
        let mut random = Random::new(number as u64 + 1);
        let mut host = Host::new(assumptions(mesh_outbound), true);
        for step in 0..150 {
            let object = random.pick(&objects);
            let change = if step > 20 && random.one_in(3) { Change::Delete(object.key.clone()) } else { Change::apply(&object) };
            host.apply([change]);
            let (warm, cold) = (host.analysis(), Analysis::new(host.snapshot().clone(), assumptions(mesh_outbound)));
            let what = format!("{file} ({mesh_outbound}), step {step}: {}", object.key);
            assert!(warm.connections(Unit::Pod) == cold.connections(Unit::Pod), "{what}");
            assert!(warm.connections(Unit::Workload) == cold.connections(Unit::Workload), "{what}");
            if step % 10 != 9 {
                continue;
            }
            let pods: Vec<(Peer, String)> = cold.inventory().pods.entries().map(|(id, pod)| (cold.pod_peer(id), pod.path())).collect();
            for (from, from_name) in &pods {
                for (to, to_name) in pods.iter().filter(|(to, _)| to != from) {
                    for port in ["80/TCP", "5432/TCP", "53/UDP"] {
                        let end = |name: &str| cold.endpoint(name).expect("a pod");
                        let trace = cold.trace(&end(from_name), &end(to_name), Some(&PortQuery::parse(port).expect("a port")));
                        assert_eq!(listed(&cold, from, to, port), trace.verdict, "{what}: {from_name} to {to_name} {port}");
                    }
                }
            }
        }
    }
}
