#!/bin/sh
# Regenerates all generated files and fails if that changed one of them: what
# is committed must be what the sources make.
set -eu

sums() {
	{
		grep -rlE --include='*.go' '^// Code generated .* DO NOT EDIT\.$' .
		find . -name '*_bpfel.o'
		echo ./deploy/manifests/bobwatch.yaml
	} | sort | xargs sha256sum
}

before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
sums >"$before"
go generate ./...
test/tools/manifests.sh
sums >"$after"
if ! diff "$before" "$after"; then
	echo "generated files differ from their sources; commit what 'make generate' made" >&2
	exit 1
fi
