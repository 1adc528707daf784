#!/bin/sh
# Makes docs/report.png anew: the page that bobctl test wrote of a real web
# application, attacked in a container, as a browser shows it. Needs root.
set -eu

cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
BOBWATCH_REPORT="$dir" go test -tags grpcnotrace -count=1 -run '^TestContainer$' ./test/trial
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
	--user-data-dir="$dir/browser" --window-size=1120,1720 --screenshot="$dir/report.png" \
	"file://$dir/deviated.html" 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
mv "$dir/report.png" docs/report.png
