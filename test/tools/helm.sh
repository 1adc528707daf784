#!/bin/sh
# Prints the path of a helm built from its Go module, which renders, checks and
# installs the chart. Building takes some two minutes, so the binary is kept
# outside of the tree, one for each version.
#
# usage: helm.sh [--cached] [VERSION]
#   --cached  print the path only if the binary is there already, else exit 1
set -eu

cached=
if [ "${1:-}" = --cached ]; then
	cached=yes
	shift
fi
version=${1:-v3.19.5}

tools=${XDG_CACHE_HOME:-$HOME/.cache}/bobwatch/tools
binary=$tools/helm-$version/helm
if [ -x "$binary" ]; then
	echo "$binary"
	exit 0
fi
if [ -n "$cached" ]; then
	echo "$binary is not built yet: run test/tools/helm.sh $version" >&2
	exit 1
fi

mkdir -p "$tools/helm-$version"
# One builds, others wait for it.
exec 9>"$tools/helm-$version/lock"
flock 9
if [ ! -x "$binary" ]; then
	echo "building helm $version" >&2
	build=$(mktemp -d "$tools/build.XXXXXX")
	trap 'rm -rf "$build"' EXIT
	# The Kubernetes that `helm template` supposes is that of its own libraries,
	# as in a released helm: 1.34 for 3.19.
	minor=${version#v3.}
	minor=$((${minor%%.*} + 15))
	flags="-s -w -X helm.sh/helm/v3/internal/version.version=$version"
	for package in chartutil lint/rules; do
		flags="$flags -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1"
		flags="$flags -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
	done
	# From outside of the tree: its go.mod has no say in another program's versions.
	(cd "$build" && CGO_ENABLED=0 GOFLAGS='' GOBIN=$build \
		go install -trimpath -ldflags "$flags" "helm.sh/helm/v3/cmd/helm@$version") >&2
	mv "$build/helm" "$binary" # atomic: whoever looks sees all of it or nothing
fi
echo "$binary"
