/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The record that crosses into user space. One layout serves every kind, so
 * that the reader decodes without branching on sizes. internal/sensor/decode.go
 * reads it; the Go type is generated from this one.
 */
#ifndef BOBWATCH_EVENT_H
#define BOBWATCH_EVENT_H

#include "kernel.h"

enum event_kind {
	KIND_SYSCALL = 1,
	KIND_EXEC,
	KIND_OPEN,
	KIND_CGROUP_CREATED,
	KIND_CGROUP_REMOVED,
	KIND_MOVED,
	KIND_SELF_TEST,
	KIND_CONNECTION,
	KIND_SOCKET,
	KIND_CHANGE,
	KIND_END,
};

#define KINDS 32 /* counters of each sort; a power of two, to mask with */

_Static_assert(KIND_END <= KINDS, "a kind without a counter of its own");

enum event_abi {
	ABI_NATIVE,
	ABI_COMPAT,
	ABI_X32,
	ABI_UNKNOWN,
};

enum process_origin {
	ORIGIN_UNKNOWN,
	ORIGIN_ENTRYPOINT,
	ORIGIN_OUTSIDE,
	ORIGIN_HOOK,
};

enum event_flag {
	FLAG_RUNTIME = 1 << 0,
	FLAG_TTY = 1 << 1,
	FLAG_REFUSED = 1 << 2,
	FLAG_CALLER_PATH = 1 << 3,
	FLAG_PATH_TRUNCATED = 1 << 4,
	FLAG_ARGS_TRUNCATED = 1 << 5,
	FLAG_MEMFD = 1 << 6,
	FLAG_UPPER_LAYER = 1 << 7,
	FLAG_DELETED = 1 << 8,
	FLAG_IO_URING = 1 << 9,
	FLAG_GUARDED = 1 << 10,
	FLAG_OUTSIDE = 1 << 11,
	FLAG_MOUNT = 1 << 12,
	FLAG_LEFT = 1 << 13,
	FLAG_HANDED_OVER = 1 << 14,
	FLAG_CREATED = 1 << 15,
	FLAG_SENSITIVE = 1 << 16,
	FLAG_REPLACED = 1 << 17, /* set by user space alone */
	FLAG_ALLOWED = 1 << 18,
	FLAG_LOWER_LAYER = 1 << 19,
};

enum access {
	ACCESS_READ = 1 << 0,
	ACCESS_WRITE = 1 << 1,
};

/* What a change does to a file or to a name. */
enum change_act {
	CHANGE_RENAME = 1,
	CHANGE_UNLINK,
	CHANGE_LINK,
	CHANGE_SYMLINK,
	CHANGE_MKDIR,
	CHANGE_RMDIR,
	CHANGE_MKNOD,
	CHANGE_DEVICE, /* mknod of a device */
	CHANGE_CHMOD,
	CHANGE_SETUID,	   /* chmod that sets the setuid bit, or the setgid bit of a program */
	CHANGE_EXECUTABLE, /* chmod that lets somebody execute the file */
	CHANGE_CHOWN,
	CHANGE_TRUNCATE,
	CHANGE_SETXATTR,
	CHANGE_SETCAP, /* setxattr of security.capability */
	CHANGE_MOUNT,
	CHANGE_END,
};

#define MAX_ANCESTORS 8
#define MAX_DEPTH 64	/* path components and mount crossings followed */
#define MAX_NAME 256	/* NAME_MAX and a NUL */
#define PATH_BYTES 4096 /* PATH_MAX */
#define ARGS_BYTES 16384

struct process {
	__u64 start_ns; /* since boot */
	__u32 pid;	/* thread group, initial pid namespace */
	__u32 uid;
	__u8 comm[16];
};

enum direction {
	DIRECTION_EGRESS = 1, /* the container speaks first */
	DIRECTION_INGRESS,
	DIRECTION_LISTEN, /* no peer yet: the address and port are its own */
};

/* The peer of a container; for KIND_SOCKET only family, type and protocol are set. */
struct connection {
	__u8 address[16]; /* the peer's; IPv4 mapped into IPv6; zeroes for AF_UNIX */
	__u16 port;	  /* the peer's, with DIRECTION_INGRESS the container's own */
	__u16 family;
	__u16 protocol;
	__u8 type; /* SOCK_STREAM, ... */
	__u8 direction;
};

/*
 * path_bytes bytes of path and args_bytes bytes of arguments follow. The path
 * is a list of NUL-terminated components, leaf first; with FLAG_CALLER_PATH the
 * first caller_bytes of it are the string the caller passed, and the
 * components, if any, are the directory it is relative to. A cgroup's path is
 * one string. For an AF_UNIX peer with an abstract name the path is empty, and the
 * arguments are the name. For KIND_CHANGE the arguments are the other name of the
 * call, as the caller passed it. A process with pid 0 is unknown: a packet came in,
 * and the task that ran at that time has nothing to do with it.
 */
struct event {
	__u64 time_ns; /* since boot */
	__u64 cgroup;
	__u64 ino;
	__u64 changed_ns; /* of the file, since 1970 */
	__u64 known_key;
	__u32 dev;
	__u32 nr; /* with FLAG_SENSITIVE the number of the file */
	__u32 repeats;
	enum event_flag flags;
	__u16 path_bytes;
	__u16 args_bytes;
	__u16 caller_bytes;
	__u16 error;
	enum event_kind kind;
	__u8 abi;
	__u8 origin;
	__u8 access;
	__u8 ancestors_len;
	enum change_act change;
	__u32 mode; /* of KIND_CHANGE: what chmod or mknod was asked for */
	struct connection connection;
	struct process process;
	struct process ancestors[MAX_ANCESTORS];
};

_Static_assert(sizeof(enum event_flag) == sizeof(__u32), "flags have 32 bits in user space");

/* The buffer in which a program builds a record; one per CPU and program, see maps.h. */
struct scratch {
	struct event event;
	__u8 data[PATH_BYTES + MAX_NAME + ARGS_BYTES];
};

#endif
