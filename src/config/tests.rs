use clap::Parser;

use super::*;

fn inputs(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Inputs {
    Inputs {
        cli: Cli::try_parse_from([&["pilothouse"], args].concat()).unwrap(),
        env: env.iter().map(|(k, v)| (k.into(), v.into())).chain([("HOME".into(), "/home/op".into())]).collect(),
        folder: folder.to_owned(),
        exe: None,
    }
}

fn origin<'a>(config: &'a Config, key: &str) -> &'a str {
    &config.origins.iter().find(|o| o.key == key).unwrap().origin
}

#[test]
fn stronger_layers_win_and_the_origin_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let port = |config: &Config| config.listen.port();
    let config = load(inputs(at, &[], &[])).unwrap();
    assert_eq!((port(&config), origin(&config, "listen")), (7007, "default"));
    std::fs::write(at.join("pilothouse.toml"), "listen = '127.0.0.1:1'\nbridge_memory_mb = 99\n").unwrap();
    let config = load(inputs(at, &[], &[])).unwrap();
    assert_eq!((port(&config), config.bridge_memory_mb), (1, 99));
    assert!(origin(&config, "listen").ends_with("pilothouse.toml"), "{}", origin(&config, "listen"));
    std::fs::write(at.join(".env"), "PILOTHOUSE_LISTEN=127.0.0.1:2\nOTHER=x\n").unwrap();
    let config = load(inputs(at, &[], &[])).unwrap();
    assert_eq!((port(&config), origin(&config, "listen")), (2, "PILOTHOUSE_LISTEN in .env"));
    let env = [("PILOTHOUSE_LISTEN", "127.0.0.1:3")];
    let config = load(inputs(at, &[], &env)).unwrap();
    assert_eq!((port(&config), origin(&config, "listen")), (3, "environment PILOTHOUSE_LISTEN"));
    let config = load(inputs(at, &["--listen", "127.0.0.1:4"], &env)).unwrap();
    assert_eq!((port(&config), origin(&config, "listen")), (4, "flag --listen"));
    assert!(config.table().contains("127.0.0.1:4"), "{}", config.table());
}

#[test]
fn a_wrong_value_is_named_with_its_origin_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    for (args, env, words) in [
        (&["--listen", "here"][..], &[][..], ["--listen", "here", "127.0.0.1:7007"]),
        (&["--pairing-code", "584244370180"], &[], ["--pairing-code", "584244370180", "starts with +"]),
        (&[], &[("WA_WEBSOCKET_URL", "http://x")], ["WA_WEBSOCKET_URL", "http://x", "ws://"]),
        (&[], &[("PILOTHOUSE_BRIDGE_MEMORY_MB", "lots")], ["PILOTHOUSE_BRIDGE_MEMORY_MB", "lots", "MiB"]),
        (&[], &[("PILOTHOUSE_SEND_BURST", "0")], ["PILOTHOUSE_SEND_BURST", "0", "at least 1"]),
        (&[], &[("PILOTHOUSE_SEND_RATE_PER_MINUTE", "-1")], ["PILOTHOUSE_SEND_RATE_PER_MINUTE", "-1", "0 is"]),
        (&[], &[("PILOTHOUSE_RETENTION_DAYS", "-1")], ["PILOTHOUSE_RETENTION_DAYS", "-1", "days"]),
        (&[], &[("PILOTHOUSE_THEME", "pink")], ["PILOTHOUSE_THEME", "pink", "terminal, contrast, soft"]),
        (&[], &[("PILOTHOUSE_MOUSE", "yes")], ["PILOTHOUSE_MOUSE", "yes", "auto, on, off"]),
        (&[], &[("PILOTHOUSE_NOTIFY", "1")], ["PILOTHOUSE_NOTIFY", "\"1\"", "osc777"]),
        (&[], &[("PILOTHOUSE_READ_ONLY", "1")], ["PILOTHOUSE_READ_ONLY", "\"1\"", "true or false"]),
        (&[], &[("RUST_LOG", "a=b=c")], ["RUST_LOG", "a=b=c", "pilothouse=debug"]),
    ] {
        let error = load(inputs(folder.path(), args, env)).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}

#[test]
fn other_machines_reach_the_api_only_when_that_is_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (address, local) in [
        ("127.0.0.1:1", true),
        ("127.9.9.9:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("0.0.0.0:1", false),
        ("[::]:1", false),
        ("192.168.1.2:1", false),
    ] {
        let args = ["--listen", address, "--listen-without-tls"];
        assert_eq!(load(inputs(folder.path(), &args, &[])).unwrap().listen.to_string(), address);
        match load(inputs(folder.path(), &args[..2], &[])) {
            Ok(config) => assert!(local, "{}", config.listen),
            Err(error) => {
                let error = error.to_string();
                assert!(!local && error.contains(address) && error.contains("--listen-without-tls"), "{error}");
            }
        }
    }
    std::fs::write(folder.path().join("pilothouse.toml"), "listen = '0.0.0.0:1'\nlisten_without_tls = true\n").unwrap();
    assert!(load(inputs(folder.path(), &[], &[])).is_ok());
}

#[test]
fn hosts_and_origins_are_lists_in_each_layer() {
    let folder = tempfile::tempdir().unwrap();
    let file = "allowed_hosts = ['Gate.example.net', 'box']\ncors_origins = 'https://app.example.net'\n";
    std::fs::write(folder.path().join("pilothouse.toml"), file).unwrap();
    let config = load(inputs(folder.path(), &[], &[])).unwrap();
    assert_eq!((config.allowed_hosts.join(" "), config.cors_origins.len()), ("gate.example.net box".to_owned(), 1));
    assert!(config.table().contains("Gate.example.net, box"), "{}", config.table());
    let env = [("PILOTHOUSE_CORS_ORIGINS", "http://localhost:3000, https://x.example.net,")];
    let config = load(inputs(folder.path(), &[], &env)).unwrap();
    assert_eq!(config.cors_origins, ["http://localhost:3000", "https://x.example.net"]);
    for (name, value) in [
        ("PILOTHOUSE_ALLOWED_HOSTS", "https://gate.example.net"),
        ("PILOTHOUSE_ALLOWED_HOSTS", "a, gate.example.net:443"),
        ("PILOTHOUSE_ALLOWED_HOSTS", "*"),
        ("PILOTHOUSE_CORS_ORIGINS", "app.example.net"),
        ("PILOTHOUSE_CORS_ORIGINS", "https://app.example.net/"),
        ("PILOTHOUSE_CORS_ORIGINS", "*"),
        ("PILOTHOUSE_CORS_ORIGINS", "null"),
    ] {
        let error = load(inputs(folder.path(), &[], &[(name, value)])).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("example.net"), "{error}");
    }
}

#[test]
fn an_unknown_key_and_a_broken_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pilothouse.toml");
    std::fs::write(&file, "lisen = 'x'\n").unwrap();
    let error = load(inputs(folder.path(), &[], &[])).unwrap_err().to_string();
    assert!(error.contains("\"lisen\"") && error.contains("listen"), "{error}");
    std::fs::write(&file, "listen = \n").unwrap();
    let error = load(inputs(folder.path(), &[], &[])).unwrap_err().to_string();
    assert!(error.contains("pilothouse.toml"), "{error}");
    let error = load(inputs(folder.path(), &["--config", "missing.toml"], &[])).unwrap_err().to_string();
    assert!(error.contains("missing.toml"), "{error}");
}

#[test]
fn the_data_goes_to_the_xdg_state_folder_and_an_empty_variable_counts_as_unset() {
    let folder = tempfile::tempdir().unwrap();
    let dir = |env: &[(&str, &str)]| load(inputs(folder.path(), &[], env)).unwrap().data_dir;
    assert_eq!(dir(&[]), Path::new("/home/op/.local/state/pilothouse"));
    assert_eq!(dir(&[("XDG_STATE_HOME", "")]), Path::new("/home/op/.local/state/pilothouse"));
    assert_eq!(dir(&[("XDG_STATE_HOME", "/s")]), Path::new("/s/pilothouse"));
}

#[test]
fn the_socket_is_in_the_runtime_folder_or_with_the_data_or_where_it_was_put() {
    let folder = tempfile::tempdir().unwrap();
    let socket = |args: &[&str], env: &[(&str, &str)]| {
        let SocketPlaces { places, required } = load(inputs(folder.path(), args, env)).unwrap().socket;
        (places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(" "), required)
    };
    let data = ("XDG_STATE_HOME", "/s");
    let usual = |place: &str| (place.to_owned(), false);
    assert_eq!(socket(&[], &[data]), usual("/s/pilothouse/pilothouse.sock"));
    assert_eq!(socket(&[], &[data, ("XDG_RUNTIME_DIR", "")]), usual("/s/pilothouse/pilothouse.sock"));
    let both = usual("/r/pilothouse.sock /s/pilothouse/pilothouse.sock");
    assert_eq!(socket(&[], &[data, ("XDG_RUNTIME_DIR", "/r")]), both);
    assert_eq!(socket(&["--socket", "none"], &[("XDG_RUNTIME_DIR", "/r")]), usual(""));
    assert_eq!(socket(&["--socket", "/x.sock"], &[("XDG_RUNTIME_DIR", "/r")]), ("/x.sock".to_owned(), true));
}

#[test]
fn a_token_is_not_shown_whatever_setting_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = format!("pilothouse_{}", "0af9".repeat(16));
    let env = [("WA_WEBSOCKET_URL", format!("wss://host/?token={token}")), ("PILOTHOUSE_NODE", token.clone())];
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let table = load(inputs(folder.path(), &[], &env)).unwrap().table();
    assert!(!table.contains(&token) && table.contains("wss://host/?token=pilothouse_***"), "{table}");
}

#[test]
fn the_bridge_sees_only_what_it_needs_and_the_operators_node_options_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let env = [
        ("PATH", "/bin"),
        ("LC_ALL", "C"),
        ("WA_X", "1"),
        ("NODE_EXTRA_CA_CERTS", "ca"),
        ("https_proxy", "p"),
        ("NODE_OPTIONS", "--import=file:///x.mjs"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("PILOTHOUSE_LISTEN", "127.0.0.1:1"),
    ];
    let line = |args: &[&str]| load(inputs(folder.path(), args, &env)).unwrap().command_line("default").unwrap();
    let get = |line: &CommandLine, name: &str| {
        line.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_str().unwrap().to_owned())
    };
    let script = line(&["--bridge", "b.mjs"]);
    assert_eq!(script.program, "node");
    assert_eq!(script.args, [folder.path().join("b.mjs").into_os_string()]);
    assert_eq!(get(&script, "NODE_OPTIONS").unwrap(), "--import=file:///x.mjs --max-old-space-size=256");
    assert!(get(&script, "AWS_SECRET_ACCESS_KEY").is_none() && get(&script, "PILOTHOUSE_LISTEN").is_none());
    for name in ["PATH", "HOME", "LC_ALL", "WA_X", "NODE_EXTRA_CA_CERTS", "https_proxy", "WA_SESSION_DIR"] {
        assert!(get(&script, name).is_some(), "{name}");
    }
    let direct = line(&["--bridge", "/opt/bridge"]);
    assert_eq!((direct.program.to_str(), direct.args.len()), (Some("/opt/bridge"), 0));
    assert_eq!(get(&direct, "NODE_OPTIONS").unwrap(), "--import=file:///x.mjs");
}

#[test]
fn other_keys_are_read_by_the_names_of_actions() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |text: &str| std::fs::write(folder.path().join("pilothouse.toml"), format!("[keys]\n{text}\n")).unwrap();
    write("quit = ['Q', 'F10']\nlog = 5\ninput.send = 'Enter'\nzoom = []");
    let keys = load(inputs(folder.path(), &[], &[])).unwrap().keys;
    let of = |name: &str| keys.get(name).map(|keys| keys.join(" "));
    assert_eq!(of("quit").as_deref(), Some("Q F10"));
    assert_eq!(
        [of("log"), of("input.send"), of("zoom")],
        [Some("5".into()), Some("Enter".into()), Some(String::new())]
    );
    for (text, name) in [("quit = 1.5", "quit"), ("quit = true", "quit"), ("input.send = [1, []]", "input.send")] {
        write(text);
        let error = load(inputs(folder.path(), &[], &[])).unwrap_err().to_string();
        assert!(error.contains("[keys]") && error.contains(name), "{error}");
    }
}

#[test]
fn flags_of_the_console_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let config = load(inputs(folder.path(), &["--read-only", "--ascii", "--plain"], &[])).unwrap();
    assert!(config.read_only && config.ascii && config.plain && config.title && config.mouse == Mouse::Auto);
    assert_eq!((config.theme.as_str(), config.notify.as_str()), ("terminal", "off"));
}

#[test]
fn linux_own_console_gets_ascii_unless_it_is_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    for (term, set, wanted) in [
        ("linux", None, true),
        ("linux", Some("false"), false),
        ("xterm-256color", None, false),
        ("xterm-256color", Some("true"), true),
    ] {
        let env: Vec<_> = [("TERM", term)].into_iter().chain(set.map(|set| ("PILOTHOUSE_ASCII", set))).collect();
        let config = load(inputs(folder.path(), &[], &env)).unwrap();
        let shown = &config.origins.iter().find(|o| o.key == "ascii").unwrap().value;
        assert_eq!((config.ascii, shown.as_str()), (wanted, if wanted { "true" } else { "false" }), "{term} {set:?}");
    }
}

#[test]
fn further_bridges_are_known_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pilothouse.toml"), "[bridges]\nother = '/opt/other'\n").unwrap();
    let config = load(inputs(folder.path(), &[], &[])).unwrap();
    assert_eq!(config.command_line("other").unwrap().program, "/opt/other");
    assert_eq!(config.command_line("nothing"), None);
}

#[test]
fn webhooks_are_tables_of_the_file_and_their_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pilothouse.toml");
    let table = "[[webhooks]]\nname = 'crm'\nurl = 'https://example.org/HIDDEN'\nsecret = 'whsec_HIDDEN'\n";
    std::fs::write(&file, format!("{table}types = ['message.*']\n{table}")).unwrap();
    let config = load(inputs(folder.path(), &[], &[])).unwrap();
    let [first, second] = &config.webhooks[..] else { panic!() };
    assert_eq!(
        (&*first.name, first.url.reveal(), &first.types[..]),
        ("crm", "https://example.org/HIDDEN", &["message.*".to_owned()][..])
    );
    assert!(second.types.is_empty() && second.chats.is_empty());
    assert!(!format!("{config:?}{}", config.table()).contains("HIDDEN"));
    for wrong in
        ["[[webhooks]]\nname = 'crm'\n", "[[webhooks]]\nname = 'crm'\nurl = 'x'\nfilter = 1\n", "webhooks = 1\n"]
    {
        std::fs::write(&file, wrong).unwrap();
        let error = load(inputs(folder.path(), &[], &[])).unwrap_err().to_string();
        assert!(error.contains("[[webhooks]]"), "{error}");
    }
}

#[test]
fn the_examples_hold_only_settings_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let uncommented = |name: &str| {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        text.lines()
            .map(|l| l.strip_prefix("#").filter(|l| !l.starts_with(' ')).unwrap_or(l))
            .collect::<Vec<_>>()
            .join("\n")
    };
    std::fs::write(folder.path().join("pilothouse.toml"), uncommented("pilothouse.example.toml")).unwrap();
    let config = load(inputs(folder.path(), &[], &[])).unwrap();
    assert!(config.origins.iter().all(|o| o.origin.ends_with("pilothouse.toml")), "{:#?}", config.origins);
    std::fs::write(folder.path().join(".env"), uncommented(".env.example")).unwrap();
    let config = load(inputs(folder.path(), &[], &[])).unwrap();
    assert!(config.origins.iter().all(|o| o.origin.ends_with("in .env")), "{:#?}", config.origins);
}
