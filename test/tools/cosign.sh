#!/bin/sh
# Prints the path of a cosign built from its Go module, which the tests check
# their signatures against. Building takes some four minutes, so the binary is
# kept outside of the tree, one for each version.
#
# usage: cosign.sh [--cached] VERSION      for example: cosign.sh v3.1.3
#   --cached  print the path only if the binary is there already, else exit 1
set -eu

cached=
if [ "${1:-}" = --cached ]; then
	cached=yes
	shift
fi
if [ $# -ne 1 ]; then
	echo "usage: cosign.sh [--cached] VERSION" >&2
	exit 2
fi
version=$1

tools=${XDG_CACHE_HOME:-$HOME/.cache}/bobwatch/tools
binary=$tools/cosign-$version
if [ -x "$binary" ]; then
	echo "$binary"
	exit 0
fi
if [ -n "$cached" ]; then
	echo "$binary is not built yet: run test/tools/cosign.sh $version" >&2
	exit 1
fi

major=${version%%.*}
mkdir -p "$tools"
build=$(mktemp -d "$tools/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
# From outside of the tree: its go.mod has no say in another program's versions.
(cd "$build" && GOBIN=$build go install "github.com/sigstore/cosign/$major/cmd/cosign@$version") >&2
mv "$build/cosign" "$binary" # atomic: a parallel test sees all of it or nothing
echo "$binary"
