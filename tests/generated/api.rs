//! The API's responses conform to its description, whatever the request.

use anyhow::Result;

use crate::command::{run, tool};
use crate::http::await_status;
use crate::process::Service;
use crate::project::Project;
use crate::servers::Servers;

/// schemathesis's checks on each response; the others are about conventions that the API need not share.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                      positive_data_acceptance,use_after_free,ensure_resource_availability,ignored_auth";

/// Where it needs to know more than the description says.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/schemathesis.toml");

pub fn conforms_to_its_openapi_document(project: &Project) -> Result<()> {
    let servers = Servers::start(project)?;
    let service = Service::start_with(project, servers.settings())?;
    await_status(service.address, "/ready", 200)?;
    let document = format!("http://{}/openapi.json", service.address);
    let mut schemathesis = tool("schemathesis")?;
    schemathesis.current_dir(&project.directory);
    schemathesis.args(["--config-file", CONFIG]);
    schemathesis.args(["run", &document, "--checks", CHECKS, "--no-color"]);
    // The same requests each time.
    run(schemathesis.args(["--max-examples", "100", "--seed", "1"]))?;
    Ok(())
}
