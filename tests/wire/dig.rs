//! What `dig` sees.

use super::{Server, example};

/// Runs dig against a server and returns what it prints.
pub async fn dig(server: &Server, arguments: &str) -> String {
    let output = tokio::process::Command::new("dig")
        .args([&format!("@{}", server.v4.ip()), "-p", &server.v4.port().to_string()])
        .args(["+tries=1", "+timeout=3", "+nocookie"])
        .args(arguments.split_whitespace())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc2782_srv_comes_with_addresses() {
    let fixture = example();
    let server = Server::start(&fixture);
    let text = dig(&server, "SRV _web._tcp.services.internal").await;
    println!("{text}");
    assert!(text.contains("status: NOERROR"), "{text}");
    assert!(text.contains("QUERY: 1, ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 4"), "{text}");
}
