//! What runs in a developer's own cluster agrees with the manifests.

use std::collections::BTreeSet;

use serde::de::Deserialize as _;
use serde_json::Value;

use super::{PORT, Project, for_each_project};

const OVERLAY: &str = "k8s/overlays/development";

fn yaml(project: &Project, path: &str) -> Option<Value> {
    Some(serde_norway::from_str(project.text(path)?).unwrap())
}

fn overlay(project: &Project) -> Option<Value> {
    yaml(project, &format!("{OVERLAY}/kustomization.yaml"))
}

/// The name, the image without its tag, and the plain HTTP ports.
fn deployed(project: &Project) -> (String, String, Vec<String>) {
    let deployment = project.object("Deployment").unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap();
    let ports = container["ports"].as_array().into_iter().flatten();
    (
        deployment["metadata"]["name"].as_str().unwrap().to_owned(),
        image.split(':').next().unwrap().to_owned(),
        ports
            .map(|port| port["containerPort"].to_string())
            .collect(),
    )
}

#[test]
fn skaffold_builds_and_forwards_what_is_deployed() {
    for_each_project(|project| {
        let Some(skaffold) = yaml(project, "skaffold.yaml") else {
            return;
        };
        let (name, image, ports) = deployed(project);
        assert_eq!(skaffold["build"]["artifacts"][0]["image"], image);
        let file = &skaffold["build"]["artifacts"][0]["docker"]["dockerfile"];
        assert!(project.text(file.as_str().unwrap()).is_some());
        let overlay = overlay(project).unwrap();
        assert_eq!(skaffold["manifests"]["kustomize"]["paths"][0], OVERLAY);
        let forwarded = skaffold["portForward"].as_array().into_iter().flatten();
        let forwarded: Vec<String> = forwarded
            .map(|forward| {
                assert_eq!(forward["resourceName"], name);
                assert_eq!(forward["namespace"], overlay["namespace"]);
                forward["port"].to_string()
            })
            .collect();
        assert_eq!(forwarded, ports, "{}", project.selection);
    });
}

#[test]
fn tilt_builds_and_forwards_what_is_deployed() {
    for_each_project(|project| {
        let Some(tiltfile) = project.text("Tiltfile") else {
            return;
        };
        let (name, image, ports) = deployed(project);
        let has = |line: &str| {
            assert!(
                tiltfile.contains(line),
                "{}: no `{line}` in\n{tiltfile}",
                project.selection
            );
        };
        has(&format!("\nk8s_yaml(kustomize('{OVERLAY}'))\n"));
        has(&format!("\ndocker_build('{image}', '.')\n"));
        if ports.contains(&PORT.to_owned()) {
            has(&format!("\nk8s_resource('{name}', port_forwards=[\n"));
        }
        for port in &ports {
            has(&format!("    port_forward({port}, {port}, name="));
        }
        assert_eq!(
            tiltfile.matches(" port_forward(").count(),
            ports.len(),
            "{}",
            project.selection
        );
    });
}

/// The servers that the service connects to are in the same namespace, and it connects to each.
#[test]
fn backing_servers_are_deployed_with_the_service() {
    for_each_project(|project| {
        let Some(overlay) = overlay(project) else {
            return;
        };
        let literals = overlay["secretGenerator"][0]["literals"].as_array();
        let connected: BTreeSet<String> = literals
            .into_iter()
            .flatten()
            .filter_map(|literal| literal.as_str()?.split_once("://"))
            .map(|(_, url)| {
                let address = url.rsplit('@').next().unwrap();
                address.split('/').next().unwrap().to_owned()
            })
            .collect();
        let backing = project.text(&format!("{OVERLAY}/backing.yaml"));
        let objects = backing.into_iter().flat_map(|text| {
            let documents = serde_norway::Deserializer::from_str(text);
            documents.map(|document| Value::deserialize(document).unwrap())
        });
        let deployed: BTreeSet<String> = objects
            .filter(|object| object["kind"] == "Service")
            .map(|service| {
                let name = service["metadata"]["name"].as_str().unwrap();
                format!("{name}:{}", service["spec"]["ports"][0]["port"])
            })
            .collect();
        assert_eq!(connected, deployed, "{}", project.selection);
        let resources = overlay["resources"].as_array().unwrap();
        assert_eq!(
            resources.contains(&Value::from("backing.yaml")),
            backing.is_some()
        );
    });
}
