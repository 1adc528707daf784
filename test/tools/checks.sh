#!/bin/bash
# Runs the checks that are not Go tests, and prints their results as
# `go test -json` would, for test/tools/summary.
cd "$(dirname "$0")/../.." || exit 1

check() {
	local name=$1 output action=pass
	shift
	output=$("$@" 2>&1) || action=fail
	[ $action = pass ] || echo "$output"
	printf '{"Action":"%s","Package":"%s","Test":"%s"}\n' $action "$name" "$*"
	printf '{"Action":"output","Package":"%s","Output":"ok \\n"}\n' "$name"
	printf '{"Action":"%s","Package":"%s","Elapsed":%d}\n' $action "$name" $((SECONDS - begun))
	begun=$SECONDS
}

begun=$SECONDS
check build make --no-print-directory build
check lint make --no-print-directory lint
check generated test/tools/generated.sh
