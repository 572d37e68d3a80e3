//! The program behind its own TLS, and a certificate that changes under it.

use std::process::Command;

use testkit::Authority;

use crate::running::{Desk, Ended, Hub, Running, patiently, write};

const CONFIG: &str = "\
listen = \"127.0.0.1:0\"
[tls]
cert = \"cert.pem\"
key = \"key.pem\"
[store]
url = \"sqlite:data/hub.db\"
[egress]
allow_private = true
[admin]
token = \"admin\"
[[receiver]]
id = \"acme\"
token = \"acme\"
audience = [\"acme\"]
";

/// A folder with a configuration and this authority's certificate in it.
fn desk(authority: &Authority) -> Desk {
    let desk = Desk::new();
    write(&desk.path("hub.toml"), CONFIG);
    write(&desk.path("ca.pem"), &authority.pem());
    certify(&desk, authority);
    desk
}

fn certify(desk: &Desk, authority: &Authority) {
    let certified = authority.certify("127.0.0.1");
    write(&desk.path("cert.pem"), &certified.cert);
    write(&desk.path("key.pem"), &certified.key);
    private(desk);
}

fn private(desk: &Desk) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(desk.path("key.pem"), mode).expect("it is ours");
}

/// The program, trusting the authority of this desk.
fn trusting(desk: &Desk, args: &[&str]) -> Command {
    let mut command = desk.command(args);
    command.env("SSL_CERT_FILE", desk.path("ca.pem"));
    command
}

fn run(desk: &Desk, args: &[&str]) -> Ended {
    Running::new(&mut trusting(desk, args)).ended()
}

// spec: CIOP-001, SSF-031, SSF-034
#[test]
fn the_address_is_https_and_the_other_commands_reach_it() {
    let desk = desk(&Authority::new());
    let hub = Hub::new(desk.start(&["serve", "--config", "hub.toml"]));
    assert!(hub.url.starts_with("https://127.0.0.1:"), "{}", hub.url);
    let listen = ["listen", "--issuer", &hub.url, "--token", "acme", "--count", "1", "--json"];
    let listening = Running::new(&mut trusting(&desk, &listen));
    listening.out.line("ssf:verification");
    let subject = r#"{"format":"email","email":"alice@example.com"}"#;
    let event = ["--event", "caep:session-revoked", "--subject", subject];
    run(&desk, &[&["emit", "--hub", &hub.url, "--admin-token", "admin"][..], &event].concat()).with(0);
    let heard = listening.ended().with(0);
    let signal = heard.lines().pop().expect("the signal");
    assert_eq!(signal["event"], "caep:session-revoked");
}

#[test]
fn a_hangup_and_a_changed_file_bring_the_new_certificate_without_a_restart() {
    let (old, new) = (Authority::new(), Authority::new());
    let desk = desk(&old);
    let hub = Hub::new(desk.start(&["serve", "--config", "hub.toml"]));
    let url = hub.url.clone();
    let reachable = |desk: &Desk| {
        let refused = ["emit", "--hub", &url, "--admin-token", "no", "--event", "caep:session-revoked"];
        let subject = ["--subject", r#"{"format":"email","email":"a@x.example"}"#];
        run(desk, &[&refused[..], &subject].concat()).err.contains("the hub answered 401")
    };
    assert!(reachable(&desk));

    // A pair that does not fit: the one before it stays.
    write(&desk.path("key.pem"), &new.certify("127.0.0.1").key);
    hub.process.hang_up();
    hub.process.err.line("the certificate before it is served on");
    assert!(reachable(&desk));

    // A new authority, and a signal.
    write(&desk.path("ca.pem"), &new.pem());
    assert!(!reachable(&desk), "the old one is not believed any more");
    certify(&desk, &new);
    hub.process.hang_up();
    patiently("the new certificate after a signal", || reachable(&desk).then_some(()));

    // Back again, and no signal.
    write(&desk.path("ca.pem"), &old.pem());
    certify(&desk, &old);
    patiently("the old certificate without a signal", || reachable(&desk).then_some(()));

    assert_eq!(hub.process.err.text().matches("is served on").count(), 1, "{}", hub.process.err.text());
    hub.process.terminate();
    hub.process.ended().with(0);
}

#[test]
fn a_check_reads_the_certificate_and_a_start_refuses_what_does_not_fit() {
    let authority = Authority::new();
    let desk = desk(&authority);
    let check = ["serve", "--config", "hub.toml", "--check"];
    let good = desk.run(&check).with(0);
    assert!(good.err.contains("the certificate is valid until 4000-01-01T00:00:00Z"), "{}", good.err);

    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(desk.path("key.pem"), mode).expect("it is ours");
    let open = desk.run(&check).with(0);
    assert!(open.err.contains("others may read it; take that from them: chmod 600 key.pem"), "{}", open.err);

    let ended = authority.certify_until("127.0.0.1", 2001);
    write(&desk.path("cert.pem"), &ended.cert);
    write(&desk.path("key.pem"), &ended.key);
    let late = desk.run(&check).with(2);
    assert!(late.err.contains("the certificate of [tls] ended on 2001-01-01"), "{}", late.err);

    write(&desk.path("key.pem"), &authority.certify("127.0.0.1").key);
    for args in [&check[..], &check[..3]] {
        let unfit = desk.run(args).with(2);
        assert!(
            unfit.err.contains("it is not the key of the first certificate in cert.pem"),
            "{}",
            unfit.err
        );
        assert!(!unfit.err.contains("BEGIN"), "{}", unfit.err);
    }
}
