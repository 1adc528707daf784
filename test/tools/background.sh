#!/bin/sh
# Builds and downloads what takes longest, below everything else that runs: the
# tests that need it wait for it, and the others do not. What is in the cache
# already takes no time.
#
# usage: background.sh LOG
exec >"${1:?usage: background.sh LOG}" 2>&1 </dev/null
cd "$(dirname "$0")/../.." || exit 1
renice -n 15 $$ >/dev/null

go run ./test/vm -fetch & # waits for the network
test/tools/helm.sh
test/tools/kubernetes.sh
test/tools/cosign.sh v3
test/tools/cosign.sh v2
wait
