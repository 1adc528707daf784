// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * bobwatch's programs in the kernel. For every container the kernel keeps a set of
 * known acts. A program tests the set and returns; only an act that is not in it
 * becomes a record. The act enters the set after its record was sent, so that a full
 * ring buffer delays news but does not lose it.
 *
 *   maps.h     the sets, the table of containers, the counters
 *   record.h   building a record, and whether it may be sent now
 *   selftest.h the agent checks that the programs run
 *   syscall.h  sys_enter
 *   path.h     paths from the dentry tree
 *   exec.h     executions, and native processes
 *   open.h     opens
 *   change.h   changes of files and names
 *   sensitive.h files that are known by identity
 *   known.h    acts that are known by a hash
 *   socket.h   sockets and packets
 *   net.h      connections, sockets
 *   cgroup.h   new cgroups, and processes that leave theirs
 */
#include "kernel.h"

#include <bpf/bpf_tracing.h>

#include "exec.h"
#include "open.h"
#include "change.h"
#include "syscall.h"
#include "cgroup.h"
#include "net.h"

char LICENSE[] SEC("license") = "GPL";
