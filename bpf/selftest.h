/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The self-test: the agent checks that the programs run. It makes a call that does
 * nothing, with its secret in the register of a sixth argument that the call does
 * not take. The program on that call counts an answer, and the program on sys_enter
 * also sends a record, which has to reach the agent in the same way as all others.
 * A process without the secret cannot fake an answer.
 */
#ifndef BOBWATCH_SELFTEST_H
#define BOBWATCH_SELFTEST_H

#include "record.h"

static __always_inline bool is_self_test(struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	__u64 sixth = BPF_CORE_READ(regs, r9);
#else
	__u64 sixth = BPF_CORE_READ(regs, regs[5]);
#endif

	return sixth == self_test_token;
}

static __always_inline int answer_self_test(void)
{
	__sync_fetch_and_add(&state.counters.self_tests, 1);
	return 0;
}

static __noinline int send_self_test(void)
{
	struct scratch *scratch = get_scratch(&syscall_scratch);

	if (!scratch)
		return 0;
	__builtin_memset(&scratch->event, 0, sizeof(scratch->event));
	scratch->event.kind = KIND_SELF_TEST;
	scratch->event.time_ns = bpf_ktime_get_boot_ns();
	send_uncharged(scratch, sizeof(struct event), BPF_RB_FORCE_WAKEUP);
	return answer_self_test();
}

#endif
