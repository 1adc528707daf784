#!/bin/busybox sh
# The first process of a test machine. It runs /program with the arguments in
# /args, one a line, and writes its exit status to the second serial port,
# which neither the kernel nor the program prints on.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp

mkdir -p /proc /sys /dev /tmp
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tracefs trace /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs security /sys/kernel/security
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts
mount -t devpts -o ptmxmode=666 pts /dev/pts
[ -e /dev/ptmx ] || ln -s pts/ptmx /dev/ptmx
stty -F /dev/console -onlcr
ip link set lo up
insmod /overlay.ko

set --
while IFS= read -r arg; do set -- "$@" "$arg"; done </args
. /env
cd /work || exit
/program "$@"
echo $? >/dev/ttyS1
echo 0 >/proc/sys/kernel/printk # no farewell of the kernel after the program's output
poweroff -f
