//! Echoes messages, with a gRPC health service.

use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::api::Words;
use crate::api::echo_server::{Echo, EchoServer};

mod api {
    tonic::include_proto!("echo");
}

struct Parrot;

#[tonic::async_trait]
impl Echo for Parrot {
    async fn say(&self, request: Request<Words>) -> Result<Response<Words>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::var("PORT").unwrap_or_else(|_| "50051".to_owned());
    let address = format!("0.0.0.0:{port}").parse().unwrap();
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<EchoServer<Parrot>>().await;
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    Server::builder()
        .add_service(health)
        .add_service(EchoServer::new(Parrot))
        .serve_with_shutdown(address, async move {
            terminate.recv().await;
        })
        .await
        .unwrap();
}
