/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Putting a record together, and deciding whether it may be sent now. */
#ifndef BOBWATCH_RECORD_H
#define BOBWATCH_RECORD_H

#include "maps.h"

static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* The current task's cgroup; plain loads cost less than the helper's call. */
static __always_inline __u64 current_cgroup(struct task_struct *current)
{
	return current->cgroups->dfl_cgrp->kn->id;
}

static __always_inline struct native *native_of(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	return bpf_map_lookup_elem(&natives, &tgid);
}

/* The id of a container's own cgroup. */
static __always_inline __u64 cgroup_at(__u32 slot)
{
	return state.ids[(slot & (SLOTS - 1)) / WAYS][slot & (WAYS - 1)];
}

static __always_inline bool is_native(const struct native *native,
				      const struct container *container)
{
	return native && (native->entered || container->plain);
}

/* Whether a slot still belongs to the container that the process came into. */
static __always_inline bool belongs_to(const struct native *native, __u32 slot)
{
	return native->owner == slot && native->cgroup == cgroup_at(slot);
}

/* The slot of the container that a process has left, or -1. */
static __always_inline int followed_slot(__u32 tgid)
{
	struct native *native = bpf_map_lookup_elem(&natives, &tgid);

	if (!native || !native->left || !belongs_to(native, native->owner))
		return -1;
	return native->owner & (SLOTS - 1);
}

/*
 * The slot of the container that a process belongs to, or -1: the container of its
 * cgroup, or the one it left. There is no look-up while no process has left. The
 * function is global, so that the verifier checks it once, and not in every round of
 * the loops that call it. It calls none: each call takes 32 of 512 bytes of stack.
 */
__noinline int find_container(__u64 cgroup, __u32 tgid)
{
	int slot = -1;

	if (state.left)
		slot = followed_slot(tgid);
	return slot < 0 ? find_slot(cgroup) : slot;
}

static __always_inline int slot_of(struct task_struct *task)
{
	return find_container(cgroup_of(task), BPF_CORE_READ(task, tgid));
}

static __always_inline int current_slot(void)
{
	return find_container(current_cgroup(bpf_get_current_task_btf()),
			      bpf_get_current_pid_tgid() >> 32);
}

static __always_inline void set_left(struct native *native, bool left)
{
	if (native->left == left)
		return;
	native->left = left;
	__sync_fetch_and_add(&state.left, left ? 1 : -1);
}

/*
 * Whether the acts of the process may enter the known sets. The acts of a user at a
 * terminal who came from outside are not learned, and must be news again when the
 * workload does them.
 */
static __always_inline bool is_learned(const struct native *native,
				       const struct container *container)
{
	if (!is_native(native, container))
		return false;
	return container->state == STATE_GUARDED || native->origin != ORIGIN_OUTSIDE ||
	       !native->tty;
}

static __always_inline void read_process(struct process *process, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	process->pid = BPF_CORE_READ(task, tgid);
	process->start_ns = BPF_CORE_READ(leader, start_boottime);
	process->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_INTO(&process->comm, leader, comm);
}

/* Reads the ancestors, as long as they are in the same container. */
static __always_inline void read_ancestors(struct event *event, struct task_struct *task, int slot)
{
	struct task_struct *ancestor = BPF_CORE_READ(task, group_leader, real_parent);
	__u32 i;

	for (i = 0; i < MAX_ANCESTORS; i++) {
		if (!ancestor || slot_of(ancestor) != slot)
			break;
		read_process(&event->ancestors[i], ancestor);
		ancestor = BPF_CORE_READ(ancestor, group_leader, real_parent);
	}
	event->ancestors_len = i;
}

static __always_inline struct scratch *get_scratch(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

/* Fills in the fields that every record has: process and container. Leaves the data alone. */
static __always_inline void start_record_of(struct scratch *scratch, int slot, enum event_kind kind,
					    const struct native *native, struct task_struct *task)
{
	struct container *container = container_at(slot);
	struct event *event = &scratch->event;

	__builtin_memset(event, 0, offsetof(struct event, ancestors));
	event->time_ns = bpf_ktime_get_boot_ns();
	event->kind = kind;
	event->cgroup = cgroup_at(slot);
	if (is_native(native, container)) {
		event->origin = native->origin;
		if (native->tty)
			event->flags |= FLAG_TTY;
		if (native->left)
			event->flags |= FLAG_LEFT;
	} else {
		event->flags |= FLAG_RUNTIME;
		if (native)
			event->origin = native->origin;
	}
	if (container->state == STATE_GUARDED)
		event->flags |= FLAG_GUARDED;
	read_process(&event->process, task);
	read_ancestors(event, task, slot);
}

static __always_inline void start_record(struct scratch *scratch, int slot, enum event_kind kind,
					 const struct native *native)
{
	start_record_of(scratch, slot, kind, native, (void *)bpf_get_current_task());
}

/* The share of the container's budget, and of the ring buffer, that a record is charged to. */
static __always_inline __u32 share_of(const struct event *event)
{
	if (event->flags & FLAG_RUNTIME)
		return SHARE_RUNTIME;
	switch (event->kind) {
	case KIND_EXEC:
	case KIND_MOVED:
		return SHARE_EXECS;
	case KIND_CHANGE:
		return event->flags & FLAG_SENSITIVE ? SHARE_SENSITIVE : SHARE_CHANGES;
	case KIND_OPEN:
		return event->flags & FLAG_SENSITIVE ? SHARE_SENSITIVE : SHARE_OPENS;
	case KIND_CONNECTION:
	case KIND_SOCKET:
		return SHARE_NET;
	default:
		return SHARE_CALLS;
	}
}

/*
 * A leaky bucket of bytes. `due` is when the next byte would be due at one per
 * `cost`; it may lie `burst` in the future. Racing CPUs may both pass: the
 * budget is about fairness, not exactness.
 */
static __always_inline bool within_budget(__u64 *due, __u64 cost, __u64 burst)
{
	__u64 now = bpf_ktime_get_boot_ns();
	__u64 next = *due;

	if (next < now)
		next = now;
	if (next - now > burst)
		return false;
	*due = next + cost;
	return true;
}

/* Bytes taken in the ring buffer, including records that user space read but did not release. */
static __always_inline __u64 ring_taken(void)
{
	if (!state.keeps)
		return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	return bpf_ringbuf_query(&events, BPF_RB_PROD_POS) - state.released;
}

/* Sends a record that no container is charged for. Leaves room for records that race with it. */
static __always_inline bool send_uncharged(struct scratch *scratch, __u64 bytes, __u64 flags)
{
	struct counters *counters = &state.counters;
	__u32 kind = scratch->event.kind & (KINDS - 1);
	__u64 size = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE);

	if (ring_taken() + bytes + size / 32 > size ||
	    bpf_ringbuf_output(&events, scratch, bytes, flags)) {
		__sync_fetch_and_add(&counters->ring_full[kind], 1);
		return false;
	}
	__sync_fetch_and_add(&counters->records[kind], 1);
	return true;
}

/*
 * Whether the ring buffer has room for one more record of this share. No share of
 * any container may hold more of the buffer than remains free, so that some room is
 * left for the others, no matter how many flood it. A quarter is reserved for
 * executions, moves and cgroups, half of that for cgroups alone.
 *
 * share->waiting is exact only when the reader has read all of the share's records:
 * the reader's position has passed the last one then.
 */
static __always_inline bool has_room(struct share *share, __u32 kind, __u64 bytes)
{
	__u64 size = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE);
	__u64 taken = ring_taken();
	__u64 reserved = kind == SHARE_EXECS ? size / 8 : size / 4;

	if ((long)(bpf_ringbuf_query(&events, BPF_RB_CONS_POS) - share->end) >= 0)
		share->waiting = 0;
	return taken + reserved + share->waiting + 2 * bytes <= size;
}

/*
 * Whether a record wakes the reader, which costs several times as much as sending
 * it. A record that may be a deviation wakes the reader at once. Others wait for
 * such a record, for WAKE_BYTES, or for the reader's own clock.
 */
static __always_inline __u64 wakeup_of(const struct event *event, __u64 bytes)
{
	__u64 taken;

	if (event->flags & FLAG_ALLOWED)
		return BPF_RB_NO_WAKEUP;
	if (event->kind == KIND_MOVED ||
	    (event->flags & (FLAG_GUARDED | FLAG_RUNTIME)) == FLAG_GUARDED)
		return BPF_RB_FORCE_WAKEUP;
	taken = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	return taken < WAKE_BYTES && taken + bytes >= WAKE_BYTES ? BPF_RB_FORCE_WAKEUP
								 : BPF_RB_NO_WAKEUP;
}

/* Sends a record with `bytes` bytes of data. Returns false if the record has to wait. */
static __always_inline bool send_record(struct container *container, struct scratch *scratch,
					__u64 bytes)
{
	struct event *event = &scratch->event;
	__u32 kind = share_of(event);
	struct share *share = &container->shares[kind & (SHARES - 1)];
	__u64 total;

	if (bytes > sizeof(scratch->data))
		bytes = sizeof(scratch->data);
	total = sizeof(struct event) + bytes;
	if (!has_room(share, kind, total))
		goto full;
	if (!within_budget(&share->due_ns,
			   total * (kind == SHARE_EXECS ? exec_byte_ns : news_byte_ns),
			   kind == SHARE_EXECS ? exec_burst_ns : news_burst_ns)) {
		__sync_fetch_and_add(&state.counters.over_budget[event->kind & (KINDS - 1)], 1);
		__sync_fetch_and_add(&share->held, 1);
		return false;
	}
	if (bpf_ringbuf_output(&events, scratch, total, wakeup_of(event, total)))
		goto full;
	__sync_fetch_and_add(&share->waiting, total);
	share->end = bpf_ringbuf_query(&events, BPF_RB_PROD_POS);
	__sync_fetch_and_add(&state.counters.records[event->kind & (KINDS - 1)], 1);
	return true;
full:
	__sync_fetch_and_add(&state.counters.ring_full[event->kind & (KINDS - 1)], 1);
	__sync_fetch_and_add(&share->held, 1);
	return false;
}

/* The file behind a descriptor, or NULL. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

/* Identifies the program that a task runs, to count repeated acts by program. */
static __always_inline __u64 exe_of(struct task_struct *task)
{
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	return BPF_CORE_READ(inode, i_ino) ^ (__u64)BPF_CORE_READ(inode, i_sb, s_dev) << 40;
}

/*
 * Returns whether a deviation is to be reported now, with the repeats since
 * its last report; if not, counts it.
 */
static __always_inline bool deviation_due(const struct deviation_key *key, __u32 *repeats)
{
	struct deviation *deviation = bpf_map_lookup_elem(&deviations, key);

	*repeats = 0;
	if (!deviation)
		return true;
	if (bpf_ktime_get_boot_ns() - deviation->reported_ns < cooldown_ns) {
		__sync_fetch_and_add(&deviation->repeats, 1);
		return false;
	}
	*repeats = deviation->repeats;
	return true;
}

static __always_inline void deviation_reported(const struct deviation_key *key)
{
	struct deviation deviation = {.reported_ns = bpf_ktime_get_boot_ns()};

	bpf_map_update_elem(&deviations, key, &deviation, BPF_ANY);
}

#endif
