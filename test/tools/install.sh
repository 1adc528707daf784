#!/bin/sh
# Installs what a step needs and the machine lacks, from Debian's packages and
# the Go module proxy. Does nothing, quickly, where nothing is missing.
#
# usage: install.sh build|demo|screens|cluster|test|lint
set -eu

golangci_lint=v2.15.0
gofumpt=v0.12.0

bpf="clang-19 llvm-19 libbpf-dev"
sinks="prometheus prometheus-alertmanager rsyslog rsyslog-gnutls"
registries="docker-registry skopeo"
containers="containerd runc mmdebstrap debian-archive-keyring bsdutils util-linux"
cluster="containerd runc containernetworking-plugins etcd-server iproute2 nftables iptables conntrack
	util-linux"
recorded="redis-server nginx-light memcached lighttpd dnsmasq-base sqlite3 curl perl-base strace"
case "${1:-}" in
build) packages="" ;;
demo) packages="$containers" ;;
screens) packages="$registries busybox-static tmux" ;;
cluster) packages="$cluster" ;;
lint) packages="clang-format-19" ;;
test) packages="$bpf apparmor clang-format-19 $containers $cluster gcc libc6-dev bpftrace redis-tools busybox-static
	qemu-system-x86 cpio xz-utils kmod tmux chromium fonts-dejavu-core rpm $recorded $registries $sinks" ;;
*)
	echo "usage: install.sh build|demo|screens|cluster|test|lint" >&2
	exit 2
	;;
esac

# missing prints those of the packages that are not installed.
missing() {
	for package in "$@"; do
		case "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" in
		installed) ;;
		*) echo "$package" ;;
		esac
	done
}

# install_packages installs packages without starting the services in them.
install_packages() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "install.sh: needs root to install: $*" >&2
		exit 1
	fi
	echo "installing with apt: $*" >&2
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f '$policy EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt="apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
	log=$(mktemp)
	# Lists that are old name packages that the mirror no longer has.
	if ! { $apt install -y --no-install-recommends "$@" ||
		{ $apt update && $apt install -y --no-install-recommends "$@"; }; } >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		rm -f "$log"
		echo "install.sh: apt could not install: $*" >&2
		exit 1
	fi
	rm -f "$log"
}

# install_tool builds one Go program of one version into the cache.
install_tool() {
	name=$1 module=$2 version=$3
	dir=${XDG_CACHE_HOME:-$HOME/.cache}/bobwatch/tools/$name-$version
	[ -x "$dir/$name" ] && return 0
	mkdir -p "$dir"
	(
		flock 9 # two runs at once build one program, not two
		[ -x "$dir/$name" ] && exit 0
		echo "building $name $version" >&2
		GOBIN=$dir GOFLAGS= go install "$module@$version" >&2
	) 9>"$dir/lock"
}

# Package names hold no blanks.
# shellcheck disable=SC2046,SC2086
set -- "$1" $(missing $packages)
step=$1
shift
[ $# -eq 0 ] || install_packages "$@"

case $step in
lint)
	install_tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint $golangci_lint
	install_tool gofumpt mvdan.cc/gofumpt $gofumpt
	;;
esac
