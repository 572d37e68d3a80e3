//! Which URLs and addresses are refused.

use std::net::IpAddr;

use secevent_http::client::{Cidr, Client, ClientError, Egress, EgressError};

use super::peer::{Peer, answer};

fn refusal(url: &str) -> EgressError {
    Egress::strict().check_url(url).expect_err(url)
}

// spec: SSF-107
#[test]
fn every_spelling_of_an_inside_address_is_refused() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "metadata.google.internal",
        "METADATA.google.INTERNAL.",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[2002:a00:1::1]",
        "[2001:0:7f00:1::]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "printer.local",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[100::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
    ] {
        assert!(matches!(refusal(&format!("https://{host}/x")), EgressError::Address { .. }), "{host}");
    }
}

// spec: SSF-107
#[test]
fn public_addresses_are_permitted() {
    for host in [
        "1.1.1.1",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "[2606:4700::1111]",
        "[2a00::1]",
        "[::ffff:1.1.1.1]",
        "[2003::1]",
        "rx.example.com",
        "xn--bcher-kva.example",
        "RX.Example.com.",
        "local.example.com",
        "mylocalhost",
        "127.0.0.1.example.com",
    ] {
        let url = format!("https://{host}:8443/events?a=b");
        assert!(Egress::strict().check_url(&url).is_ok(), "{host}");
    }
}

// spec: PUSH-049, SSF-034, SSF-107
#[test]
fn urls_that_parsers_read_differently_are_refused() {
    for url in [
        "",
        "rx.example.com",
        "//rx.example.com",
        "https:rx.example.com",
        "https:///rx.example.com",
        "https://",
        "https://u@rx.example.com/",
        "https://u:p@rx.example.com/",
        "https://@rx.example.com/",
        "https://:p@rx.example.com",
        "https://rx.example.com\\@127.0.0.1/",
        "https://rx.example.com/\t",
        "https://rx.example.com/\r\nX: y",
        " https://a.example",
        "https://rx.example.com/#f",
        "https://rx.example.com#",
        "https://１２７.0.0.1/",
        "https://bücher.example/",
        "https://a b.example/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://a.example:99999/",
        "https://a.example:x/",
        "https://%00.example/",
    ] {
        assert!(matches!(refusal(url), EgressError::Malformed(_)), "{url:?}: {:?}", refusal(url));
    }
    let long = format!("https://a.example/{}", "x".repeat(2048));
    assert!(matches!(refusal(&long), EgressError::Malformed(_)));
}

// spec: PUSH-049, SSF-107
#[test]
fn other_schemes_and_ports_are_refused() {
    for scheme in ["http", "file", "gopher", "ftp", "unix", "ws"] {
        let refused = refusal(&format!("{scheme}://rx.example.com/"));
        assert!(matches!(refused, EgressError::Scheme { .. }), "{scheme}: {refused:?}");
    }
    assert!(Egress::strict().allow_http().check_url("http://rx.example.com/").is_ok());
    for port in [0, 22, 25, 6379, 5432] {
        assert_eq!(refusal(&format!("https://rx.example.com:{port}/")), EgressError::Port { port });
    }
}

#[test]
fn what_an_operator_allows_is_allowed_and_no_more() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let range = |text: &str| text.parse::<Cidr>().unwrap();
    let lab =
        Egress::strict().allow_targets([range("10.1.0.0/16"), range("fd12::/16"), range("169.254.169.254")]);
    for (address, permitted) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("fd12::1", true),
        ("169.254.169.254", true),
        ("10.2.0.1", false),
        ("127.0.0.1", false),
        ("fd13::1", false),
        ("1.1.1.1", true),
    ] {
        assert_eq!(lab.permits(ip(address)), permitted, "{address}");
    }
    let closed = Egress::strict().allow_private();
    for (address, permitted) in [
        ("10.2.0.1", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("fd13::1", true),
        ("169.254.169.254", false),
        ("fd00:ec2::254", false),
        ("0.0.0.0", false),
        ("224.0.0.1", false),
    ] {
        assert_eq!(closed.permits(ip(address)), permitted, "{address}");
    }
    assert!(
        Egress::loopback().permits(ip("127.8.9.1")) && Egress::loopback().permits(ip("::ffff:127.0.0.1"))
    );
    assert!(!Egress::loopback().permits(ip("10.0.0.1")));
    assert!(range("0.0.0.0/0").contains(ip("9.9.9.9")) && range("::/0").contains(ip("::1")));
    for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/", "10.0.0.0/-1"] {
        assert!(bad.parse::<Cidr>().is_err(), "{bad}");
    }
}

// spec: SSF-107
#[tokio::test]
async fn a_name_is_judged_by_the_address_that_is_dialled() {
    let peer = Peer::answering(answer(202, "", "")).await;
    let url = peer.url("/events?token=canary").replace("127.0.0.1", "localhost");
    let elsewhere = Egress::strict().allow_http().allow_targets(["10.0.0.0/8".parse().unwrap()]);
    let refused = Client::new(elsewhere).get(&url).send().await.unwrap_err();
    assert_eq!(refused, ClientError::Egress(EgressError::Address { host: "localhost".into() }));
    assert!(!refused.retry() && !refused.to_string().contains("canary"));
    assert!(peer.requests().is_empty());
    assert_eq!(Client::new(Egress::loopback()).get(&url).send().await.unwrap().status, 202);
}
