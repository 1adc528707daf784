#!/bin/sh
# Prints the path of the helm that renders, checks and installs the chart.
#
# usage: helm.sh [--cached], as of program.sh
set -eu

# Told by a released helm to `helm template`, but not by `go install`: the
# Kubernetes of its own libraries.
flags='-s -w'
for package in chartutil lint/rules; do
	flags="$flags -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1"
	flags="$flags -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=34"
done
GOFLAGS="'-ldflags=$flags'" exec "$(dirname "$0")/program.sh" "$@" helm.sh/helm/v3/cmd/helm v3.19.5
