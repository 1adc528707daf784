# Functions for the clients of services, which run on the host.
#
# PID     the service's first process
# CLIENT  the first process of a container that has all clients
# EXEC    the start of a command that runs a program in the service's container
# TMP     a directory of the client's
# N       the round of the load
set -u

# c runs a client in the service's network, on files of its own.
c() { nsenter --target "$CLIENT" --mount --root --net="/proc/$PID/ns/net" -- sh -c 'cd /tmp && exec "$@"' sh "$@"; }

# get fetches URLs. What the server answers is its own business.
get() { for u in "$@"; do c curl -s -o /dev/null --max-time 10 "$u"; done; }

# talk sends lines to a port and prints the answer.
talk() {
	local port=$1
	shift
	printf '%s\r\n' "$@" | c nc -q 1 -w 3 127.0.0.1 "$port"
}

# inside runs a program in the service's container, as an operator does.
inside() { $EXEC --exec-id "x$RANDOM$RANDOM" "$ID" "$@"; }

# processes prints the service's processes called COMM.
processes() {
	local root=/sys/fs/cgroup/unified p
	[ -d $root ] || root=/sys/fs/cgroup
	for p in $(cat "$root$(sed -n 's/^0:://p' "/proc/$PID/cgroup")/cgroup.procs"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$1" ] && echo "$p"
	done
}

# youngest prints one process called COMM that is not the first.
youngest() { processes "$1" | grep -vx "$PID" | tail -n 1; }

# rename renames a file of the service, as a log rotation on the host does.
rename() { mv "/proc/$PID/root$1" "/proc/$PID/root$2"; }

same() { :; }
change() { :; }
