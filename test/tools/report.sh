#!/bin/sh
# Makes docs/report.png and docs/incident.png anew, as a browser shows them: the
# page that bobctl test wrote of a real web application, attacked in a container,
# and the page of an incident, a shell that a service ran. Needs root.
set -eu

cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# picture PAGE FILE HEIGHT
picture() {
	chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
		--user-data-dir="$dir/browser" --window-size=1120,"$3" --screenshot="$dir/picture.png" \
		"file://$1" 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
	mv "$dir/picture.png" "$2"
}

BOBWATCH_REPORT="$dir" go test -tags grpcnotrace -count=1 -run '^TestContainer$' ./test/trial
picture "$dir/deviated.html" docs/report.png 1720
BOBWATCH_REPORT="$dir" go test -tags grpcnotrace -count=1 -run '^TestStories$' ./test/e2e
id=$(sed -n 's/.*"id":"\([0-9a-f]*\)","fingerprint".*nl \/etc\/passwd.*/\1/p' "$dir/incidents.jsonl" | head -n 1)
go run ./cmd/bobctl alerts show "$id" --from "$dir/incidents.jsonl" --html >"$dir/incident.html"
picture "$dir/incident.html" docs/incident.png 1500
