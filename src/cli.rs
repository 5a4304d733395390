//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// A terminal operations console and an HTTP API for a WhatsApp gateway.
#[derive(Clone, Debug, Default, Parser)]
#[command(version, about, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// Run without a terminal: the HTTP API alone, the log on stderr.
    #[arg(long, global = true)]
    pub headless: bool,
    /// Look on only: the console changes nothing until a key allows it.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Draw frames, marks and graphs in ASCII.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Where the HTTP API listens [default: 127.0.0.1:7007].
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Where database and logs are kept [default: ~/.local/state/pilothouse].
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// The bridge to run: a Node script or a program [default: bridge/baileys-bridge.mjs].
    #[arg(long, global = true, value_name = "PATH")]
    pub bridge: Option<PathBuf>,
    /// Link by a pairing code for this number instead of a QR.
    #[arg(long, global = true, value_name = "+NUMBER")]
    pub pairing_code: Option<String>,
    /// The Node program that runs bridges [default: node].
    #[arg(long, global = true, value_name = "PROGRAM")]
    pub node: Option<PathBuf>,
    /// Settings from this file instead of pilothouse.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do; without a command the gateway runs.
    #[command(subcommand)]
    pub command: Option<Action>,
}

/// What else there is to do than to run.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Action {
    /// Print each setting, and where it comes from.
    Config,
    /// Print the token that the API asks for, made when there is none.
    Token {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum TokenChange {
    /// Replace it; the one before is refused at once, by a running gateway too.
    Rotate,
}
