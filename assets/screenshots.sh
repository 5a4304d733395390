#!/usr/bin/env bash
# Makes the pictures of the console that the README shows: of the real program, in a real terminal emulator (kitty), on
# a virtual display, against the simulator.
#
#   assets/screenshots.sh [FOLDER]      into this folder instead of assets/
#
# Needs the packages below: apt install …
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-assets}
mkdir -p "$out"
out=$(realpath "$out")
packages="xvfb kitty tmux imagemagick fonts-dejavu-core fonts-noto-color-emoji fonts-droid-fallback libgl1-mesa-dri"
for need in cargo curl Xvfb kitty tmux import convert; do
  command -v "$need" >/dev/null ||
    { echo "$need is missing: apt install $packages" >&2; exit 2; }
done
# PROFILE=dev is faster to build; the memory that the pictures show is then not that of the program as it is used.
profile=${PROFILE:-release}
# One after the other: together their libraries would have other features, and the program would not be the one that is used.
cargo build --quiet --profile "$profile" -p pilothouse
cargo build --quiet --profile "$profile" -p whatsapp-simulator
bin=$(realpath "${CARGO_TARGET_DIR:-target}")/${profile/#dev/debug}

work=$(mktemp -d)
pids=()
tmux=(tmux -L "pilothouse-screenshots-$$" -f /dev/null)
cleanup() {
  "${tmux[@]}" kill-server 2>/dev/null || true
  exec 7>&- || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

# Waits until a command succeeds, for 30 seconds at most.
until_ok() {
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  echo "this never came true: $*" >&2
  "${tmux[@]}" capture-pane -p >&2 || true
  exit 1
}
shows() { "${tmux[@]}" capture-pane -p | grep -qF -- "$1"; }
keys() { "${tmux[@]}" send-keys "$@"; }
says() { echo "$*" >&7; }
sends() { # NUMBER TEXT
  keys -l ":send $1 $2"
  until_ok shows "$2"
  keys Enter
  until_ok sh -c "! ${tmux[*]} capture-pane -p | grep -qF ':send'"
}

mkfifo "$work/commands"
"$bin/whatsapp-simulator" --port 0 <"$work/commands" >"$work/simulator" 2>&1 &
pids+=($!)
exec 7>"$work/commands"
until_ok grep -q WA_WEBSOCKET_URL= "$work/simulator"
variables=$(grep -o "[A-Z_]*='[^']*'" "$work/simulator" | tr '\n' ' ')

Xvfb -displayfd 8 -screen 0 2600x1700x24 8>"$work/display" >/dev/null 2>&1 &
pids+=($!)
until_ok test -s "$work/display"
export DISPLAY=:$(tr -d '\n' <"$work/display") LIBGL_ALWAYS_SOFTWARE=1

# The picture of what is on the screen now, in so many columns and rows. Few colours keep it small.
shot() { # NAME COLUMNS ROWS TEXT
  "${tmux[@]}" resize-window -x "$2" -y "$3"
  until_ok shows "$4"
  kitty --config NONE -o initial_window_width="$2c" -o initial_window_height="$3c" -o remember_window_size=no \
    -o font_family='DejaVu Sans Mono' -o font_size=11 -o cursor_blink_interval=0 -o hide_window_decorations=yes \
    -o window_padding_width=0 -o confirm_os_window_close=0 -o update_check_interval=0 \
    env -u TMUX "${tmux[@]}" attach >/dev/null 2>&1 &
  local kitty=$!
  until_ok test "$("${tmux[@]}" list-clients | wc -l)" = 0
  until_ok sh -c "${tmux[*]} list-clients | grep -q ."
  # The emulator draws some time after the program has written, and nothing tells when.
  sleep 2
  import -window root "$work/$1.png"
  # The first pixel keeps the corner from being cut off with the emptiness right and below.
  convert "$work/$1.png" -fill '#040404' -draw 'point 0,0' -trim +repage \
    +dither -colors 64 -define png:compression-level=9 -strip "PNG8:$out/$1.png"
  kill "$kitty"
  wait "$kitty" 2>/dev/null || true
  until_ok sh -c "! ${tmux[*]} list-clients | grep -q ."
}

environment="TZ=UTC HOME=$work WA_SESSION_DIR=$work/session PILOTHOUSE_DATA_DIR=$work/data PILOTHOUSE_SOCKET=none \
  PILOTHOUSE_LISTEN=127.0.0.1:0 PILOTHOUSE_SEND_RATE_PER_MINUTE=30 COLORTERM=truecolor"
"${tmux[@]}" new-session -d -x 160 -y 48 "env $environment $variables $bin/pilothouse"
"${tmux[@]}" set -g status off
"${tmux[@]}" set -g window-size manual
"${tmux[@]}" set -sg escape-time 0

until_ok shows "Scan this code"
shot linking 160 48 "Scan this code"
shot linking-80x24 80 24 "expires"

port() { grep -oh 'address=127.0.0.1:[0-9]*' "$work"/data/logs/* | head -1 | cut -d: -f2; }
"${tmux[@]}" resize-window -x 160 -y 48
says "name +15555556666 Carla Ruiz"
says "name +15557778888 Dr. Imai"
says "group 120363041234567890@g.us Saturday market +15555556666 +15557778888"
says "link 127.0.0.1:$(port) $(cat "$work/data/token")"
until_ok shows "● connected"
says "say +15551112222 Good morning! Is the delivery still on for today?"
until_ok shows "on for today?"
says "reads on"
sends +15551112222 "Good morning Ana. Yes, between ten and noon."
until_ok shows "◉"
says "reads off"
says "say +15553334444 Could you send me the invoice for October? The one in the portal is a draft."
until_ok shows "Could you send me the invoice"
sends +15553334444 "Of course, it is on its way."
until_ok shows "✓✓ Of course"
says "say +15557778888 予約を木曜日に変更できますか？"
says "say-in 120363041234567890@g.us +15555556666 The stall is booked for the whole day."
until_ok shows "The stall is booked"
says "react +15553334444 👍"
until_ok shows "👍"
says "say +15555556666 Order 4711 arrived, thank you 🎉"
until_ok shows "Order 4711"
says "refuse 406 1"
sends +15559990000 "Your order is ready to be picked up."
until_ok shows "✗"
sends +15555556666 "Glad to hear it, Carla."
until_ok shows "Glad to hear it"
until_ok shows "✓✓ Glad"
# An answer to the newest message is begun.
keys a
until_ok shows "To Carla Ruiz"
keys -l "The next one leaves on Thursday"
shot console 160 48 "leaves on Thursday"
keys Escape
shot console-80x24 80 24 "q quit"
keys C
shot chats-80x24 80 24 "Esc back"
ls -l "$out"/{linking,linking-80x24,console,console-80x24,chats-80x24}.png
