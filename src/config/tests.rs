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
    let config = load(inputs(folder.path(), &["--read-only", "--ascii"], &[])).unwrap();
    assert!(config.read_only && config.ascii && config.title && config.mouse == Mouse::Auto);
    assert_eq!((config.theme.as_str(), config.notify.as_str()), ("terminal", "off"));
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
