//! Compiles the service's definition, which requires protoc.

fn main() {
    tonic_prost_build::compile_protos("proto/echo.proto").unwrap();
}
