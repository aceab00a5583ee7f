//! The ports of cluster-wide policies: `protocols` of v1alpha2, `ports` of v1alpha1.

use super::super::Reader;
use super::api::{AdminPort, Destination, NumberOrRange, ProtocolMatch};
use crate::ports::{PortSet, Protocol};
use crate::record::{ClusterPolicyPort, ClusterPolicyPortMatch};

/// An item of a rule's list of ports.
pub(super) trait PortItem {
    /// What it matches; `None`, and a warning, where a server would refuse it: then it matches nothing.
    fn read(self, pointer: String, reader: &mut Reader<'_>) -> Option<ClusterPolicyPort>;
}

impl PortItem for ProtocolMatch {
    fn read(self, pointer: String, reader: &mut Reader<'_>) -> Option<ClusterPolicyPort> {
        let Self { tcp, udp, sctp, destination_named_port } = self;
        let mut numbered: Vec<(Protocol, &str, Destination)> = Vec::new();
        for (protocol, field, destination) in [(Protocol::Tcp, "tcp", tcp), (Protocol::Udp, "udp", udp), (Protocol::Sctp, "sctp", sctp)] {
            numbered.extend(destination.map(|destination| (protocol, field, destination)));
        }
        let name = destination_named_port.filter(|name| !name.is_empty());
        let n_fields = numbered.len() + usize::from(name.is_some());
        if n_fields != 1 {
            reader.warn(&*pointer, "exactly one must be given of tcp, udp, sctp, destinationNamedPort; this item matches nothing");
            return None;
        }
        if let Some(name) = name {
            return Some(ClusterPolicyPort { pointer: pointer.into(), port: ClusterPolicyPortMatch::Name(None, name.into()) });
        }
        let (protocol, field, destination) = numbered.pop()?;
        let set = match destination.destination_port {
            None => {
                let at = format!("{pointer}/{field}");
                reader.warn(at, format!("servers refuse {field} without a destinationPort; it is taken as every {protocol} port"));
                PortSet::all_of(protocol)
            }
            Some(port) => {
                let at = format!("{pointer}/{field}/destinationPort");
                match port {
                    NumberOrRange { number: Some(number), range: None } => {
                        PortSet::one(protocol, reader.port(number, &format!("{at}/number"))?)
                    }
                    NumberOrRange { number: None, range: Some(range) } => {
                        read_range(protocol, range.start, range.end, &format!("{at}/range"), reader)?
                    }
                    _ => {
                        reader.warn(at, "exactly one must be given of number, range; this item matches nothing");
                        return None;
                    }
                }
            }
        };
        Some(ClusterPolicyPort { pointer: pointer.into(), port: ClusterPolicyPortMatch::Set(set) })
    }
}

impl PortItem for AdminPort {
    fn read(self, pointer: String, reader: &mut Reader<'_>) -> Option<ClusterPolicyPort> {
        let port = match self {
            Self { port_number: Some(number), port_range: None, named_port: None } => {
                let at = format!("{pointer}/portNumber");
                let protocol = reader.protocol(number.protocol.as_deref(), &format!("{at}/protocol"))?;
                let Some(port) = number.port else {
                    reader.warn(format!("{at}/port"), "the port is missing; this item matches nothing");
                    return None;
                };
                ClusterPolicyPortMatch::Set(PortSet::one(protocol, reader.port(port, &format!("{at}/port"))?))
            }
            Self { port_number: None, port_range: Some(range), named_port: None } => {
                let at = format!("{pointer}/portRange");
                let protocol = reader.protocol(range.protocol.as_deref(), &format!("{at}/protocol"))?;
                ClusterPolicyPortMatch::Set(read_range(protocol, range.start, range.end, &at, reader)?)
            }
            Self { port_number: None, port_range: None, named_port: Some(name) } => ClusterPolicyPortMatch::Name(None, name.into()),
            _ => {
                reader.warn(&*pointer, "exactly one must be given of portNumber, portRange, namedPort; this item matches nothing");
                return None;
            }
        };
        Some(ClusterPolicyPort { pointer: pointer.into(), port })
    }
}

/// The ports from `start` to `end`. The definitions ask for more than one port; one is taken as it is meant.
fn read_range(protocol: Protocol, start: Option<i64>, end: Option<i64>, pointer: &str, reader: &mut Reader<'_>) -> Option<PortSet> {
    let (Some(start), Some(end)) = (start, end) else {
        reader.warn(pointer, "a range needs a start and an end; this item matches nothing");
        return None;
    };
    let (first, last) = (reader.port(start, &format!("{pointer}/start"))?, reader.port(end, &format!("{pointer}/end"))?);
    if last < first {
        reader.warn(format!("{pointer}/end"), format!("end {last} is below start {first}; this item matches nothing"));
        return None;
    }
    if last == first {
        reader.warn(format!("{pointer}/end"), format!("a range must have more than one port; it is taken as port {first}"));
    }
    Some(PortSet::range(protocol, first, last))
}
