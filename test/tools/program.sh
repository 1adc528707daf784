#!/bin/sh
# Prints the path of a program built from its Go module, for tests: cosign,
# which they check signatures against, and helm (see helm.sh). Building takes
# minutes, so the binary is kept outside of the tree, one for each version.
#
# usage: program.sh [--cached] PACKAGE VERSION
#        for example: program.sh github.com/sigstore/cosign/v3/cmd/cosign v3.1.3
#   --cached  print the path only if the binary is there already, else exit 1
set -eu

cached=
if [ "${1:-}" = --cached ]; then
	cached=yes
	shift
fi
if [ $# -ne 2 ]; then
	echo "usage: program.sh [--cached] PACKAGE VERSION" >&2
	exit 2
fi
package=$1 version=$2
name=${package##*/}

tools=${XDG_CACHE_HOME:-$HOME/.cache}/bobwatch/tools
binary=$tools/$name-$version
if [ -x "$binary" ]; then
	echo "$binary"
	exit 0
fi
if [ -n "$cached" ]; then
	echo "$binary is not built yet: run test/tools/program.sh $package $version" >&2
	exit 1
fi

mkdir -p "$tools"
exec 9>"$binary.lock"
flock 9 # two runs at once build one program, not two
if [ ! -x "$binary" ]; then
	build=$(mktemp -d "$tools/build.XXXXXX")
	trap 'rm -rf "$build"' EXIT
	trap 'exit 1' INT TERM
	# From outside of the tree: its go.mod has no say in another program's versions.
	(cd "$build" && GOBIN=$build CGO_ENABLED=0 go install "$package@$version") >&2
	mv "$build/$name" "$binary" # atomic: a parallel test sees all of it or nothing
fi
echo "$binary"
