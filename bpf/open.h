/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Opens, on the exits of the five syscalls that open (not on raw sys_exit,
 * which would tax every syscall), and on the submission of io_uring's two.
 */
#ifndef BOBWATCH_OPEN_H
#define BOBWATCH_OPEN_H

#include "selftest.h"
#include "sensitive.h"

struct open_args {
	const void *name; /* what the caller passed, in user or kernel memory */
	int dfd;
	__u64 flags;
};

/* A file that was just opened; the key for the set of known opens. */
struct opened {
	struct file *file;
	__u32 access;
	__u64 hash; /* 0: too deep to be remembered */
	__u64 ino;
	__u32 dev;
};

static __always_inline void read_opened(struct opened *opened, struct file *file)
{
	struct path path;

	opened->file = file;
	opened->access = BPF_CORE_READ(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	BPF_CORE_READ_INTO(&path, file, f_path);
	opened->hash = hash_path(path.dentry, path.mnt);
	opened->ino = BPF_CORE_READ(file, f_inode, i_ino);
	opened->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
}

/* The same by plain loads, see hash_path_cast. */
static __always_inline void read_opened_cast(struct opened *opened, struct file *file)
{
	opened->file = file;
	opened->access = CAST(file, file)->f_mode & (FMODE_READ | FMODE_WRITE);
	opened->hash =
		hash_path_cast(CAST(file, file)->f_path.dentry, CAST(file, file)->f_path.mnt);
	opened->ino = CAST(file, file)->f_inode->i_ino;
	opened->dev = CAST(file, file)->f_inode->i_sb->s_dev;
}

/* file_of for the current task, by plain loads. */
static __always_inline struct file *own_file(__u32 fd)
{
	struct fdtable *table = bpf_get_current_task_btf()->files->fdt;
	struct file *file = NULL;

	if (fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), &table->fd[fd]);
	return file;
}

static __always_inline struct known_key open_key_of(int slot, __u64 hash, __u32 access)
{
	return known_key_of(slot, KIND_OPEN, hash, access);
}

/*
 * Whether the current task's opens are watched: the workload's, and, until user space
 * has decided whether the cgroup is a container, those of every program executed in
 * it. The latter never enter the known set.
 */
static __always_inline bool watches_opens(const struct native *native,
					  const struct container *container)
{
	return native && (is_native(native, container) || container->state == STATE_PARKED);
}

/* A file that was opened and is not in the set of known opens. */
static __noinline int report_file(__u32 slot, struct file *file, __u32 access, __u64 hash)
{
	struct container *container = container_at(slot);
	__u32 *sensitive = sensitive_file(slot, file);
	struct deviation_key deviation = {.exe = exe_of((void *)bpf_get_current_task())};
	enum news news = NEWS_FIRST;
	struct known_key key;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct native *native;
	struct scratch *scratch;
	struct path path;
	__u32 repeats = 0;

	native = bpf_map_lookup_elem(&natives, &tgid);
	if (!watches_opens(native, container) || is_anonymous(file))
		return 0;
	/* If the file is sensitive, the name is known only together with that file. */
	if (hash && sensitive)
		hash = mix(hash, 1ull << 32 | *sensitive);
	key = open_key_of(slot, hash, access);
	if (hash)
		news = news_of(&key, &deviation, &repeats);
	scratch = get_scratch(&open_scratch);
	if (news == NEWS_NONE || !scratch)
		return 0;
	start_record(scratch, slot, KIND_OPEN, native);
	if (sensitive) {
		scratch->event.flags |= FLAG_SENSITIVE;
		scratch->event.nr = *sensitive;
	}
	scratch->event.access = access;
	scratch->event.known_key = key.hash;
	scratch->event.repeats = repeats;
	read_file_facts(&scratch->event, file);
	BPF_CORE_READ_INTO(&path, file, f_path);
	append_path(scratch, &path, (void *)bpf_get_current_task());
	if (send_record(container, scratch, scratch->event.path_bytes) && hash &&
	    is_learned(native, container))
		news_sent(news, &key, &deviation);
	return 0;
}

#define HASHED_BYTES 256 /* an open by a longer string is never known */

/* Hashes the caller's string; `bytes` includes the NUL. */
static __always_inline __u64 hash_string(struct scratch *scratch, __u32 bytes)
{
	__u64 hash = mix(hash_seed, bytes);
	__u64 word;

	for (__u32 at = 0; at < HASHED_BYTES; at += sizeof(word)) {
		if (at + sizeof(word) > bytes) {
			word = 0;
			for (__u32 i = 0; i < sizeof(word); i++)
				if (at + i < bytes)
					word = word << 8 | scratch->data[at + i];
			return mix(hash, word);
		}
		__builtin_memcpy(&word, &scratch->data[at], sizeof(word));
		hash = mix(hash, word);
	}
	return hash;
}

/* The directory that a relative path starts from. */
static __always_inline void base_of(struct task_struct *task, int dfd, struct path *path)
{
	if (dfd == AT_FDCWD) {
		BPF_CORE_READ_INTO(path, task, fs, pwd);
		return;
	}
	BPF_CORE_READ_INTO(path, file_of(task, dfd), f_path);
}

static __always_inline __u32 access_of_flags(__u64 flags)
{
	if (flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case 0:
		return ACCESS_READ;
	case 1:
		return ACCESS_WRITE;
	default:
		return ACCESS_READ | ACCESS_WRITE;
	}
}

/*
 * Reports an open by the caller's string alone: the open was refused, or has not
 * happened yet. scratch->data holds `bytes` bytes of the string.
 */
static __always_inline int report_named(struct scratch *scratch, int slot, __u32 bytes,
					const struct open_args *args, __u32 error, __u32 flags)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct container *container = container_at(slot);
	__u32 access = access_of_flags(args->flags);
	struct deviation_key deviation = {.exe = exe_of((void *)bpf_get_current_task())};
	struct known_key key;
	struct native *native = native_of(task);
	struct path base = {};
	enum news news;
	__u32 repeats = 0;
	__u64 hash;

	if (!watches_opens(native, container))
		return 0;
	hash = mix(hash_string(scratch, bytes), 0x100 | error);
	if (scratch->data[0] != '/') {
		base_of(task, args->dfd, &base);
		hash = mix(hash, hash_path(base.dentry, base.mnt));
	}
	key = open_key_of(slot, hash, access);
	news = bytes > HASHED_BYTES ? NEWS_FIRST : news_of(&key, &deviation, &repeats);
	if (news == NEWS_NONE)
		return 0;
	start_record(scratch, slot, KIND_OPEN, native);
	scratch->event.flags |= FLAG_CALLER_PATH | flags;
	scratch->event.error = error;
	scratch->event.access = access;
	scratch->event.known_key = key.hash;
	scratch->event.repeats = repeats;
	scratch->event.caller_bytes = bytes;
	scratch->event.path_bytes = bytes;
	if (base.dentry)
		append_path(scratch, &base, (void *)bpf_get_current_task());
	if (send_record(container, scratch, scratch->event.path_bytes) && bytes <= HASHED_BYTES &&
	    is_learned(native, container))
		news_sent(news, &key, &deviation);
	return 0;
}

/* Reads the arguments of the returning system call. Returns false if it takes no path. */
static __always_inline bool read_open_args(struct pt_regs *regs, struct open_args *args)
{
#if defined(__TARGET_ARCH_x86)
	long nr = BPF_CORE_READ(regs, orig_ax);

	if (nr == NR_open_by_handle_at)
		return false;
	args->dfd = AT_FDCWD;
	args->name = (void *)BPF_CORE_READ(regs, di);
	if (nr == NR_creat) {
		args->flags = 1;
		return true;
	}
	if (nr == NR_open) {
		args->flags = BPF_CORE_READ(regs, si);
		return true;
	}
	args->dfd = BPF_CORE_READ(regs, di);
	args->name = (void *)BPF_CORE_READ(regs, si);
	args->flags = BPF_CORE_READ(regs, dx);
	if (nr == NR_openat)
		return true;
#else
	int nr = BPF_CORE_READ(regs, syscallno);

	if (nr == NR_open_by_handle_at)
		return false;
	/* orig_x0 holds dfd; regs[0] is the result by now, so the path is taken as relative to cwd
	 */
	args->dfd = AT_FDCWD;
	args->name = (void *)BPF_CORE_READ(regs, regs[1]);
	args->flags = BPF_CORE_READ(regs, regs[2]);
	if (nr == 56)
		return true;
#endif
	/* openat2: flags are the first field of struct open_how */
	if (bpf_probe_read_user(&args->flags, sizeof(args->flags), (void *)args->flags))
		args->flags = 0;
	return true;
}

static __noinline int report_call(__u32 slot, __u32 error)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *scratch = get_scratch(&open_scratch);
	struct open_args args = {};
	long bytes;

	if (!scratch || !read_open_args((void *)bpf_task_pt_regs(task), &args))
		return 0;
	bytes = bpf_probe_read_user_str(scratch->data, PATH_BYTES, args.name);
	if (bytes <= 0 || bytes > PATH_BYTES) {
		__sync_fetch_and_add(&state.counters.unreadable, 1);
		return 0;
	}
	return report_named(scratch, slot, bytes, &args, error, error ? FLAG_REFUSED : 0);
}

/* Reports an opened file unless the open is known. */
static __always_inline int file_opened(int slot, struct file *file, bool cast)
{
	struct opened opened;
	struct known_key key;

	if (cast)
		read_opened_cast(&opened, file);
	else
		read_opened(&opened, file);
	if (opened.hash && !may_be_sensitive(container_at(slot), opened.ino, opened.dev)) {
		key = open_key_of(slot, opened.hash, opened.access);
		if (is_known(&key))
			return 0;
	}
	return report_file(slot, opened.file, opened.access, opened.hash);
}

/* Notes that handle_file_opened has seen an open of the current task. */
static __always_inline void set_opener(__u64 task)
{
	__u32 zero = 0;
	__u64 *opener_here = bpf_map_lookup_elem(&opener, &zero);

	if (opener_here)
		*opener_here = task;
}

/*
 * Whether handle_file_opened has seen the open that returns now. It has not if it
 * is not attached, if the kernel skipped it because it already ran on this CPU, or
 * if the task has moved to another CPU since.
 */
static __always_inline bool file_was_seen(void)
{
	__u32 zero = 0;
	__u64 *opener_here = bpf_map_lookup_elem(&opener, &zero);

	if (!opener_here || *opener_here != bpf_get_current_pid_tgid())
		return false;
	*opener_here = 0;
	return true;
}

static __always_inline int open_exit(struct syscall_trace_exit *ctx, bool cast)
{
	struct file *file;
	long ret = ctx->ret;
	int slot;

	if (ret == -EFAULT || ret == -EPERM) {
		if (is_self_test((void *)bpf_task_pt_regs(bpf_get_current_task_btf())))
			return answer_self_test();
	}
	slot = current_slot();
	if (slot < 0)
		return 0;
	if (ret < 0) {
		if (ret == -EACCES || ret == -EPERM || ret == -EROFS)
			report_call(slot, -ret);
		return 0; /* a file that is not there was not opened */
	}
	/* A handle is no path; the last open seen may have no exit, such as io_uring's. */
	if (traces_files && ctx->nr != NR_open_by_handle_at && file_was_seen())
		return 0;
	file = cast ? own_file(ret) : file_of((void *)bpf_get_current_task(), ret);
	/* Without a file, another thread has closed it already: only the name is left. */
	return file ? file_opened(slot, file, cast) : report_call(slot, 0);
}

/*
 * An opened file that has no descriptor yet, so that no other thread can replace or
 * close it. This covers every call that takes a path, 32-bit and io_uring's too. On
 * kernels without a trampoline only the exits of the calls are watched.
 */
static __always_inline int file_traced(struct file *file, bool cast)
{
	int slot = current_slot();

	if (slot < 0 || (unsigned long)file >= (unsigned long)-4095)
		return 0;
	if (BPF_CORE_READ(file, f_flags) & FMODE_EXEC)
		return 0; /* an execution, which is reported as such */
	file_opened(slot, file, cast);
	set_opener(bpf_get_current_pid_tgid());
	return 0;
}

SEC("fexit/do_filp_open")
int BPF_PROG(handle_file_opened, int dfd, void *name, void *op, struct file *file)
{
	return file_traced(file, true);
}

SEC("fexit/do_filp_open")
int BPF_PROG(handle_file_opened_probe, int dfd, void *name, void *op, struct file *file)
{
	return file_traced(file, false);
}

static __always_inline __u64 compat_argument(struct pt_regs *regs, int n)
{
#if defined(__TARGET_ARCH_x86)
	switch (n) {
	case 0:
		return (__u32)BPF_CORE_READ(regs, bx);
	case 1:
		return (__u32)BPF_CORE_READ(regs, cx);
	default:
		return (__u32)BPF_CORE_READ(regs, dx);
	}
#else
	return (__u32)BPF_CORE_READ(regs, regs[n]);
#endif
}

/*
 * Opens by 32-bit calls. Their exits have no tracepoint of their own, so the record
 * has only the caller's string, and opens of missing files are reported too.
 */
static __noinline int report_compat_open(__u32 slot, struct pt_regs *regs, __u64 nr)
{
	struct scratch *scratch = get_scratch(&syscall_scratch);
	struct open_args args = {.dfd = AT_FDCWD};
	__u64 flags = 0;
	long bytes;
	int first = 0;

	if (nr == NR_compat_openat || nr == NR_compat_openat2) {
		args.dfd = compat_argument(regs, 0);
		first = 1;
	} else if (nr != NR_compat_open && nr != NR_compat_creat) {
		return 0;
	}
	args.name = (void *)compat_argument(regs, first);
	flags = compat_argument(regs, first + 1);
	if (nr == NR_compat_creat)
		args.flags = 1;
	else if (nr != NR_compat_openat2)
		args.flags = flags;
	else if (bpf_probe_read_user(&args.flags, sizeof(args.flags), (void *)flags))
		args.flags = 0;
	if (!scratch)
		return 0;
	bytes = bpf_probe_read_user_str(scratch->data, PATH_BYTES, args.name);
	if (bytes <= 0 || bytes > PATH_BYTES) {
		__sync_fetch_and_add(&state.counters.unreadable, 1);
		return 0;
	}
	return report_named(scratch, slot, bytes, &args, 0, 0);
}

/* Attached to the exits of open, openat, openat2, creat and open_by_handle_at. */
SEC("tracepoint/syscalls/sys_exit_openat")
int handle_open_exit(struct syscall_trace_exit *ctx)
{
	return open_exit(ctx, true);
}

/* Replaces it on kernels before 6.2, or that refuse bpf_rdonly_cast in a tracepoint. */
SEC("tracepoint/syscalls/sys_exit_openat")
int handle_open_exit_probe(struct syscall_trace_exit *ctx)
{
	return open_exit(ctx, false);
}

static __always_inline const char *name_of(const struct io_open *open)
{
	const struct io_open___delayed *delayed = (const void *)open;

	if (bpf_core_type_exists(struct delayed_filename))
		return BPF_CORE_READ(delayed, filename.__incomplete_filename, name);
	return BPF_CORE_READ(open, filename, name);
}

/* io_uring opens by its own submission, which the syscall tracepoints do not see. */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(handle_uring_submit, struct io_kiocb *req)
{
	__u8 opcode = BPF_CORE_READ(req, opcode);
	int slot = current_slot();
	struct io_open *open = (void *)&req->cmd;
	struct open_args args;
	struct scratch *scratch;
	long bytes;

	if (slot < 0 || (opcode != IORING_OP_OPENAT && opcode != IORING_OP_OPENAT2))
		return 0;
	scratch = get_scratch(&uring_scratch);
	if (!scratch)
		return 0;
	args.dfd = BPF_CORE_READ(open, dfd);
	args.name = name_of(open);
	args.flags = BPF_CORE_READ(open, how.flags);
	bytes = bpf_probe_read_kernel_str(scratch->data, PATH_BYTES, args.name);
	if (bytes <= 0 || bytes > PATH_BYTES) {
		__sync_fetch_and_add(&state.counters.unreadable, 1);
		return 0;
	}
	return report_named(scratch, slot, bytes, &args, 0, FLAG_IO_URING);
}

#endif
