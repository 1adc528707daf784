#!/bin/sh
# The first process of a node: it runs in network and mount namespaces of its
# own, makes the latter a node's, and then only holds them. The node sees the
# machine's programs, but has a /run, /var/lib and /var/log of its own, and a
# BPF file system, whose pins would else be another node's.
#
# usage: node.sh DIR      where run, lib, log and sysctl are
set -eu
dir=$1

mount --bind "$dir/lib" /var/lib
mount --bind "$dir/log" /var/log
mount --bind "$dir/run" /run
mkdir -p /run/netns /var/lib/kubelet
mount -t bpf bpf /sys/fs/bpf
# The kubelet insists on writing these, which are the machine's: it gets copies.
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
	kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
	copy=$dir/sysctl/$(echo $name | tr / _)
	cat /proc/sys/$name >"$copy"
	mount --bind "$copy" /proc/sys/$name
done
mount --make-rshared / # what is mounted later reaches the containers that ask for it
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
touch "$dir/ready"
exec sleep infinity
