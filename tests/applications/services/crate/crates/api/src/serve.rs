//! The public service.

use axum::{Router, routing::get};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::var("API_PORT").unwrap_or_else(|_| "8080".to_owned());
    let address = format!("0.0.0.0:{port}");
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let app = Router::new()
        .route("/", get(|| async { macros::name!(api) }))
        .route("/healthz", get(|| async { shared::VERSION }));
    shared::serve(listener, app).await;
}
