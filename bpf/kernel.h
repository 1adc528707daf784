/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The few kernel types the sensor reads. They are declared by hand in place of
 * a generated vmlinux.h (2.8 MB, one kernel's) because CO-RE needs names only:
 * offsets come from the running kernel's BTF when the program is loaded.
 */
#ifndef BOBWATCH_KERNEL_H
#define BOBWATCH_KERNEL_H

#include <linux/types.h>
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bx;
	unsigned long r9;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	int syscallno;
};

struct thread_info {
	unsigned long flags;
};
#else
#error "unknown target"
#endif

struct qstr {
	__u64 hash_len;
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned short i_mode;
	unsigned int i_nlink;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

/* The time of the last change to an inode: since 6.11, 6.6 and before. */
struct inode___6_11 {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct inode___6_6 {
	struct timespec64 __i_ctime;
};

struct inode___5_15 {
	struct timespec64 i_ctime;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
	struct mount *root;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct signal_struct {
	atomic_t live;
	struct tty_struct *tty;
};

struct cred {
	kuid_t uid;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
};

struct linux_binprm {
	struct file *file;
};

/* Context of the per-syscall exit tracepoints. */
struct trace_entry {
	unsigned short type;
};

struct syscall_trace_exit {
	struct trace_entry ent;
	int nr;
	long ret;
};

struct open_how {
	__u64 flags;
};

struct filename {
	const char *name;
};

/* io_uring/openclose.c, what io_kiocb.cmd holds for the open opcodes. */
struct io_open {
	int dfd;
	struct filename *filename;
	struct open_how how;
};

/* Since 7.0 the name in it is wrapped. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_open___delayed {
	struct delayed_filename filename;
};

struct io_cmd_data {
	struct file *file;
};

struct io_kiocb {
	struct io_cmd_data cmd;
	__u8 opcode;
};

#pragma clang attribute pop

/* Since 6.2: lets a program follow kernel pointers by plain loads. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_EXEC 0x20	       /* in f_flags: opened to be executed */
#define FMODE_CREATED 0x100000 /* since 4.19: this open made the file */

#define EPERM 1
#define EACCES 13
#define EFAULT 14
#define EROFS 30

#define AT_FDCWD (-100)
#define O_ACCMODE 3
#define O_PATH 010000000

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534F434B
#define ANON_INODE_FS_MAGIC 0x09041934

/* include/uapi/linux/io_uring.h */
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */
#define X32_SYSCALL_BIT (1u << 30)
#define NR_open 2
#define NR_creat 85
#define NR_self_test 146 /* sched_get_priority_max */
#define NR_openat 257
#define NR_open_by_handle_at 304
#define NR_compat_open 5 /* i386 */
#define NR_compat_creat 8
#define NR_compat_openat 295
#define NR_compat_openat2 437
#else
#define TIF_32BIT 22	 /* arch/arm64/include/asm/thread_info.h */
#define NR_self_test 125 /* sched_get_priority_max */
#define NR_open_by_handle_at 265
#define NR_compat_open 5 /* arm */
#define NR_compat_creat 8
#define NR_compat_openat 322
#define NR_compat_openat2 437
#endif

static __always_inline bool task_is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & TS_COMPAT;
#else
	return task->thread_info.flags & (1ul << TIF_32BIT);
#endif
}

#endif
