/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Executions, and the marking of native processes. A task becomes native to a
 * container when it executes a program inside of the container's root; its children
 * inherit that. All other tasks in the cgroup belong to the container runtime.
 */
#ifndef BOBWATCH_EXEC_H
#define BOBWATCH_EXEC_H

#include "known.h"
#include "path.h"

static __always_inline bool on_own_root(struct task_struct *task, const struct container *container)
{
	struct inode *root = BPF_CORE_READ(task, fs, root.dentry, d_inode);

	return BPF_CORE_READ(root, i_ino) != container->root_ino ||
	       BPF_CORE_READ(root, i_sb, s_dev) != container->root_dev;
}

/* An OCI hook: started by a task of the runtime that is in the container's cgroup already. */
static __always_inline bool is_hook(struct task_struct *task, int slot)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct native *native;

	if (slot_of(parent) != slot)
		return false;
	native = native_of(parent);
	return !native || !native->entered;
}

/* Marks the task, which has just executed a program in the container's cgroup. */
static __always_inline void mark_native(struct task_struct *task, int slot)
{
	struct container *container = container_at(slot);
	struct native *known = native_of(task);
	struct native native = {};
	bool root, hook;
	__u32 tgid;

	if (known && belongs_to(known, slot) && (known->entered || container->plain))
		return;
	root = on_own_root(task, container);
	hook = is_hook(task, slot);
	native.entered =
		root ||
		(BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != container->mnt_ns && !hook);
	if (known && belongs_to(known, slot) && !native.entered)
		return;
	if (known)
		set_left(known, false);
	tgid = BPF_CORE_READ(task, tgid);
	native.cgroup = cgroup_at(slot);
	native.owner = slot;
	native.tty = BPF_CORE_READ(task, signal, tty) != NULL;
	if (!native.entered && !container->plain)
		native.origin = ORIGIN_UNKNOWN;
	else if (hook)
		native.origin = ORIGIN_HOOK;
	else if (__sync_fetch_and_add(&container->entries, 1))
		native.origin = ORIGIN_OUTSIDE;
	else
		native.origin = ORIGIN_ENTRYPOINT;
	if (bpf_map_update_elem(&natives, &tgid, &native, BPF_ANY))
		__sync_fetch_and_add(&state.counters.natives_full, 1);
}

/* Appends the argument vector of the new image to the record, after the path. */
static __always_inline void append_args(struct scratch *scratch, struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long bytes = BPF_CORE_READ(task, mm, arg_end) - start;
	__u32 at = scratch->event.path_bytes;

	if (at > PATH_BYTES)
		return;
	if (bytes > ARGS_BYTES - 1) {
		bytes = ARGS_BYTES - 1;
		scratch->event.flags |= FLAG_ARGS_TRUNCATED;
	}
	if (bpf_probe_read_user(&scratch->data[at], bytes & (ARGS_BYTES - 1), (void *)start)) {
		__sync_fetch_and_add(&state.counters.unreadable, 1);
		scratch->event.flags |= FLAG_ARGS_TRUNCATED;
		return;
	}
	scratch->event.args_bytes = bytes;
}

#define EXEC_HASHED 1024 /* bytes of path and arguments; a longer execution is never known */

/*
 * Hashes the data in exec_scratch word by word. Zeros fill the last word, so that
 * the loop has one exit and the verifier of 6.1 follows it once. The function is
 * global, so that the verifier checks it once.
 */
__noinline __u64 hash_exec(__u32 bytes)
{
	struct scratch *scratch = get_scratch(&exec_scratch);
	__u64 hash = mix(hash_seed, bytes);
	__u64 word = 0;

	if (!scratch || bytes > EXEC_HASHED)
		return 0;
	__builtin_memcpy(&scratch->data[bytes], &word, sizeof(word));
	for (__u32 at = 0; at < EXEC_HASHED; at += sizeof(word)) {
		if (at >= bytes)
			break;
		__builtin_memcpy(&word, &scratch->data[at], sizeof(word));
		hash = mix(hash, word);
	}
	return hash;
}

/*
 * Computes the key of the execution in exec_scratch from everything that user space
 * judges it by, and flags it if user space has allowed one with this key before. The
 * record is sent in any case: user space tracks the program of each process.
 */
static __always_inline void recognise_exec(struct event *event, int slot)
{
	__u32 bytes = event->path_bytes + event->args_bytes;
	struct known_key key;
	__u32 *verdict;
	__u64 hash;

	if (!(event->flags & FLAG_GUARDED) || bytes > EXEC_HASHED)
		return;
	hash = mix(hash_exec(bytes), (__u64)event->path_bytes << 32 | event->flags);
	hash = mix(mix(hash, event->ino), event->changed_ns);
	hash = mix(hash, (__u64)event->dev << 32 | event->origin);
	key = known_key_of(slot, KIND_EXEC, hash, 0);
	event->known_key = key.hash;
	verdict = bpf_map_lookup_elem(&known, &key);
	if (verdict && *verdict == KNOWN_ALLOWED)
		event->flags |= FLAG_ALLOWED;
}

/* Fires once per successful execve, after the new image is mapped. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(handle_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	int slot = slot_of(task);
	struct scratch *scratch;
	struct file *file;
	struct path path;

	if (slot < 0)
		return 0;
	mark_native(task, slot);
	scratch = get_scratch(&exec_scratch);
	if (!scratch)
		return 0;
	start_record(scratch, slot, KIND_EXEC, native_of(task));
	file = BPF_CORE_READ(bprm, file);
	read_file_facts(&scratch->event, file);
	BPF_CORE_READ_INTO(&path, file, f_path);
	append_path(scratch, &path, (void *)bpf_get_current_task());
	append_args(scratch, task);
	recognise_exec(&scratch->event, slot);
	send_record(container_at(slot), scratch,
		    scratch->event.path_bytes + scratch->event.args_bytes);
	return 0;
}

static __always_inline void report_move(void *map, struct task_struct *task,
					const struct native *native, const char *destination,
					enum event_flag flags)
{
	struct scratch *scratch = get_scratch(map);
	long bytes = 0;

	if (!scratch)
		return;
	start_record(scratch, native->owner, KIND_MOVED, native);
	scratch->event.flags |= flags;
	read_process(&scratch->event.process, task);
	read_ancestors(&scratch->event, task, native->owner);
	if (destination)
		bytes = bpf_probe_read_kernel_str(scratch->data, PATH_BYTES, destination);
	if (bytes < 0)
		bytes = 0;
	scratch->event.path_bytes = bytes;
	send_record(container_at(native->owner), scratch, bytes);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(handle_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(child, tgid);
	struct native *native;
	struct native copy;
	bool leaves;

	if (tgid == (__u32)BPF_CORE_READ(parent, tgid))
		return 0; /* a thread */
	native = native_of(parent);
	if (!native)
		return 0;
	copy = *native;
	/* CLONE_INTO_CGROUP leaves without an attach. */
	leaves = !copy.left && is_native(&copy, container_at(copy.owner)) &&
		 belongs_to(&copy, copy.owner) && find_slot(cgroup_of(child)) != (int)copy.owner;
	if (leaves)
		copy.left = true;
	if (bpf_map_update_elem(&natives, &tgid, &copy, BPF_ANY))
		__sync_fetch_and_add(&state.counters.natives_full, 1);
	else if (copy.left)
		__sync_fetch_and_add(&state.left, 1);
	if (leaves)
		report_move(&fork_scratch, child, &copy, NULL, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(handle_exit, struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct native *native;
	bool left;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	native = bpf_map_lookup_elem(&natives, &tgid);
	if (!native)
		return 0;
	left = native->left;
	/* Two threads may end at once; one of them deletes. */
	if (!bpf_map_delete_elem(&natives, &tgid) && left)
		__sync_fetch_and_add(&state.left, -1);
	return 0;
}

#endif
