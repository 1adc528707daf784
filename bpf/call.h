/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The arguments of a system call that is returning. */
#ifndef BOBWATCH_CALL_H
#define BOBWATCH_CALL_H

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Names that kernel.h's struct pt_regs of each architecture has no use for. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs___call {
	unsigned long r8;
	unsigned long r10;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
};
#else
struct pt_regs___call {
	__u64 regs[31];
	__u64 orig_x0;
};
#endif

#pragma clang attribute pop

/* The argument n, counted from 0. */
static __always_inline __u64 call_argument(const struct pt_regs *regs, __u32 n)
{
	const struct pt_regs___call *r = (const void *)regs;

	switch (n) {
#if defined(__TARGET_ARCH_x86)
	case 0:
		return BPF_CORE_READ(r, di);
	case 1:
		return BPF_CORE_READ(r, si);
	case 2:
		return BPF_CORE_READ(r, dx);
	case 3:
		return BPF_CORE_READ(r, r10);
	default:
		return BPF_CORE_READ(r, r8);
#else
	case 0:
		return BPF_CORE_READ(r, orig_x0); /* regs[0] holds the result by now */
	case 1:
		return BPF_CORE_READ(r, regs[1]);
	case 2:
		return BPF_CORE_READ(r, regs[2]);
	case 3:
		return BPF_CORE_READ(r, regs[3]);
	default:
		return BPF_CORE_READ(r, regs[4]);
#endif
	}
}

#endif
