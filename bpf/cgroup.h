/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* New cgroups are watched from before their first process. */
#ifndef BOBWATCH_CGROUP_H
#define BOBWATCH_CGROUP_H

#include "exec.h"

#define CLAIMED (~0ull) /* no cgroup's id */

static __always_inline bool is_v2(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == 0;
}

/* Takes a free slot for a cgroup; -1 if its bucket is full. */
static __always_inline int claim_slot(__u64 id)
{
	__u32 bucket = bucket_of(id);

	for (int way = 0; way < WAYS; way++) {
		if (__sync_val_compare_and_swap(&state.ids[bucket][way], 0, CLAIMED) == 0) {
			int slot = bucket * WAYS + way;

			barrier_var(
				slot); /* or the masks are optimised away, and 6.1 asks for them */
			return slot;
		}
	}
	__sync_fetch_and_add(&state.counters.cgroups_untracked, 1);
	return -1;
}

static __always_inline void publish_slot(int slot, __u64 id)
{
	state.ids[(slot & (SLOTS - 1)) / WAYS][slot & (WAYS - 1)] = id;
}

static __always_inline void init_container(int slot, struct task_struct *creator)
{
	struct container *container = container_at(slot);
	struct inode *root = BPF_CORE_READ(creator, fs, root.dentry, d_inode);

	__builtin_memset(container, 0, sizeof(*container));
	container->root_ino = BPF_CORE_READ(root, i_ino);
	container->root_dev = BPF_CORE_READ(root, i_sb, s_dev);
	container->mnt_ns = BPF_CORE_READ(creator, nsproxy, mnt_ns, ns.inum);
}

/* The slot of the container that makes this cgroup below its own, or -1. */
static __always_inline int nesting_slot(struct cgroup *cgroup, struct task_struct *creator)
{
	struct cgroup *parent = BPF_CORE_READ(cgroup, self.parent, cgroup);
	struct native *native = native_of(creator);
	int slot = find_slot(BPF_CORE_READ(parent, kn, id));

	if (slot < 0 || !is_native(native, container_at(slot)) || !belongs_to(native, slot))
		return -1;
	return slot;
}

static __always_inline void report_cgroup(enum event_kind kind, __u64 id, const char *path)
{
	struct scratch *scratch = get_scratch(&cgroup_scratch);
	long bytes;

	if (!scratch)
		return;
	__builtin_memset(&scratch->event, 0, sizeof(scratch->event));
	scratch->event.kind = kind;
	scratch->event.cgroup = id;
	scratch->event.time_ns = bpf_ktime_get_boot_ns();
	bytes = bpf_probe_read_kernel_str(scratch->data, PATH_BYTES, path);
	if (bytes < 0)
		bytes = 0;
	scratch->event.path_bytes = bytes;
	send_uncharged(scratch, sizeof(struct event) + (bytes & (PATH_BYTES * 2 - 1)),
		       kind == KIND_CGROUP_CREATED ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(handle_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	struct task_struct *creator = (void *)bpf_get_current_task();
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	int slot, nesting;

	if (!is_v2(cgroup) || find_own_slot(id) >= 0)
		return 0; /* v1, or seen by the program of an earlier agent */
	slot = claim_slot(id);
	if (slot < 0)
		return 0;
	nesting = nesting_slot(cgroup, creator);
	state.owner[slot & (SLOTS - 1)] = nesting < 0 ? slot : nesting;
	init_container(slot, creator);
	publish_slot(slot, id);
	if (nesting < 0)
		report_cgroup(KIND_CGROUP_CREATED, id, path);
	return 0;
}

/*
 * User space frees the slot, because it may still hold news of it. The slot of a
 * nested cgroup is freed at once, because user space does not know it.
 */
SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(handle_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	int slot;

	if (!is_v2(cgroup))
		return 0;
	slot = find_own_slot(id);
	if (slot < 0)
		return 0;
	if (owner_of(slot) == slot)
		report_cgroup(KIND_CGROUP_REMOVED, id, path);
	else
		publish_slot(slot, 0);
	return 0;
}

/*
 * A process that leaves its container for another cgroup is followed, or it would
 * escape the watch. A process that the service manager moves out of a plain cgroup,
 * such as a session that sshd began, is handed over, and not followed.
 */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(handle_cgroup_attach, struct cgroup *destination, const char *path,
	     struct task_struct *task, bool threadgroup)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct container *container;
	struct native *native;
	bool handed_over;

	if (!is_v2(destination))
		return 0;
	native = native_of(task);
	if (!native)
		return 0;
	container = container_at(native->owner);
	if (!is_native(native, container) || !belongs_to(native, native->owner))
		return 0;
	if (find_slot(BPF_CORE_READ(destination, kn, id)) == (int)native->owner) {
		set_left(native, false);
		return 0;
	}
	handed_over = container->plain && bpf_get_current_pid_tgid() >> 32 == 1;
	report_move(&cgroup_scratch, task, native, path, handed_over ? FLAG_HANDED_OVER : 0);
	set_left(native, !handed_over);
	if (handed_over)
		bpf_map_delete_elem(&natives, &tgid);
	return 0;
}

#endif
