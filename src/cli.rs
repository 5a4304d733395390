//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::access::Scope;

/// A terminal operations console and an HTTP API for a WhatsApp gateway.
#[derive(Clone, Debug, Default, Parser)]
#[command(version, about, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// Run without a terminal: the HTTP API alone, the log on stderr.
    #[arg(long, global = true, help_heading = "Settings")]
    pub headless: bool,
    /// Run the gateway on its own, in the background, and attach a console: leaving it, or losing it, leaves it running.
    #[arg(long, global = true, help_heading = "Settings")]
    pub keep: bool,
    /// Be the gateway that `--keep` starts.
    #[arg(long, hide = true)]
    pub detached: bool,
    /// Look on only: the console changes nothing until a key allows it.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Lines instead of a console: each event is one, each line of stdin a command.
    #[arg(long, global = true)]
    pub plain: bool,
    /// Draw frames, marks and graphs in ASCII.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Where the HTTP API listens [default: 127.0.0.1:7007].
    #[arg(long, global = true, help_heading = "Settings", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Listen where other machines reach it too, though the API has no TLS.
    #[arg(long, global = true, help_heading = "Settings")]
    pub listen_without_tls: bool,
    /// Where the API's Unix socket is, or none [default: $XDG_RUNTIME_DIR/pilothouse.sock].
    #[arg(long, global = true, help_heading = "Settings", value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Where database and logs are kept [default: ~/.local/state/pilothouse].
    #[arg(long, global = true, help_heading = "Settings", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The bridge to run: a Node script or a program [default: bridge/baileys-bridge.mjs].
    #[arg(long, global = true, help_heading = "Settings", value_name = "PATH")]
    pub bridge: Option<PathBuf>,
    /// Link by a pairing code for this number instead of a QR.
    #[arg(long, global = true, help_heading = "Settings", value_name = "+NUMBER")]
    pub pairing_code: Option<String>,
    /// The Node program that runs bridges [default: node].
    #[arg(long, global = true, help_heading = "Settings", value_name = "PROGRAM")]
    pub node: Option<PathBuf>,
    /// Settings from this file instead of pilothouse.toml.
    #[arg(long, global = true, help_heading = "Settings", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do; without a command the gateway runs.
    #[command(subcommand)]
    pub command: Option<Action>,
}

/// What else there is to do than to run.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// Tell how the gateway does; exit code 5 when WhatsApp is not connected.
    Status(Target),
    /// Send a text; prints its id once it is on the gateway's disk.
    Send(Send),
    /// Print what happens, as it happens; goes on when the gateway is restarted.
    Tail(Tail),
    /// Draw the QR that links the gateway to a phone.
    Qr(Qr),
    /// Link by a code to type on the phone, and print the code.
    Pair(Pair),
    /// List messages, the newest first, or search them.
    Messages(Messages),
    /// Show the console of a gateway that runs; leaving it leaves the gateway running.
    Attach(Attach),
    /// Look whether all is well here, and say how to mend what is not. Needs no running gateway.
    Doctor {
        /// One JSON document instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Print each setting, and where it comes from.
    Config {
        /// One JSON document instead of a table, as `GET /config` gives it.
        #[arg(long)]
        json: bool,
    },
    /// Print the token that the API asks for, made when there is none; add, list and revoke further ones.
    Token {
        /// One JSON document instead of text.
        #[arg(long, global = true)]
        json: bool,
        /// What else to do with it.
        #[command(subcommand)]
        change: Option<TokenChange>,
    },
    /// Write database and credentials to one file, while the gateway runs or not.
    Backup {
        /// The file to make: a tar that only its owner can read. It holds the account, so keep it safe.
        file: PathBuf,
    },
    /// Put database and credentials back from such a file, while no gateway runs.
    Restore {
        /// The file that `pilothouse backup` made.
        file: PathBuf,
        /// Replace the database and the session that are there.
        #[arg(long)]
        force: bool,
    },
}

/// What can be done with the token.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum TokenChange {
    /// Make a further token, and print it: it can't be shown again.
    Add {
        /// What it is called.
        name: String,
        /// What it allows: read, send (and read), or admin (everything).
        #[arg(long)]
        scope: Scope,
    },
    /// Print the name, scope and time of each further token.
    List,
    /// Take a further token away; a running gateway refuses it at once.
    Revoke {
        /// What it is called.
        name: String,
    },
    /// Replace it; the one before is refused at once, by a running gateway too.
    Rotate,
}

/// Which gateway is asked, and how its answer is printed.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The gateway's address, as in http://127.0.0.1:7007 or unix:/run/pilothouse.sock [default: the socket of the one
    /// that runs here, else the address that it listens on].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// A file with the token [default: the variable PILOTHOUSE_TOKEN, else the one in the data folder].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// JSON instead of text for people.
    #[arg(long)]
    pub json: bool,
}

/// `pilothouse attach`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    /// The gateway's address, as in http://127.0.0.1:7007, or its socket [default: the one that runs here].
    #[arg(value_name = "URL|SOCKET")]
    pub gateway: Option<String>,
    /// A file with the token [default: the variable PILOTHOUSE_TOKEN, else the one in the data folder].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// `pilothouse send`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// To whom: a number such as +584244370180, or the id of a chat.
    pub to: String,
    /// The text; - reads it from stdin.
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// Wait until WhatsApp has it; exit code 6 when it was not sent.
    #[arg(long)]
    pub wait: bool,
    /// With --wait: for so many seconds at most; then exit code 7, and the message still waits.
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    pub timeout: Option<u32>,
    /// Give the message up when it has not left after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub expires_in: Option<u32>,
    /// All calls with the same key send one message [default: a new key for each call].
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    #[expect(missing_docs, reason = "it would be the help of the whole command")]
    #[command(flatten)]
    pub target: Target,
}

/// `pilothouse tail`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Only events of this type, or of a family such as message.*; may be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only what belongs to this chat, an id or a number; may be given several times.
    #[arg(long, value_name = "CHAT")]
    pub chat: Vec<String>,
    /// Begin after the event with this id; 0 begins with the oldest that is kept [default: begin now].
    #[arg(long, value_name = "ID")]
    pub after: Option<u64>,
    #[expect(missing_docs, reason = "it would be the help of the whole command")]
    #[command(flatten)]
    pub target: Target,
}

/// `pilothouse qr`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Qr {
    /// Wait for a QR, and draw each new one until the gateway is linked.
    #[arg(long)]
    pub watch: bool,
    #[expect(missing_docs, reason = "it would be the help of the whole command")]
    #[command(flatten)]
    pub target: Target,
}

/// `pilothouse pair`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The number of the phone that is to be linked, as in +584244370180.
    pub number: String,
    #[expect(missing_docs, reason = "it would be the help of the whole command")]
    #[command(flatten)]
    pub target: Target,
}

/// `pilothouse messages`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Only texts with all of these words; the last may be the beginning of one.
    #[arg(long, value_name = "WORDS")]
    pub search: Option<String>,
    /// Only this chat: an id, or a number.
    #[arg(long, value_name = "CHAT")]
    pub chat: Option<String>,
    /// Only messages that went this way.
    #[arg(long)]
    pub direction: Option<Way>,
    /// Only messages of ours in this state, such as queued, sent or failed.
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only messages of this kind, such as text or image.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Only from this time on, as in 2026-09-21T14:13:20Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// The oldest first.
    #[arg(long)]
    pub oldest_first: bool,
    /// So many at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: usize,
    #[expect(missing_docs, reason = "it would be the help of the whole command")]
    #[command(flatten)]
    pub target: Target,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Way {
    /// It came in.
    In,
    /// It went out from here.
    Out,
    /// It went out from another of the owner's devices.
    OutElsewhere,
}
