//! What a key does, its name, and whether it may change anything.

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The next pane.
    FocusOther,
    /// The pane before.
    FocusBack,
    /// To the input box.
    Compose,
    /// Out of the input box, or of what lies over the screen; else back to the newest message.
    Leave,
    /// One message down.
    Down,
    /// One message up.
    Up,
    /// To the oldest message.
    Top,
    /// To the newest message, following it.
    Bottom,
    /// A screenful down.
    PageDown,
    /// A screenful up.
    PageUp,
    /// Show only what a filter lets through.
    Filter,
    /// To the next older message that the filter lets through, among all.
    SearchOlder,
    /// To the next newer one.
    SearchNewer,
    /// Look at the chosen message closely, or no longer.
    Detail,
    /// The message as it is kept.
    Json,
    /// Copy the text of the chosen message.
    Copy,
    /// Send the chosen message again, which was not sent.
    Resend,
    /// Show or hide the chats.
    Chats,
    /// Answer the chosen message's chat.
    Answer,
    /// Take back the chosen message, which waits.
    Cancel,
    /// Show or hide the keys.
    Help,
    /// Ask for a pairing code.
    PairingCode,
    /// Another way of drawing the QR.
    CycleDrawing,
    /// The QR over the whole screen.
    WholeScreen,
    /// Copy the passkey's snippet, or compare its code.
    Passkey,
    /// Stop the bridge and start it again.
    Restart,
    /// Take the link back from another program.
    TakeOver,
    /// Leave.
    Quit,
    /// Send what is in the box.
    Send,
    /// A line feed.
    NewLine,
    /// Write in one's own editor.
    Editor,
    /// Choose whom to write to.
    Recipient,
    /// The line before in the history.
    HistoryBack,
    /// The next line in the history.
    HistoryForward,
    /// All actions, to be found by their names.
    Palette,
    /// The focused pane alone, or all of them again.
    Zoom,
    /// The arrows change the sizes of panes.
    Resize,
    /// To the messages.
    ShowFeed,
    /// To the connection and its timeline.
    ShowStatus,
    /// To the figures.
    ShowMetrics,
    /// To the log; from there, hide it.
    ShowLog,
    /// A shorter time in the graphs.
    ShorterRange,
    /// A longer time in the graphs.
    LongerRange,
    /// Only lines of the log that are more important, or all again.
    LogLevel,
    /// Only lines of the log from one origin, or from the next.
    LogTarget,
    /// Nothing can be changed from here, or again everything.
    ReadOnly,
    /// Draw everything anew.
    Redraw,
    /// The beside pane takes fewer columns.
    Narrower,
    /// The beside pane takes more columns.
    Wider,
    /// The focused pane takes fewer rows.
    Shorter,
    /// The focused pane takes more rows.
    Taller,
    /// The sizes of the start.
    EvenOut,
    /// The sizes stay.
    Resized,
    /// The next theme.
    Theme,
    /// The mouse is for the console, or for the terminal.
    Mouse,
    /// The shell gets the terminal back, and the gateway goes on.
    Suspend,
}

impl Action {
    /// What the settings and the palette call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FocusOther => "next_pane",
            Self::FocusBack => "previous_pane",
            Self::Compose => "write",
            Self::Leave => "leave",
            Self::Down => "down",
            Self::Up => "up",
            Self::Top => "oldest",
            Self::Bottom => "newest",
            Self::PageDown => "page_down",
            Self::PageUp => "page_up",
            Self::Filter => "filter",
            Self::SearchOlder => "search_older",
            Self::SearchNewer => "search_newer",
            Self::Detail => "detail",
            Self::Json => "json",
            Self::Copy => "copy",
            Self::Resend => "send_again",
            Self::Chats => "chats",
            Self::Answer => "answer",
            Self::Cancel => "cancel",
            Self::Help => "help",
            Self::PairingCode => "pairing_code",
            Self::CycleDrawing => "qr_drawing",
            Self::WholeScreen => "qr_whole_screen",
            Self::Passkey => "passkey",
            Self::Restart => "restart_bridge",
            Self::TakeOver => "take_over",
            Self::Quit => "quit",
            Self::Send => "send",
            Self::NewLine => "new_line",
            Self::Editor => "editor",
            Self::Recipient => "recipient",
            Self::HistoryBack => "history_back",
            Self::HistoryForward => "history_forward",
            Self::Palette => "palette",
            Self::Zoom => "zoom",
            Self::Resize => "resize",
            Self::ShowFeed => "messages",
            Self::ShowStatus => "status",
            Self::ShowMetrics => "metrics",
            Self::ShowLog => "log",
            Self::ShorterRange => "shorter_range",
            Self::LongerRange => "longer_range",
            Self::LogLevel => "log_level",
            Self::LogTarget => "log_origin",
            Self::ReadOnly => "read_only",
            Self::Redraw => "redraw",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Shorter => "shorter",
            Self::Taller => "taller",
            Self::EvenOut => "default_sizes",
            Self::Resized => "done",
            Self::Theme => "theme",
            Self::Mouse => "mouse",
            Self::Suspend => "suspend",
        }
    }

    /// It may change something in the gateway, so a console that is read-only refuses it.
    pub const fn changes(self) -> bool {
        matches!(
            self,
            Self::Cancel
                | Self::Resend
                | Self::PairingCode
                | Self::Passkey
                | Self::Restart
                | Self::TakeOver
                | Self::Send
        )
    }
}
