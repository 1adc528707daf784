/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Changes of files and names, on the exits of the system calls that make them. For a
 * call with a descriptor the record has the file. For a call with a name it has only
 * the string that the caller passed, which a thread can replace in the meantime; the
 * record says so. No tracepoint offers more.
 */
#ifndef BOBWATCH_CHANGE_H
#define BOBWATCH_CHANGE_H

#include "call.h"
#include "open.h"

#define OTHER_BYTES 256 /* of the other name that a record shows */
#define OTHER_AT (PATH_BYTES + MAX_NAME)

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define S_ISUID 04000
#define S_ISGID 02000
#define S_ANYEXEC 0111

#define AT_REMOVEDIR 0x200

/* One file or name that a call changes. */
struct change {
	enum change_act act;
	int dfd;	  /* the directory of a relative name, or the file itself */
	const void *name; /* of the caller's memory; NULL: dfd is the file */
	const void *other;
	__u32 mode;
	__u32 error;
	__u32 flags;
};

/* Reads the other name to the data after the path. Returns false if the name is cut. */
static __always_inline bool read_other(struct scratch *scratch, const void *other)
{
	long bytes;

	__builtin_memset(&scratch->data[OTHER_AT], 0, OTHER_BYTES);
	scratch->event.args_bytes = 0;
	if (!other)
		return true;
	bytes = bpf_probe_read_user_str(&scratch->data[OTHER_AT], OTHER_BYTES, other);
	if (bytes > 0 && bytes <= OTHER_BYTES)
		scratch->event.args_bytes = bytes;
	return bytes < OTHER_BYTES;
}

/* Moves the other name to the end of the path, where a record has its arguments. */
static __always_inline void append_other(struct scratch *scratch)
{
	__u64 at = scratch->event.path_bytes;

	barrier_var(at); /* or the verifier cannot tell that it was compared */
	if (at <= PATH_BYTES + MAX_NAME)
		bpf_probe_read_kernel(&scratch->data[at], OTHER_BYTES, &scratch->data[OTHER_AT]);
}

static __always_inline __u64 hash_other(struct scratch *scratch, __u64 hash)
{
	__u64 word;

	for (__u32 i = 0; i < OTHER_BYTES; i += sizeof(word)) {
		__builtin_memcpy(&word, &scratch->data[OTHER_AT + i], sizeof(word));
		hash = mix(hash, word);
	}
	return hash;
}

static __always_inline __u64 hash_change(const struct change *change, __u64 hash)
{
	return mix(hash, (__u64)change->flags << 32 | change->error << 8 | change->act);
}

static __always_inline void start_change(struct scratch *scratch, int slot,
					 const struct change *change, const struct native *native)
{
	__u32 other_bytes = scratch->event.args_bytes;

	start_record(scratch, slot, KIND_CHANGE, native);
	scratch->event.args_bytes = other_bytes;
	scratch->event.flags |= change->flags;
	scratch->event.error = change->error;
	scratch->event.change = change->act;
	scratch->event.mode = change->mode;
}

static __always_inline int tell_changed_file(__u32 slot, const struct change *change)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct container *container = container_at(slot);
	struct deviation_key deviation = {.exe = exe_of(task)};
	struct file *file = file_of(task, change->dfd);
	struct native *native = native_of(task);
	struct scratch *scratch;
	enum news news = NEWS_FIRST;
	struct known_key key;
	struct path path;
	__u32 *sensitive;
	__u32 repeats = 0;
	__u64 hash;

	if (!file || is_anonymous(file) || !watches_opens(native, container))
		return 0;
	BPF_CORE_READ_INTO(&path, file, f_path);
	hash = hash_path(path.dentry, path.mnt);
	sensitive = sensitive_file(slot, file);
	if (hash && sensitive)
		hash = mix(hash, 1ull << 32 | *sensitive);
	key = known_key_of(slot, KIND_CHANGE, hash_change(change, hash), 0);
	if (hash)
		news = news_of(&key, &deviation, &repeats);
	scratch = get_scratch(&change_scratch);
	if (news == NEWS_NONE || !scratch)
		return 0;
	scratch->event.args_bytes = 0;
	start_change(scratch, slot, change, native);
	if (sensitive) {
		scratch->event.flags |= FLAG_SENSITIVE;
		scratch->event.nr = *sensitive;
	}
	scratch->event.known_key = key.hash;
	scratch->event.repeats = repeats;
	read_file_facts(&scratch->event, file);
	append_path(scratch, &path, task);
	if (send_record(container, scratch, scratch->event.path_bytes) && hash &&
	    is_learned(native, container))
		news_sent(news, &key, &deviation);
	return 0;
}

/*
 * A change of the file behind a descriptor. This function and report_changed_name are
 * global, so that the verifier checks them once, and not for every way in which a
 * call can name the changed file.
 */
__noinline int report_changed_file(__u32 slot, const struct change *change)
{
	if (!change)
		return 0;
	return tell_changed_file(slot, change);
}
/* A change of a file that the caller named by a path. */
static __always_inline int tell_changed_name(__u32 slot, const struct change *change)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct container *container = container_at(slot);
	struct deviation_key deviation = {.exe = exe_of(task)};
	struct scratch *scratch = get_scratch(&change_scratch);
	struct native *native = native_of(task);
	enum news news = NEWS_FIRST;
	struct path base = {};
	struct known_key key;
	__u32 repeats = 0;
	bool whole;
	__u64 hash;
	long bytes;

	if (!scratch || !watches_opens(native, container))
		return 0;
	bytes = bpf_probe_read_user_str(scratch->data, PATH_BYTES, change->name);
	if (bytes <= 0 || bytes > PATH_BYTES) {
		__sync_fetch_and_add(&state.counters.unreadable, 1);
		return 0;
	}
	whole = read_other(scratch, change->other) && bytes <= HASHED_BYTES;
	hash = hash_change(change, hash_string(scratch, bytes));
	if (scratch->data[0] != '/') {
		base_of(task, change->dfd, &base);
		hash = mix(hash, hash_path(base.dentry, base.mnt));
	}
	if (change->act == CHANGE_SYMLINK) /* where it leads to is part of the act */
		hash = hash_other(scratch, hash);
	key = known_key_of(slot, KIND_CHANGE, hash, 1);
	if (whole)
		news = news_of(&key, &deviation, &repeats);
	if (news == NEWS_NONE)
		return 0;
	start_change(scratch, slot, change, native);
	scratch->event.flags |= FLAG_CALLER_PATH;
	scratch->event.known_key = key.hash;
	scratch->event.repeats = repeats;
	scratch->event.caller_bytes = bytes;
	scratch->event.path_bytes = bytes;
	if (base.dentry)
		append_path(scratch, &base, task);
	append_other(scratch);
	if (send_record(container, scratch,
			(__u64)scratch->event.path_bytes + scratch->event.args_bytes) &&
	    whole && is_learned(native, container))
		news_sent(news, &key, &deviation);
	return 0;
}

__noinline int report_changed_name(__u32 slot, const struct change *change)
{
	if (!change)
		return 0;
	return tell_changed_name(slot, change);
}

/*
 * The cookie of the link, which internal/sensor/changes.go writes: the act of a call,
 * and the arguments that name the changed file. Each field of four bits is the number
 * of an argument, counted from 1, or 0 if the call does not take that argument.
 */
#define COOKIE_ACT(cookie) ((cookie) & 0xff)
#define COOKIE_FIELD(cookie, n) ((cookie) >> (8 + 4 * (n)) & 0xf)

enum cookie_field {
	FIELD_DFD,
	FIELD_NAME,
	FIELD_OTHER_DFD,
	FIELD_OTHER_NAME,
	FIELD_TARGET, /* a text that is shown, but not changed */
	FIELD_DETAIL, /* a mode, flags or the name of an attribute */
};

static __always_inline __u64 cookie_argument(const struct pt_regs *regs, __u64 cookie,
					     enum cookie_field field)
{
	__u32 n = COOKIE_FIELD(cookie, field);

	return n ? call_argument(regs, n - 1) : 0;
}

static __always_inline enum change_act mode_act(__u32 mode, bool directory)
{
	if (directory)
		return CHANGE_CHMOD;
	if (mode & S_ISUID || (mode & S_ISGID && mode & S_ANYEXEC))
		return CHANGE_SETUID;
	return mode & S_ANYEXEC ? CHANGE_EXECUTABLE : CHANGE_CHMOD;
}

static __always_inline bool is_directory(int fd)
{
	struct file *file = file_of((void *)bpf_get_current_task(), fd);

	return (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFDIR;
}

/* Refines the act by the detail argument of the call: a mode, flags, an attribute. */
static __always_inline void refine(struct change *change, __u64 detail)
{
	static const char wanted[] = "security.capability";
	char name[sizeof(wanted)] = {};

	switch (change->act) {
	case CHANGE_CHMOD:
		change->mode = detail;
		change->act = mode_act(detail, !change->name && is_directory(change->dfd));
		break;
	case CHANGE_MKNOD:
		change->mode = detail;
		if ((detail & S_IFMT) == S_IFCHR || (detail & S_IFMT) == S_IFBLK)
			change->act = CHANGE_DEVICE;
		else if (mode_act(detail, false) == CHANGE_SETUID)
			change->act = CHANGE_SETUID;
		break;
	case CHANGE_UNLINK:
		if (detail & AT_REMOVEDIR)
			change->act = CHANGE_RMDIR;
		break;
	case CHANGE_SETXATTR:
		bpf_probe_read_user_str(name, sizeof(name), (void *)detail);
		if (!__builtin_memcmp(name, wanted, sizeof(wanted)))
			change->act = CHANGE_SETCAP;
		break;
	default:
		break;
	}
}

static __always_inline bool makes_name(enum change_act act)
{
	return act == CHANGE_SYMLINK || act == CHANGE_MKDIR || act == CHANGE_MKNOD ||
	       act == CHANGE_DEVICE;
}

/* Attached to the exits of the calls in internal/sensor/changes.go. */
SEC("tracepoint/syscalls/sys_exit_rename")
int handle_change_exit(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	struct change change = {};
	const void *other;
	__u64 cookie;
	long ret = ctx->ret;
	int slot = current_slot();

	if (ret < 0 && is_self_test(regs))
		return answer_self_test();
	if (slot < 0 || (ret < 0 && ret != -EACCES && ret != -EPERM && ret != -EROFS))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	change.act = COOKIE_ACT(cookie);
	change.error = ret < 0 ? -ret : 0;
	change.flags = ret < 0 ? FLAG_REFUSED : 0;
	change.dfd = COOKIE_FIELD(cookie, FIELD_DFD) ? cookie_argument(regs, cookie, FIELD_DFD)
						     : AT_FDCWD;
	change.name = (void *)cookie_argument(regs, cookie, FIELD_NAME);
	refine(&change, cookie_argument(regs, cookie, FIELD_DETAIL));
	if (makes_name(change.act))
		change.flags |= FLAG_CREATED;
	if (!COOKIE_FIELD(cookie, FIELD_NAME))
		return report_changed_file(slot, &change);
	other = (void *)cookie_argument(regs, cookie, FIELD_OTHER_NAME);
	change.other = other ? other : (void *)cookie_argument(regs, cookie, FIELD_TARGET);
	report_changed_name(slot, &change);
	if (!other)
		return 0;
	change.other = change.name;
	change.name = other;
	change.dfd = COOKIE_FIELD(cookie, FIELD_OTHER_DFD)
			     ? cookie_argument(regs, cookie, FIELD_OTHER_DFD)
			     : AT_FDCWD;
	change.flags |= FLAG_CREATED;
	return report_changed_name(slot, &change);
}

#endif
