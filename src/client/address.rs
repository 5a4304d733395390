//! Where the gateway is, and what it is shown to be let in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::cli::Target;
use crate::config::Config;

/// The name of the socket in its folder.
const SOCKET: &str = "pilothouse.sock";

/// The name of the token's file in the data folder.
const TOKEN: &str = "token";

/// The port of `http://HOST`.
const HTTP_PORT: u16 = 80;

/// Something that may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Socket(PathBuf),
    /// A host and a port.
    Tcp {
        /// Its name or its address.
        host: String,
        /// The port.
        port: u16,
    },
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "http://{host}:{port}"),
        }
    }
}

impl Address {
    /// Reads what `--url` says.
    fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') {
                Ok(Self::Socket(path.into()))
            } else {
                Err("a path after unix: begins with /".to_owned())
            };
        }
        if url.starts_with("https://") {
            return Err("there is no TLS here; forward the port, as in `ssh -L 7007:127.0.0.1:7007 HOST`, and give \
                        http://127.0.0.1:7007"
                .to_owned());
        }
        let rest = url.strip_prefix("http://").ok_or("it begins with http:// or unix:")?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err("it is a host and a port alone, as in http://127.0.0.1:7007".to_owned());
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address are inside of the brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("{port} is no port"))?)
            }
            _ => (authority, HTTP_PORT),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let valid = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && !host.contains(':') && host.chars().all(|c| c.is_ascii_graphic()),
        };
        if !valid {
            return Err(format!("{host:?} is no host"));
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }

    /// The address that a gateway with these settings listens on, as one who wants to reach it says it.
    fn listening(listen: SocketAddr) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
        };
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        Self::Tcp { host, port: listen.port() }
    }

    /// On this computer.
    fn is_local(&self) -> bool {
        match self {
            Self::Socket(_) => true,
            Self::Tcp { host, .. } => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }

    /// What the `Host` header says.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".to_owned(),
            Self::Tcp { host, port } => format!("{host}:{port}"),
        }
    }
}

/// Where a gateway is looked for, the first place first.
#[derive(Clone)]
pub struct Place {
    /// Where.
    pub addresses: Vec<Address>,
    /// What lets in, if there is anything.
    pub token: Option<String>,
}

impl std::fmt::Debug for Place {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Place {
    /// What the command line says, else where the gateway of these settings is.
    ///
    /// # Errors
    /// [`Failure::Usage`] when the address or the token's file can't be used.
    pub fn of(target: &Target, config: &Config) -> Result<Self, Failure> {
        let addresses =
            match &target.url {
                Some(url) => {
                    let parsed = Address::parse(url);
                    vec![parsed.map_err(|why| {
                        Failure::Usage(format!("{url} can't be used as the address of a gateway: {why}"))
                    })?]
                }
                None => addresses(config),
            };
        let token = match (&target.token_file, config.variable("PILOTHOUSE_TOKEN")) {
            (Some(path), _) => Some(
                read(path)
                    .map_err(|error| Failure::Usage(format!("can't read the token in {}: {error}", path.display())))?,
            ),
            (None, Some(token)) => Some(token.trim().to_owned()),
            // The token of this computer's gateway is nobody else's business.
            (None, None) if addresses.iter().all(Address::is_local) => read(&config.data_dir.join(TOKEN)).ok(),
            (None, None) => None,
        };
        Ok(Self { addresses, token })
    }
}

/// Where the gateway of these settings can be: its socket, which needs no token, then where it listens.
fn addresses(config: &Config) -> Vec<Address> {
    let mut addresses = if config.socket.required { config.socket.places.clone() } else { Vec::new() };
    addresses.push(config.data_dir.join(SOCKET));
    // The user's socket is that of the user's one gateway, and not of one with a data folder of its own.
    let own = config.origins.iter().any(|o| o.key == "data_dir" && o.origin == "default");
    addresses.extend(config.variable("XDG_RUNTIME_DIR").filter(|_| own).map(|folder| Path::new(&folder).join(SOCKET)));
    addresses.into_iter().map(Address::Socket).chain([Address::listening(config.listen)]).collect()
}

fn read(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_wrong_ones_say_what_is_right() {
        let tcp = |host: &str, port| Ok(Address::Tcp { host: host.to_owned(), port });
        assert_eq!(Address::parse("http://127.0.0.1:7007"), tcp("127.0.0.1", 7007));
        assert_eq!(Address::parse("http://gateway.lan/"), tcp("gateway.lan", 80));
        assert_eq!(Address::parse("http://[::1]:7007"), tcp("[::1]", 7007));
        assert_eq!(Address::parse("http://[::1]"), tcp("[::1]", 80));
        assert_eq!(Address::parse("unix:/run/x.sock"), Ok(Address::Socket("/run/x.sock".into())));
        assert_eq!(Address::parse("unix:///run/x.sock"), Ok(Address::Socket("/run/x.sock".into())));
        for (url, word) in [
            ("https://gateway.lan", "ssh -L"),
            ("gateway.lan:7007", "http://"),
            ("http://", "no host"),
            ("http://a:b", "no port"),
            ("http://a:70000", "no port"),
            ("http://::1:80", "no host"),
            ("http://u@h", "alone"),
            ("http://h/status", "alone"),
            ("unix:x", "begins with /"),
            ("http://a b", "no host"),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
        }
    }

    #[test]
    fn an_address_that_means_all_is_reached_at_this_computer() {
        let at = |listen: &str| Address::listening(listen.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:7007"), "http://127.0.0.1:7007");
        assert_eq!(at("[::]:7007"), "http://[::1]:7007");
        assert_eq!(at("10.0.0.1:1"), "http://10.0.0.1:1");
    }

    #[test]
    fn the_token_of_the_data_folder_is_shown_to_this_computer_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(TOKEN), "secret\n").unwrap();
        let config = |env: &[(&str, &str)]| {
            let inputs = crate::config::Inputs {
                env: env.iter().map(|(k, v)| (k.into(), v.into())).collect(),
                folder: folder.path().to_owned(),
                cli: crate::cli::Cli { data_dir: Some(folder.path().to_owned()), ..Default::default() },
                exe: None,
            };
            crate::config::load(inputs).unwrap()
        };
        let token = |url: Option<&str>, env: &[(&str, &str)]| {
            let target = Target { url: url.map(str::to_owned), ..Target::default() };
            Place::of(&target, &config(env)).unwrap().token
        };
        assert_eq!(token(None, &[]).as_deref(), Some("secret"));
        assert_eq!(token(Some("http://localhost:1"), &[]).as_deref(), Some("secret"));
        assert_eq!(token(Some("http://[::1]:1"), &[]).as_deref(), Some("secret"));
        assert_eq!(token(Some("http://gateway.lan"), &[]), None);
        assert_eq!(token(Some("http://gateway.lan"), &[("PILOTHOUSE_TOKEN", "other")]).as_deref(), Some("other"));
        let place = Place::of(&Target::default(), &config(&[("XDG_RUNTIME_DIR", "/run/user/1")])).unwrap();
        let found: Vec<_> = place.addresses.iter().map(ToString::to_string).collect();
        let own = format!("unix:{}", folder.path().join(SOCKET).display());
        assert_eq!(found, [own.as_str(), "http://127.0.0.1:7007"], "its own gateway, not the user's");
        assert!(!format!("{place:?}").contains("secret"));
    }
}
