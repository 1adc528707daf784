#!/bin/sh
# Before removal: stop the agent and detach what it left in the kernel. An
# upgrade ("upgrade" of dpkg, 1 of rpm) leaves both alone.
set -eu
case "${1:-}" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now --quiet bobwatch.service || true
fi
/usr/sbin/bobwatch-agent -unpin || true
