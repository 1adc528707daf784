/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Paths from the dentry tree, leaf to root and over mounts. A program that races the
 * string it passed to a call cannot change them.
 */
#ifndef BOBWATCH_PATH_H
#define BOBWATCH_PATH_H

#include "known.h"

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/*
 * Hashes the device and the names from a file to the root; this is most of the cost
 * of a known open. The kernel salts its hash of a name with the address of the
 * directory, so a container cannot construct a collision. Returns 0 if the path is
 * deeper than MAX_DEPTH.
 */
static __always_inline __u64 hash_path(struct dentry *dentry, struct vfsmount *mnt)
{
	struct dentry *mnt_root = BPF_CORE_READ(mnt, mnt_root);
	__u64 hash = mix(hash_seed, BPF_CORE_READ(mnt, mnt_sb, s_dev));

	for (int i = 0; i < MAX_DEPTH; i++) {
		struct dentry *parent;

		if (dentry == mnt_root) {
			struct mount *mount = mount_of(mnt);
			struct mount *up = BPF_CORE_READ(mount, mnt_parent);

			if (up == mount) /* a detached mount of a file has but this name */
				return mix(hash, BPF_CORE_READ(dentry, d_name.hash_len));
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
			mnt_root = BPF_CORE_READ(mnt, mnt_root);
			continue;
		}
		hash = mix(hash, BPF_CORE_READ(dentry, d_name.hash_len));
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			return hash;
		dentry = parent;
	}
	return 0;
}

#define CAST(type, pointer) \
	((struct type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type)))

/* The same hash by plain loads, for kernels with bpf_rdonly_cast: half the cost. */
static __always_inline __u64 hash_path_cast(struct dentry *leaf, struct vfsmount *leaf_mnt)
{
	struct dentry *dentry = CAST(dentry, leaf);
	struct vfsmount *mnt = CAST(vfsmount, leaf_mnt);
	struct dentry *mnt_root = mnt->mnt_root;
	__u64 hash = mix(hash_seed, mnt->mnt_sb->s_dev);

	for (int i = 0; i < MAX_DEPTH; i++) {
		struct dentry *parent;

		if (dentry == mnt_root) {
			struct mount *mount = CAST(mount, mount_of(mnt));
			struct mount *up = mount->mnt_parent;

			if (up == mount)
				return mix(hash, dentry->d_name.hash_len);
			dentry = mount->mnt_mountpoint;
			mnt = &up->mnt;
			mnt_root = mnt->mnt_root;
			continue;
		}
		hash = mix(hash, dentry->d_name.hash_len);
		parent = dentry->d_parent;
		if (parent == dentry)
			return hash;
		dentry = parent;
	}
	return 0;
}

/*
 * Appends the names from a dentry to the root, leaf first and NUL-terminated,
 * to the record's path. Sets FLAG_PATH_TRUNCATED if the root was not reached
 * and FLAG_OUTSIDE if it is not the root of the task's mount namespace: a file of
 * the host, or a file outside of any tree. For a mount that is attached nowhere the
 * names go on to the root of its file system.
 *
 * The length is in the record, not in a variable: a value from memory is the same
 * unknown to the verifier in every round, so the verifier checks one round only.
 */
static __noinline int append_path(struct scratch *scratch, const struct path *path,
				  struct task_struct *task)
{
	struct dentry *dentry, *mnt_root;
	struct vfsmount *mnt;

	if (!scratch || !path)
		return 0;
	dentry = path->dentry;
	mnt = path->mnt;
	mnt_root = BPF_CORE_READ(mnt, mnt_root);
	for (int i = 0; i < MAX_DEPTH; i++) {
		__u32 at = *(volatile __u16 *)&scratch->event.path_bytes;
		struct dentry *parent;
		long bytes;

		if (dentry == mnt_root) {
			struct mount *mount = mount_of(mnt);
			struct mount *up = BPF_CORE_READ(mount, mnt_parent);

			if (up == mount) {
				if (mount == BPF_CORE_READ(task, nsproxy, mnt_ns, root))
					return 0;
				mnt_root = NULL;
				continue;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
			mnt_root = BPF_CORE_READ(mnt, mnt_root);
			continue;
		}
		if (at > PATH_BYTES - MAX_NAME)
			break;
		bytes = bpf_probe_read_kernel_str(&scratch->data[at], MAX_NAME,
						  BPF_CORE_READ(dentry, d_name.name));
		if (bytes <= 0) {
			__sync_fetch_and_add(&state.counters.unreadable, 1);
			break;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		/* A dentry outside of any tree still has a name, unless it is a root. */
		if (parent != dentry || scratch->data[at] != '/')
			scratch->event.path_bytes = at + bytes;
		if (parent == dentry)
			goto at_root;
		dentry = parent;
	}
	scratch->event.flags |= FLAG_PATH_TRUNCATED;
	return 0;
at_root:
	scratch->event.flags |= FLAG_OUTSIDE;
	return 0;
}

/* Pipes, sockets and the like, reopened through /proc: they have no path. */
static __always_inline bool is_anonymous(struct file *file)
{
	unsigned long magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);

	return magic == PIPEFS_MAGIC || magic == SOCKFS_MAGIC || magic == ANON_INODE_FS_MAGIC;
}

/* When the file's content, names or attributes changed last. */
static __always_inline __u64 changed_ns(struct inode *inode)
{
	struct inode___6_11 *newest = (void *)inode;
	struct inode___6_6 *newer = (void *)inode;
	struct inode___5_15 *old = (void *)inode;
	__u64 second = 1000ull * 1000 * 1000;

	if (bpf_core_field_exists(newest->i_ctime_sec))
		return BPF_CORE_READ(newest, i_ctime_sec) * second +
		       BPF_CORE_READ(newest, i_ctime_nsec);
	if (bpf_core_field_exists(newer->__i_ctime))
		return BPF_CORE_READ(newer, __i_ctime.tv_sec) * second +
		       BPF_CORE_READ(newer, __i_ctime.tv_nsec);
	return BPF_CORE_READ(old, i_ctime.tv_sec) * second + BPF_CORE_READ(old, i_ctime.tv_nsec);
}

/* Reads the facts about the file itself: its identity, whether it has a name, and whether it lies
 * on a layer of the image. */
static __always_inline void read_file_facts(struct event *event, struct file *file)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	char name[8] = {};

	event->ino = BPF_CORE_READ(inode, i_ino);
	event->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	event->changed_ns = changed_ns(inode);
	if (event->dev != BPF_CORE_READ(task, fs, root.dentry, d_inode, i_sb, s_dev))
		event->flags |= FLAG_MOUNT;
	if (!BPF_CORE_READ(inode, i_nlink))
		event->flags |= FLAG_DELETED;
	if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		event->flags |= FLAG_CREATED;
	if (magic == TMPFS_MAGIC && event->flags & FLAG_DELETED) {
		bpf_probe_read_kernel(name, 6, BPF_CORE_READ(file, f_path.dentry, d_name.name));
		if (!__builtin_memcmp(name, "memfd:", 6))
			event->flags |= FLAG_MEMFD;
	}
	if (magic == OVERLAYFS_SUPER_MAGIC) {
		/* struct ovl_inode: __upperdentry follows the embedded inode (4.8 and later) */
		void *upper = NULL;

		bpf_probe_read_kernel(&upper, sizeof(upper),
				      (void *)inode + bpf_core_type_size(struct inode));
		event->flags |= upper ? FLAG_UPPER_LAYER : FLAG_LOWER_LAYER;
	}
}

#endif
