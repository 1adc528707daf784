// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Counts the system calls and addresses of watched containers while bobctl summary
 * runs. These programs are not part of sensor.bpf.c, so that they cost nothing at
 * other times. They share the sensor's tables of containers and processes, which
 * user space puts in the place of the maps of this file.
 */
#include "kernel.h"

#include <bpf/bpf_tracing.h>

#include "record.h"

#define ADDRESS_BYTES 112 /* struct sockaddr_un, rounded up */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define EINPROGRESS 115
#define ERESTARTSYS 512 /* the first that no program sees, include/linux/errno.h */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs___count {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long r8;
	unsigned long r9;
	unsigned long orig_ax;
};
#define NR_connect 42
#define NR_sendto 44
#define NR_bind 49
#else
struct pt_regs___count {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};
#define NR_bind 200
#define NR_connect 203
#define NR_sendto 206
#endif

struct socket {
	short type;
};

struct file___count {
	struct socket *private_data;
};

#pragma clang attribute pop

/* A system call as one container makes it. */
struct call {
	__u64 cgroup;
	__u32 nr;
	__u32 compat;
};

/* How often an act was done, and when. Times are ns since boot. */
struct tally {
	__u64 count;
	__u64 errors;
	__u64 first_ns;
	__u64 last_ns;
};

/* Written by the programs, read by user space. Calls that find no room are counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call);
	__type(value, struct tally);
} calls SEC(".maps");

enum address_use {
	USE_CONNECT,
	USE_BIND,
	USE_SEND,
};

/* An address that a container connected or bound a socket to, or sent to. */
struct address {
	__u64 cgroup;
	__u32 use;
	__u32 type;		  /* SOCK_STREAM, SOCK_DGRAM, ... */
	__u8 name[ADDRESS_BYTES]; /* a struct sockaddr, zeroes behind it */
};

struct address_tally {
	struct tally tally;
	__u8 comm[16]; /* of who did it first */
};

/* Written by the programs, read by user space. The least recently used entry goes first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct address);
	__type(value, struct address_tally);
} addresses SEC(".maps");

/* Calls that found no room in the map. Not in .bss, which belongs to the sensor. */
__u64 uncounted SEC(".data.count") = 0;

/* The slot of the container to which the current task is native, or -1. */
static __always_inline int native_slot(struct task_struct *task)
{
	int slot = find_slot(current_cgroup(task));
	__u32 tgid = task->tgid;
	struct native *native;

	if (slot < 0)
		return -1;
	native = bpf_map_lookup_elem(&natives, &tgid);
	return is_native(native, container_at(slot)) ? slot : -1;
}

static __always_inline void add(struct tally *tally, bool error)
{
	__sync_fetch_and_add(&tally->count, 1);
	if (error)
		__sync_fetch_and_add(&tally->errors, 1);
	tally->last_ns = bpf_ktime_get_boot_ns();
}

SEC("tp_btf/sys_enter")
int BPF_PROG(count_call, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int slot = native_slot(task);
	struct tally first = {};
	struct tally *tally;
	struct call call = {};

	if (slot < 0)
		return 0;
	call.cgroup = cgroup_at(slot);
	call.nr = nr;
	call.compat = task_is_compat(task);
	tally = bpf_map_lookup_elem(&calls, &call);
	if (!tally) {
		first.first_ns = bpf_ktime_get_boot_ns();
		bpf_map_update_elem(&calls, &call, &first, BPF_NOEXIST);
		tally = bpf_map_lookup_elem(&calls, &call);
	}
	if (tally)
		add(tally, false);
	else
		__sync_fetch_and_add(&uncounted, 1);
	return 0;
}

/* The arguments of connect, bind or sendto. */
struct address_args {
	__u32 fd;
	const void *name;
	__u32 bytes;
};

static __always_inline void read_address_args(struct pt_regs___count *regs, enum address_use use,
					      struct address_args *args)
{
#if defined(__TARGET_ARCH_x86)
	args->fd = BPF_CORE_READ(regs, di);
	args->name = (void *)(use == USE_SEND ? BPF_CORE_READ(regs, r8) : BPF_CORE_READ(regs, si));
	args->bytes = use == USE_SEND ? BPF_CORE_READ(regs, r9) : BPF_CORE_READ(regs, dx);
#else
	args->fd = BPF_CORE_READ(regs, orig_x0);
	args->name = (void *)(use == USE_SEND ? BPF_CORE_READ(regs, regs[4])
					      : BPF_CORE_READ(regs, regs[1]));
	args->bytes = use == USE_SEND ? BPF_CORE_READ(regs, regs[5]) : BPF_CORE_READ(regs, regs[2]);
#endif
}

static __always_inline __u32 socket_type(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of(task, fd);
	struct file___count *of_socket = (void *)file;

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return 0;
	return BPF_CORE_READ(of_socket, private_data, type);
}

/*
 * Reads the part of an address that identifies the peer. The program may have
 * changed it since the kernel read it.
 */
static __always_inline bool read_name(struct address *address, const struct address_args *args)
{
	__u32 bytes = args->bytes;
	__u16 family = 0;

	if (!args->name || bytes < sizeof(family) ||
	    bpf_probe_read_user(&family, sizeof(family), args->name))
		return false;
	if (family == AF_INET && bytes > 8)
		bytes = 8; /* zeroes follow, or should */
	if (family == AF_INET6 && bytes > 24)
		bytes = 24; /* a scope follows */
	if (bytes > ADDRESS_BYTES)
		bytes = ADDRESS_BYTES;
	return !bpf_probe_read_user(address->name, bytes & 127, args->name);
}

static __noinline int count_address(struct pt_regs___count *regs, __u32 use, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct address_tally first = {};
	struct address address = {};
	struct address_tally *tally;
	struct address_args args = {};
	int slot = native_slot(task);

	if (slot < 0)
		return 0;
	read_address_args(regs, use, &args);
	if (!read_name(&address, &args))
		return 0;
	address.cgroup = cgroup_at(slot);
	address.use = use;
	address.type = socket_type((void *)bpf_get_current_task(), args.fd);
	tally = bpf_map_lookup_elem(&addresses, &address);
	if (!tally) {
		first.tally.first_ns = bpf_ktime_get_boot_ns();
		bpf_get_current_comm(first.comm, sizeof(first.comm));
		bpf_map_update_elem(&addresses, &address, &first, BPF_NOEXIST);
		tally = bpf_map_lookup_elem(&addresses, &address);
	}
	if (tally)
		add(&tally->tally, ret < 0 && ret != -EINPROGRESS);
	return 0;
}

static __always_inline void count_error(struct task_struct *task, __u32 nr)
{
	int slot = native_slot(task);
	struct call call = {.nr = nr};
	struct tally *tally;

	if (slot < 0)
		return;
	call.cgroup = cgroup_at(slot);
	call.compat = task_is_compat(task);
	tally = bpf_map_lookup_elem(&calls, &call);
	if (tally)
		__sync_fetch_and_add(&tally->errors, 1);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(count_result, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs___count *args = (void *)regs;
	__u32 nr;

#if defined(__TARGET_ARCH_x86)
	nr = BPF_CORE_READ(args, orig_ax);
#else
	nr = BPF_CORE_READ(args, syscallno);
#endif
	if (ret < 0 && ret > -ERESTARTSYS)
		count_error(task, nr);
	if (task_is_compat(task))
		return 0;
	if (nr == NR_connect)
		return count_address(args, USE_CONNECT, ret);
	if (nr == NR_bind)
		return count_address(args, USE_BIND, ret);
	if (nr == NR_sendto)
		return count_address(args, USE_SEND, ret);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
