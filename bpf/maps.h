/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The memory and maps that the programs and user space share. */
#ifndef BOBWATCH_MAPS_H
#define BOBWATCH_MAPS_H

#include "event.h"

#define MAX_NR 512 /* syscall numbers a set holds */
#define NR_WORDS (MAX_NR / 64)
#define BUCKET_BITS 9
#define BUCKETS (1 << BUCKET_BITS)
#define WAYS 8 /* ids of one bucket share a cache line */
#define SLOTS (BUCKETS * WAYS)
#define SENSITIVE_WORDS 8 /* 512 bits, for some 30 files */

enum container_state {
	STATE_PARKED, /* a new cgroup: news is sent, user space keeps it */
	STATE_LEARNING,
	STATE_GUARDED,
};

/*
 * The budgets of a container, one for each sort of record, so that one sort cannot
 * use up the budget of another. User space reads and clears `held`.
 */
enum share_kind {
	SHARE_CALLS, /* system calls and other rare records */
	SHARE_OPENS,
	SHARE_EXECS, /* and moves */
	SHARE_RUNTIME,
	SHARE_SENSITIVE, /* opens of files that user space named, see sensitive.h */
	SHARE_NET,	 /* connections and sockets */
	SHARE_CHANGES,	 /* of files and names */
	SHARES = 8,	 /* a power of two, to mask with */
};

struct share {
	__u64 due_ns;  /* when the next byte would be due at the steady rate */
	__u64 waiting; /* bytes sent and perhaps not read yet */
	__u64 end;     /* position in the ring buffer behind the last of them */
	__u64 held;    /* records held back by the budget or for lack of room */
};

/*
 * One watched cgroup. User space owns `state`, `plain`, `generation` and, once
 * guarded, `known`; the programs own the rest, and set bits in `known` while
 * the state is not STATE_GUARDED.
 */
struct container {
	__u64 known[NR_WORDS];
	__u64 known_compat[NR_WORDS];
	__u64 known_runtime[NR_WORDS]; /* the runtime's own calls, native ABI */
	/*
	 * Calls by programs on the host's root in a parked cgroup: the runtime, or the
	 * workload of a plain cgroup. Not decided yet, so neither of their sets has them.
	 */
	__u64 known_undecided[NR_WORDS];
	__u64 sensitive[SENSITIVE_WORDS]; /* a bloom filter of `sensitive_files` */
	__u64 root_ino;			  /* root directory of the task that made the cgroup */
	__u32 root_dev;
	__u32 mnt_ns; /* mount namespace of that task */
	__u32 state;
	__u32 plain;	  /* no container: every program executed in it is the workload */
	__u32 generation; /* changes with the profile, and makes known opens news again */
	__u32 entries;	  /* processes that entered so far */
	struct share shares[SHARES];
};

/* Records sent, held back and lost, by cause. User space reads them at every scrape. */
struct counters {
	__u64 records[KINDS];	  /* sent, by event kind */
	__u64 ring_full[KINDS];	  /* held back or lost, by event kind */
	__u64 over_budget[KINDS]; /* the same */
	__u64 cgroups_untracked;  /* the bucket had no free way */
	__u64 natives_full;	  /* a process was not marked as the workload's */
	__u64 unreadable;	  /* a path, an argument vector or a string could not be read */
	__u64 self_tests;	  /* calls of the agent that a program answered */
};

/*
 * Everything that is shared by plain memory; user space maps it.
 *
 * `ids` maps a cgroup id to a container without a map helper: the programs compare
 * eight ids, all in one cache line. A cgroup nested in a container has its own
 * id and slot; `owner` holds the container's slot for it, and its sets stay empty.
 *
 * handle_cgroup_mkdir writes ids, and so does user space when it adopts a running
 * container. Only user space clears them.
 */
struct shared_state {
	__u64 ids[BUCKETS][WAYS];
	__u16 owner[SLOTS];
	struct container containers[SLOTS];
	__u64 left; /* processes that left their container and live */
	/*
	 * The position in the ring buffer up to which user space has stored records
	 * for good. User space reads ahead of it; records from it on must not be
	 * overwritten. Not used unless `keeps` is set.
	 */
	__u64 released;
	__u64 keeps;
	struct counters counters;
};

struct shared_state state;

#define WAKE_BYTES (128 << 10) /* this many unread bytes wake the reader */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} events SEC(".maps");

/*
 * Processes that executed a program in a container's cgroup. `entered` is set for
 * those that run on the container's own root (the workload), and not for those that
 * still run on the host's root (the container runtime).
 */
struct native {
	__u64 cgroup; /* the container's; its slot may be another's by now */
	__u32 owner;  /* slot */
	__u8 entered;
	__u8 origin;
	__u8 tty;
	__u8 left; /* it left the container's cgroup, and is followed */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32); /* tgid */
	__type(value, struct native);
} natives SEC(".maps");

enum known_verdict {
	KNOWN_TOLD,	/* reported; nothing more to say */
	KNOWN_DEVIATES, /* user space found that it deviates: keep counting */
	KNOWN_ALLOWED,	/* an execution that user space allowed: its repeats wake nobody */
};

struct known_key {
	__u64 cgroup;
	__u64 hash; /* of the kind, what was done and the generation, see known.h */
};

/*
 * Known acts of all kinds except system calls. Written by the programs; user space
 * marks deviations.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct known_key);
	__type(value, __u32);
} known SEC(".maps");

struct file_key {
	__u64 cgroup;
	__u64 ino;
	__u32 dev;
	__u32 pad;
};

/*
 * The sensitive files of each container by identity, with the number that user
 * space has for each. Written by mark_sensitive.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct file_key);
	__type(value, __u32);
} sensitive_files SEC(".maps");

struct deviation_key {
	__u64 cgroup;
	__u64 act; /* a syscall's number, ABI and generation, or the hash of a known_key */
	__u64 exe; /* the program that did it */
};

struct deviation {
	__u64 reported_ns;
	__u64 repeats; /* since then */
};

/* Deviations that were reported, to count repeats. Written by the programs. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct deviation_key);
	__type(value, struct deviation);
} deviations SEC(".maps");

/* One scratch per program: a program cannot preempt itself on its CPU. */
struct scratch_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
};

struct scratch_map syscall_scratch SEC(".maps");
struct scratch_map exec_scratch SEC(".maps");
struct scratch_map open_scratch SEC(".maps");
struct scratch_map uring_scratch SEC(".maps");
struct scratch_map cgroup_scratch SEC(".maps");
struct scratch_map fork_scratch SEC(".maps");
struct scratch_map tcp_scratch SEC(".maps");
struct scratch_map packet_scratch SEC(".maps");
struct scratch_map socket_scratch SEC(".maps");
struct scratch_map change_scratch SEC(".maps");

/* The task whose open handle_file_opened has seen on this CPU and sys_exit has not. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} opener SEC(".maps");

/* Set once, before the programs are loaded. */
const volatile __u32 traces_files = 0; /* handle_file_opened is attached */
const volatile __u64 hash_seed = 0;
const volatile __u64 self_test_token = 0; /* a secret of the agent, see selftest.h */
const volatile __u64 cooldown_ns = 60ull * 1000 * 1000 * 1000;
const volatile __u64 news_byte_ns = 1000; /* 1 MB, some 2,500 records, a second, */
const volatile __u64 news_burst_ns = 5000ull * 1000 * 1000; /* five times that at once */
const volatile __u64 exec_byte_ns = 150;
const volatile __u64 exec_burst_ns = 2000ull * 1000 * 1000;

static __always_inline struct container *container_at(__u32 slot)
{
	return &state.containers[slot & (SLOTS - 1)];
}

/*
 * Ids are inode numbers, and every control file of a cgroup takes one too, so ids
 * come in strides. This factor spreads 1,000 of them at any stride up to 512.
 */
static __always_inline __u32 bucket_of(__u64 cgroup)
{
	return cgroup * 0xAB7F154E7CEB7F19ull >> (64 - BUCKET_BITS);
}

/* Returns a cgroup's own slot, or -1. */
static __always_inline int find_own_slot(__u64 cgroup)
{
	__u32 bucket = bucket_of(cgroup);
	__u32 slot;

#pragma unroll
	for (int way = 0; way < WAYS; way++) {
		if (state.ids[bucket][way] == cgroup) {
			slot = bucket * WAYS + way;
			goto found;
		}
	}
	return -1;
found:
	barrier_var(slot); /* or the mask is optimised away, and 6.1 asks for it */
	return slot & (SLOTS - 1);
}

/* Returns the slot of the container that the cgroup with a slot of its own belongs to. */
static __always_inline int owner_of(__u32 slot)
{
	return state.owner[slot & (SLOTS - 1)];
}

/* Returns the slot of the container that a cgroup belongs to, or -1. */
static __always_inline int find_slot(__u64 cgroup)
{
	int slot = find_own_slot(cgroup);

	return slot < 0 ? slot : owner_of(slot);
}

#endif
