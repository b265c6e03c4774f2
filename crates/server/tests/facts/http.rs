//! The HTTP side: pages with their guards, and nothing for pages from elsewhere (S18).

use crate::wire::{Wire, builder, http, server};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, http::HeaderValue};

const ROUTES: [&str; 5] = ["/", "/page.js", "/page.css", "/health", "/session"];

#[tokio::test]
async fn health_says_who_is_inside() {
    let server = server().await;
    let _member = Wire::enter(&server, "ada", 1).await;
    let answer = http(&server, "/health", "Host: localhost").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    let health: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(health, serde_json::json!({ "status": "ok", "sessions": 1, "members": 1 }));
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_is_not_framed() {
    let server = server().await;
    for route in ["/", "/page.js", "/page.css"] {
        let answer = http(&server, route, "Host: 127.0.0.1").await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{route}");
        for guard in [
            "content-security-policy: default-src 'none'",
            "frame-ancestors 'none'",
            "connect-src 'self';",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.contains(guard), "{route} lacks {guard}");
        }
    }
}

#[tokio::test]
async fn a_name_that_was_rebound_to_this_machine_gets_nothing() {
    let server = server().await;
    for route in ROUTES {
        for host in ["Host: evil.example", "Host: 127.0.0.1.evil.example", "Host: ", "X-Host: localhost"] {
            let answer = http(&server, route, host).await;
            assert!(answer.starts_with("HTTP/1.1 40"), "{route} {host}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_gets_nothing_and_opens_no_socket() {
    let server = server().await;
    for route in ROUTES {
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "file://"] {
            let answer = http(&server, route, &format!("Host: localhost\r\nOrigin: {origin}")).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{route} {origin}: {answer}");
        }
    }
    let mut request = server.url().into_client_request().expect("a URL");
    request.headers_mut().insert("Origin", HeaderValue::from_static("https://evil.example"));
    match tokio_tungstenite::connect_async(request).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status().as_u16(), 403),
        other => panic!("a refusal was due: {:?}", other.map(|_| ())),
    }
}

#[tokio::test]
async fn who_dials_an_address_is_served_and_so_is_the_page_that_comes_from_it() {
    let server = server().await;
    for (headers, status) in [
        ("Host: 10.0.0.7:7117", 200),
        ("Host: [fd00::2]:7117\r\nOrigin: http://[fd00::2]:7117", 200),
        ("Host: 10.0.0.7\r\nOrigin: http://10.0.0.7:7117", 200),
        ("Host: 10.0.0.7\r\nOrigin: http://10.0.0.8", 403),
        ("Host: 10.0.0.7\r\nOrigin: https://evil.example", 403),
        ("Host: localhost\r\nOrigin: http://10.0.0.7", 403),
        ("Host: 10.0.0.7.evil.example\r\nOrigin: http://10.0.0.7.evil.example", 403),
    ] {
        let answer = http(&server, "/health", headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {answer}");
    }
}

#[tokio::test]
async fn names_that_the_owner_allows_are_served() {
    let server = builder().allow_host("media.example").start().await.expect("a port");
    let answer = http(&server, "/health", "Host: media.example\r\nOrigin: https://media.example").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_to_be() {
    let server = server().await;
    let taken = builder().bind(server.address().to_string()).start().await.expect_err("it is taken");
    assert!(matches!(taken, offhook_server::StartError::InUse { .. }));
    assert!(taken.to_string().contains("port 0"), "the next step is in the text: {taken}");
    let nowhere = builder().bind("192.0.2.77:0").start().await.expect_err("not of this machine");
    assert!(matches!(nowhere, offhook_server::StartError::Bind { .. }), "{nowhere}");
}
