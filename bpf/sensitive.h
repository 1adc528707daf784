/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Sensitive files are known by identity as well as by name, so that a second name
 * cannot hide an open of one, nor can records that use up the container's budget.
 */
#ifndef BOBWATCH_SENSITIVE_H
#define BOBWATCH_SENSITIVE_H

#include "path.h"

/* The bit of the bloom filter that stands for a file. */
static __always_inline __u32 sensitive_bit(__u64 ino, __u32 dev)
{
	return mix(ino, dev) >> 32 & (SENSITIVE_WORDS * 64 - 1);
}

/* Whether a file may be sensitive; also true for some files that are not. */
static __always_inline bool may_be_sensitive(const struct container *container, __u64 ino,
					     __u32 dev)
{
	__u32 bit = sensitive_bit(ino, dev);

	return container->sensitive[bit / 64 & (SENSITIVE_WORDS - 1)] & 1ull << (bit & 63);
}

/* The number of a file of the container, or NULL if it is not sensitive. */
static __always_inline __u32 *sensitive_file(int slot, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct file_key key = {
		.cgroup = cgroup_at(slot),
		.ino = BPF_CORE_READ(inode, i_ino),
		.dev = BPF_CORE_READ(inode, i_sb, s_dev),
	};

	if (!may_be_sensitive(container_at(slot), key.ino, key.dev))
		return NULL;
	return bpf_map_lookup_elem(&sensitive_files, &key);
}

/*
 * Run by the agent, never attached: marks the file behind one of its descriptors.
 * The device and inode of stat are not always those that the kernel uses.
 * Arguments: cgroup, descriptor, number.
 */
SEC("raw_tp")
int mark_sensitive(struct bpf_raw_tracepoint_args *ctx)
{
	struct file *file = file_of((void *)bpf_get_current_task(), ctx->args[1]);
	int slot = find_own_slot(ctx->args[0]);
	__u32 number = ctx->args[2];
	struct inode *inode;
	struct file_key key = {};
	__u32 bit;

	if (!file || slot < 0)
		return -1;
	inode = BPF_CORE_READ(file, f_inode);
	key.cgroup = ctx->args[0];
	key.ino = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	if (bpf_map_update_elem(&sensitive_files, &key, &number, BPF_ANY))
		return -1;
	bit = sensitive_bit(key.ino, key.dev);
	__sync_fetch_and_or(&container_at(slot)->sensitive[bit / 64 & (SENSITIVE_WORDS - 1)],
			    1ull << (bit & 63));
	return 0;
}

#endif
