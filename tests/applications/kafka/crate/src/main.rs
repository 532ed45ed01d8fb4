//! Returns the version of librdkafka, which is compiled with it; it connects to no broker.

use axum::{Router, routing::get};
use rdkafka::ClientConfig;
use rdkafka::producer::FutureProducer;
use rdkafka::util::get_rdkafka_version;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Without OpenSSL in the image, this fails.
    let _producer: FutureProducer = ClientConfig::new()
        .set("security.protocol", "ssl")
        .create()
        .unwrap();
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await.unwrap();
    let version = || async { format!("librdkafka {}", get_rdkafka_version().1) };
    let app = Router::new().route("/", get(version));
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
        .unwrap();
}
