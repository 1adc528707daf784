/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Syscalls: known ones cost a table look-up and a bit test, nothing else. */
#ifndef BOBWATCH_SYSCALL_H
#define BOBWATCH_SYSCALL_H

#include "selftest.h"

static __always_inline bool set_has(const __u64 *set, __u32 nr)
{
	return *(volatile const __u64 *)&set[nr / 64 & (NR_WORDS - 1)] & 1ull << (nr & 63);
}

static __always_inline void set_add(__u64 *set, __u32 nr)
{
	__sync_fetch_and_or(&set[nr / 64 & (NR_WORDS - 1)], 1ull << (nr & 63));
}

static __always_inline enum event_abi syscall_abi(bool compat, __u64 nr)
{
	if (nr < MAX_NR)
		return compat ? ABI_COMPAT : ABI_NATIVE;
#if defined(__TARGET_ARCH_x86)
	if (!compat && nr & X32_SYSCALL_BIT)
		return ABI_X32;
#endif
	return ABI_UNKNOWN;
}

/* The set that remembers such a call, or NULL if no set does. */
static __always_inline __u64 *known_set(struct container *container, const struct native *native,
					enum event_abi abi)
{
	if (!is_native(native, container)) {
		if (abi != ABI_NATIVE)
			return NULL;
		return native && container->state == STATE_PARKED ? container->known_undecided
								  : container->known_runtime;
	}
	if (!is_learned(native, container))
		return NULL;
	if (abi == ABI_NATIVE)
		return container->known;
	return abi == ABI_COMPAT ? container->known_compat : NULL;
}

/*
 * A system call that is not in the workload's set. Out of line, to keep the path of
 * a known call short.
 */
static __noinline int syscall_news(__u32 slot, __u64 nr, bool compat)
{
	struct container *container = container_at(slot);
	enum event_abi abi = syscall_abi(compat, nr);
	struct deviation_key key = {};
	struct scratch *scratch;
	struct native *native;
	__u64 *known;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 repeats = 0;
	bool count;

	/* Known for any process: a call that the workload may make, its runtime may make too. */
	if (abi == ABI_NATIVE && set_has(container->known, nr))
		return 0;
	native = bpf_map_lookup_elem(&natives, &tgid);
	known = known_set(container, native, abi);
	if (known && set_has(known, nr))
		return 0;

	/* A call that no set remembers is counted by program instead. */
	count = !known || (is_native(native, container) && container->state == STATE_GUARDED);
	if (count) {
		key.cgroup = cgroup_at(slot);
		key.act = (__u64)abi << 56 | (__u64)(container->generation & 0xffffff) << 32 |
			  (nr & 0xffffffff);
		key.exe = exe_of((void *)bpf_get_current_task());
		if (!deviation_due(&key, &repeats))
			return 0;
	}

	scratch = get_scratch(&syscall_scratch);
	if (!scratch)
		return 0;
	start_record(scratch, slot, KIND_SYSCALL, native);
	scratch->event.nr = nr;
	scratch->event.abi = abi;
	scratch->event.repeats = repeats;
	if (!send_record(container, scratch, 0))
		return 0;
	if (count)
		deviation_reported(&key);
	else if (known)
		set_add(known, nr);
	return 0;
}

/* A call that handle_sys_enter does not find known: news, or the self-test of the agent. */
static __noinline int unknown_syscall(__u64 *ctx, int slot)
{
	struct pt_regs *regs = (void *)ctx[0];
	__u64 nr = ctx[1];
	bool compat;

	if (nr == NR_self_test && is_self_test(regs))
		return send_self_test();
	if (slot < 0)
		return 0;
	slot = owner_of(slot);
	compat = task_is_compat(bpf_get_current_task_btf());
	if (compat)
		report_compat_open(slot, regs, nr);
	return syscall_news(slot, nr, compat);
}

/*
 * The path of nearly every system call. All other code is out of line, so that this
 * path saves no registers for it. The set of a nested cgroup is empty here;
 * syscall_news looks at the set of its owner.
 */
SEC("tp_btf/sys_enter")
int handle_sys_enter(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int slot = find_own_slot(current_cgroup(task));
	__u64 nr = ctx[1];

	if (state.left) { /* one that left its container lives: each call asks whose it is */
		int followed = followed_slot(bpf_get_current_pid_tgid() >> 32);

		if (followed >= 0)
			slot = followed;
	} else if (slot >= 0) {
		if (nr < MAX_NR && set_has(container_at(slot)->known, nr) && !task_is_compat(task))
			return 0;
	} else if (nr != NR_self_test) {
		return 0;
	}
	return unknown_syscall(ctx, slot);
}

#endif
