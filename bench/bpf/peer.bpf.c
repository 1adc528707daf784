// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What bobwatch is compared with: the usual way to learn a container's
 * syscalls, a hash map keyed by mount namespace and syscall that holds a count.
 * It is written as lean as that scheme can be, without the filters, the
 * enrichment and the second program that the tools in use add to it.
 */
#include "../../bpf/kernel.h"

struct key {
	__u32 mnt_ns;
	__u32 nr;
};

/* Written by handle_sys_enter, read by nobody here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("raw_tp/sys_enter")
int handle_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct key key = {
		.mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum),
		.nr = ctx->args[1],
	};
	__u64 *count = bpf_map_lookup_elem(&counts, &key);
	__u64 one = 1;

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
