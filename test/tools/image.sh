#!/bin/sh
# Builds the container image as bobwatch:VERSION, with what the machine has.
#
# usage: image.sh VERSION
set -eu
version=${1:?usage: image.sh VERSION}
cd "$(dirname "$0")/../.."

if docker info >/dev/null 2>&1; then # the client alone builds nothing
	exec docker build --build-arg "VERSION=$version" --tag "bobwatch:$version" .
elif command -v buildah >/dev/null; then
	# chroot needs no user namespace, which a container may not get.
	exec buildah build --isolation "${BUILDAH_ISOLATION:-chroot}" \
		--build-arg "VERSION=$version" --tag "bobwatch:$version" .
fi
echo "image.sh: needs docker or buildah (apt-get install buildah)" >&2
exit 1
