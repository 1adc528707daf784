#!/bin/sh
# After installation and upgrade, by dpkg ("configure") and rpm (1 or 2).
set -eu
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
case "${1:-}" in
configure) [ -z "${2:-}" ] && first=yes || first=no ;;
1) first=yes ;;
*) first=no ;;
esac
if [ $first = yes ]; then
	systemctl enable --quiet bobwatch.service
	systemctl start bobwatch.service || true # `systemctl status bobwatch` says why
else
	# The new agent takes over what the old one left in the kernel.
	systemctl try-restart bobwatch.service || true
fi
