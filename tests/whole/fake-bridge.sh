#!/bin/sh
# A bridge that misbehaves in one way: the one that WA_FAKE names. Everything that it starts inherits WA_FAKE_MARK, by
# which the test finds what was left behind.

hello='{"type":"hello","protocol":{"major":1},"bridge":"fake","capabilities":["connection","heartbeat"]}'

say() { printf '%s\n' "$1"; }
ready() { say '{"type":"ready"}'; }
bytes() { head -c "$1" /dev/zero | tr '\0' x; }
# Reads commands to the end, as a bridge does.
serve() { cat >/dev/null; }

# Answers pings with this resident memory; holds the answer to a send back until the second ping after it.
serve_with_memory() {
  held=
  pings=0
  while IFS= read -r line; do
    case $line in
      *'"cmd":"send"'*) held=${line#*\"to\":\"} held=${held%%\"*} ;;
      *'"cmd":"ping"'*)
        id=${line##*\"id\":}
        [ -z "$held" ] || pings=$((pings + 1))
        bytes=$1
        [ "$pings" -gt 0 ] || bytes=1
        say "{\"type\":\"pong\",\"id\":${id%\}},\"rssBytes\":$bytes}"
        if [ "$pings" -ge 2 ]; then
          say "{\"type\":\"sent\",\"to\":\"$held\",\"ok\":true}"
          held= pings=0
        fi ;;
    esac
  done
}

case $WA_FAKE in
  no-hello) ready; serve ;;
  other-major) say '{"type":"hello","protocol":{"major":2},"bridge":"fake"}'; serve ;;
  other-major-and-gone) say '{"type":"hello","protocol":{"major":2},"bridge":"fake"}' ;;
  silent) serve ;;
  garbage) say 'not JSON'; say '[1]'; say '{"no":"type"}'; say '{"type":"sent"}'; ready; serve ;;
  long-line) bytes 10485760; echo; ready; serve ;;
  half-line) printf '{"type":"message","from":"+15551112222","bo'; exit 1 ;;
  exits-*) ready; exit "${WA_FAKE#exits-}" ;;
  killed) ready; kill -KILL $$ ;;
  crash-loop) exit 1 ;;
  ignores-term) trap '' TERM; ready; while :; do sleep 1000; done ;;
  never-reads) say "$hello"; ready; exec sleep 1000 ;;
  never-reads-at-base-level) ready; exec sleep 1000 ;;
  floods-stderr) ready; yes 'a line for nobody' >&2 ;;
  floods-stdout) ready; yes '{"type":"dance"}' ;;
  floods-garbage) ready; yes 'not JSON' ;;
  grandchild) sleep 1000 & ready; exit 1 ;;
  grandchild-that-left) setsid sleep 1000 & ready; exit 1 ;;
  invalid-utf8)
    printf '\377\376\n{"type":"message","from":"+15551112222","body":"\303("}\n'
    say '{"type":"message","from":"+15551112222","body":"ñ"}'
    ready; serve ;;
  memory) say "$hello"; ready; serve_with_memory 104857600 ;;
  grows) ready; x=$(bytes 100000000); serve ;;
  *) echo "[bridge] there is no way $WA_FAKE to misbehave" >&2; exit 78 ;;
esac
