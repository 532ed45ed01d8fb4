//! Compiles the service's description, which takes protoc.

fn main() {
    tonic_prost_build::compile_protos("proto/echo.proto").unwrap();
}
