#!/bin/sh
# Runs in a fresh Debian machine under systemd: installs the package, learns and
# guards a service, upgrades, removes, and looks for leftovers. Each line that
# begins with "ok" or "FAILED" is a result.
exec >/dev/console 2>&1
echo "the drill begins"
failed=0

check() {
	name=$1
	shift
	if "$@"; then
		echo "ok: $name"
	else
		echo "FAILED: $name"
		failed=1
	fi
}

# wait_for runs a command each second until it succeeds, for two minutes.
wait_for() {
	for _ in $(seq 120); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 1
	done
	"$@"
}

ready() { curl -sf http://127.0.0.1:9464/status | grep -q "\"state\": *\"$1\""; }
alerted() { journalctl -u bobwatch -o cat | grep -q "\"rule\":\"$1\".*$2"; }
gone() { ! [ -e "$1" ]; }

dpkg -i /packages/old.deb
check "installed, enabled and running" wait_for systemctl is-active bobwatch
sed -i 's/^learning:.*/learning: {window: 20s}/' /etc/bobwatch/agent.yaml
echo 'cgroups: {patterns: ["/system.slice/shop.service"]}' >>/etc/bobwatch/agent.yaml
systemctl restart bobwatch
systemctl start shop
check "learning the service" wait_for ready learning
check "guarding the service" wait_for ready guarded
touch /run/shop-attack
check "an alert for an unexpected program" wait_for alerted R0001 shop
check "every hook answers under the unit's restrictions" sh -c '! journalctl -u bobwatch -o cat | grep blinded'
before=$(systemctl show -p MainPID --value bobwatch)

dpkg -i /packages/new.deb
check "the new version runs" sh -c "/usr/sbin/bobwatch-agent -version | grep -q v0.2.0"
check "a new process runs" sh -c "[ \$(systemctl show -p MainPID --value bobwatch) != $before ]"
check "the configuration is kept" grep -q shop.service /etc/bobwatch/agent.yaml
check "guarding goes on after the upgrade" wait_for ready guarded

dpkg --remove bobwatch
check "what was learned outlives the removal" test -d /var/lib/bobwatch/profiles
dpkg --purge bobwatch
check "the service is gone" sh -c "! systemctl cat bobwatch"
for path in /usr/sbin/bobwatch-agent /usr/bin/bobctl /etc/bobwatch /var/lib/bobwatch /usr/lib/systemd/system/bobwatch.service; do
	check "nothing left of $path" gone $path
done
check "no program of the agent is left in the kernel" sh -c '! ls -d /sys/fs/bpf/bobwatch*'
check "no unit failed" sh -c '[ -z "$(systemctl --failed --no-legend)" ]'
journalctl -u bobwatch -o cat | tail -n 20 | cut -c 1-300
echo $failed >/dev/ttyS1
systemctl poweroff --force --force
