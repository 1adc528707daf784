/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Acts that are known by a hash: what makes them news, and what makes a
 * deviation among them worth a second report. One set serves every kind, which
 * is part of the hash.
 */
#ifndef BOBWATCH_KNOWN_H
#define BOBWATCH_KNOWN_H

#include "record.h"

static __always_inline __u64 mix(__u64 hash, __u64 value)
{
	hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
	return hash ^ hash >> 31;
}

/* `detail` is a property of the act that the hash lacks, such as the access of an open. */
static __always_inline struct known_key known_key_of(int slot, enum event_kind kind, __u64 hash,
						     __u8 detail)
{
	struct container *container = container_at(slot);

	return (struct known_key){
		.cgroup = cgroup_at(slot),
		.hash = mix(hash, (__u64)container->generation << 16 | kind << 8 | detail),
	};
}

enum news {
	NEWS_NONE,
	NEWS_FIRST,
	NEWS_REPEATED, /* a deviation whose cooldown has ended, or by another program */
};

/* Whether an act has to be reported. `deviation` and `repeats` are for NEWS_REPEATED. */
static __always_inline enum news news_of(const struct known_key *key,
					 struct deviation_key *deviation, __u32 *repeats)
{
	__u32 *verdict = bpf_map_lookup_elem(&known, key);

	if (!verdict)
		return NEWS_FIRST;
	if (*verdict == KNOWN_TOLD)
		return NEWS_NONE;
	deviation->cgroup = key->cgroup;
	deviation->act = key->hash;
	return deviation_due(deviation, repeats) ? NEWS_REPEATED : NEWS_NONE;
}

/* Remembers an act whose record was sent. */
static __always_inline void news_sent(enum news news, const struct known_key *key,
				      const struct deviation_key *deviation)
{
	__u32 verdict = KNOWN_TOLD;

	if (news == NEWS_REPEATED)
		deviation_reported(deviation);
	else
		bpf_map_update_elem(&known, key, &verdict, BPF_NOEXIST);
}

static __always_inline bool is_known(const struct known_key *key)
{
	__u32 *verdict = bpf_map_lookup_elem(&known, key);

	return verdict && *verdict == KNOWN_TOLD;
}

#endif
