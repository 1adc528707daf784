#!/bin/sh
# Prints the directory of the Kubernetes that the tests run: every component
# and kubectl are names of one program, test/cluster/hyperkube. Building takes
# five to ten minutes, so it is kept outside of the tree, by what it is made of.
#
# usage: kubernetes.sh [--cached]
#   --cached  print the path only if the binary is there already, else exit 1
set -eu
cd "$(dirname "$0")/../cluster/hyperkube"

version=$(sed -n 's/^\tk8s.io\/kubernetes //p' go.mod)
# Components refuse to run against each other without a version; -s -w saves half the size.
set -- "${1:-}" -trimpath -ldflags "-s -w
	-X k8s.io/component-base/version.gitVersion=$version
	-X k8s.io/component-base/version.gitMajor=1
	-X k8s.io/component-base/version.gitMinor=$(echo "$version" | cut -d. -f2)
	-X k8s.io/component-base/version.gitTreeState=clean
	-X k8s.io/component-base/version.buildDate=1970-01-01T00:00:00Z"
mode=$1
shift

key=$({ cat main.go go.mod go.sum && go env GOVERSION GOARCH && echo "$*"; } | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bobwatch/kubernetes
dir=$cache/$version-$key
if [ -d "$dir" ]; then
	echo "$dir"
	exit 0
fi
if [ "$mode" = --cached ]; then
	echo "Kubernetes is not built yet: run test/tools/kubernetes.sh (five to ten minutes)" >&2
	exit 1
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two runs at once build one Kubernetes, not two
if [ ! -d "$dir" ]; then
	echo "building Kubernetes $version, once (five to ten minutes)" >&2
	trap 'rm -rf "$dir.partial"' EXIT
	trap 'exit 1' INT TERM
	mkdir -p "$dir.partial"
	GOWORK=off CGO_ENABLED=0 go build -o "$dir.partial/hyperkube" "$@" . >&2
	for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
		ln -sf hyperkube "$dir.partial/$name"
	done
	mv "$dir.partial" "$dir" # atomic: a parallel test sees all of it or nothing
fi
echo "$dir"
