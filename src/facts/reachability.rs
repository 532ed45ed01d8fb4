//! The environment that makes a program listen on more than the loopback interface.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::configuration::Variable;
use super::evidence::Found;
use super::inspection::Inspection;
use super::program::ProgramRules;

/// What to set so that it can be reached from outside its container, if its environment determines that.
pub(super) fn environment(
    inspection: &Inspection,
    rules: &ProgramRules,
) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    for framework in &inspection.program.frameworks {
        if let Some(known) = rules.frameworks.get(&framework.value.name) {
            set.extend(known.reachable.clone());
        }
    }
    for variable in &inspection.configuration.environment {
        let value = reachable_value(variable, inspection);
        set.extend(value.map(|value| (variable.value.name.clone(), value)));
    }
    set
}

/// The value of a variable that makes the program listen on all interfaces; none if it is unrelated, or already has one.
///
/// A database may be expected on the same interface: what counts is the port, or that it is the host that the program listens on.
fn reachable_value(variable: &Found<Variable>, inspection: &Inspection) -> Option<String> {
    let listening = &inspection.listening;
    let default = variable.value.default.as_deref()?;
    if let Ok(address) = default.replace("localhost", "127.0.0.1").parse() {
        let address: SocketAddr = address;
        let port = listening.port.as_ref().map(|port| port.value);
        let is_own_address = address.ip().is_loopback() && Some(address.port()) == port;
        return is_own_address.then(|| match address {
            SocketAddr::V4(_) => format!("0.0.0.0:{}", address.port()),
            SocketAddr::V6(_) => format!("[::]:{}", address.port()),
        });
    }
    let host = listening.host.as_ref()?;
    let is_read_there = host.evidence.iter().any(|there| {
        let mut read = variable.evidence.iter();
        read.any(|evidence| evidence.place == there.place)
    });
    if !is_read_there || !is_loopback(default) {
        return None;
    }
    let is_v6 = default.contains(':');
    Some(if is_v6 { "::" } else { "0.0.0.0" }.to_owned())
}

/// Whether a host cannot be reached from outside a container.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']);
    host == "localhost" || address.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn recognizes_loopback_hosts() {
        assert!(
            ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"]
                .into_iter()
                .all(is_loopback)
        );
        assert!(!["0.0.0.0", "::", "db", ""].into_iter().any(is_loopback));
    }
}
