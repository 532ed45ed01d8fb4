//! The service for operators.

use axum::{Router, routing::get};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::var("ADMIN_PORT").unwrap_or_else(|_| "8081".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("0.0.0.0:{port}"))
        .await
        .unwrap();
    let app = Router::new().route("/", get(|| async { "admin" }));
    shared::serve(listener, app).await;
}
