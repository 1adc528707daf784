#!/bin/sh
# Makes all generated files in a copy of the tree and fails if one of them is
# not as it is here: what is committed must be what the sources make. The tree
# itself stays as it is, so that the tests that compare files compare these.
set -eu
cd "$(dirname "$0")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM
git ls-files -z --cached --others --exclude-standard |
	tar --create --null --ignore-failed-read --files-from=- 2>/dev/null | tar --extract --directory "$copy"
# A repository of its own tells apart what git ignores.
git -C "$copy" init --quiet
git -C "$copy" add --all
(cd "$copy" && go generate ./... && test/tools/manifests.sh)
# New files count as well.
git -C "$copy" add --all --intent-to-add
if ! git -C "$copy" diff --exit-code --stat -- . >&2; then
	git -C "$copy" diff -- '*.go' '*.md' '*.json' '*.yaml' | head -n 60 >&2
	echo "generated files differ from what their sources make; run 'make generate' and commit" >&2
	exit 1
fi
