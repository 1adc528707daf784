#!/bin/sh
# After removal. What the agent learned stays until dpkg purges; rpm knows no
# purge and keeps it.
set -eu
if [ "${1:-}" = purge ]; then
	rm -rf /var/lib/bobwatch /etc/bobwatch
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
