#!/bin/sh
# Prints the path of a cosign that the tests check signatures with. Both major
# versions are in use, and differ in the forms that they sign in.
#
# usage: cosign.sh [--cached] v2|v3, as of program.sh
set -eu

cached=
if [ "${1:-}" = --cached ]; then
	cached=--cached
	shift
fi
case "${1:-}" in
v2) version=v2.6.5 ;;
v3) version=v3.1.3 ;;
*)
	echo "usage: cosign.sh [--cached] v2|v3" >&2
	exit 2
	;;
esac
exec "$(dirname "$0")/program.sh" $cached "github.com/sigstore/cosign/$1/cmd/cosign" $version
