#!/bin/sh
# Verifies the files of a release that lie in this folder.
#
# usage: verify.sh bobwatch.pub
#
# Take the public key from where you trust it, not from this folder. Needs
# cosign and sha256sum.
set -eu
key=${1:?usage: verify.sh bobwatch.pub}
cd "$(dirname "$0")"
cosign verify-blob --key "$key" --bundle checksums.txt.sigstore.json --insecure-ignore-tlog checksums.txt
# Files that were not downloaded are no error; none at all is.
sha256sum --check --ignore-missing --strict checksums.txt
