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

/* Whether a slot still is that of the container a process came into. */
static __always_inline bool belongs_to(const struct native *native, __u32 slot)
{
	return native->owner == slot && native->cgroup == cgroup_at(slot);
}

/*
 * Whether what the process does may enter the known sets. What somebody at a
 * terminal does from outside is not learned, and must be news again when the
 * workload does it.
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

/* Parents as long as they are in the same container. */
static __always_inline void read_ancestors(struct event *event, struct task_struct *task, int slot)
{
	struct task_struct *ancestor = BPF_CORE_READ(task, group_leader, real_parent);
	__u32 i;

	for (i = 0; i < MAX_ANCESTORS; i++) {
		if (!ancestor || find_slot(cgroup_of(ancestor)) != slot)
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

/* Fills in what every record says: who, in which container. Leaves the data alone. */
static __always_inline void start_record(struct scratch *scratch, int slot, enum event_kind kind,
					 const struct native *native)
{
	struct task_struct *task = (void *)bpf_get_current_task();
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

/*
 * A leaky bucket. `due` is when the next record would be due at one per
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

static __always_inline bool budget_allows(struct container *container, struct event *event)
{
	bool ok;

	if (event->flags & FLAG_RUNTIME)
		ok = within_budget(&container->runtime_due_ns, news_cost_ns, news_burst_ns);
	else if (event->kind == KIND_EXEC)
		ok = within_budget(&container->exec_due_ns, exec_cost_ns, exec_burst_ns);
	else if (event->kind == KIND_OPEN)
		ok = within_budget(&container->open_due_ns, news_cost_ns, news_burst_ns);
	else
		ok = within_budget(&container->call_due_ns, news_cost_ns, news_burst_ns);
	if (!ok) {
		__sync_fetch_and_add(&state.counters.over_budget[event->kind & (KINDS - 1)], 1);
		__sync_fetch_and_add(&container->held, 1);
	}
	return ok;
}

/* Sends a record with `bytes` bytes of data. False if it has to wait. */
static __always_inline bool send_record(struct container *container, struct scratch *scratch,
					__u64 bytes)
{
	struct event *event = &scratch->event;

	if (!budget_allows(container, event))
		return false;
	if (bytes > sizeof(scratch->data))
		bytes = sizeof(scratch->data);
	if (bpf_ringbuf_output(&events, scratch, sizeof(struct event) + bytes, 0)) {
		__sync_fetch_and_add(&state.counters.ring_full[event->kind & (KINDS - 1)], 1);
		__sync_fetch_and_add(&container->held, 1);
		return false;
	}
	__sync_fetch_and_add(&state.counters.records[event->kind & (KINDS - 1)], 1);
	return true;
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

/* Identifies the program a task runs, for counting what it repeats. */
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
