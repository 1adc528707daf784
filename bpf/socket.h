/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The kernel's sockets and packets, and the fields that the programs read. */
#ifndef BOBWATCH_SOCKET_H
#define BOBWATCH_SOCKET_H

#include <bpf/bpf_endian.h>

#include "call.h"
#include "selftest.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define AF_ALG 38
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_TYPE_MASK 0xf
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_FRAGMENT 44
#define IPPROTO_MPTCP 262
#define ETH_P_IP_BE bpf_htons(0x0800)
#define ETH_P_IPV6_BE bpf_htons(0x86dd)
#define ECONNREFUSED 111

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define TCP_NEW_SYN_RECV 12

#define SOCK_BINDPORT_LOCK 8 /* include/net/sock.h: the program chose the port */

#define UNIX_NAME_BYTES 128 /* sun_path has 108 */

/* Details of a known_key in place of an error. */
#define ANY_PEER 0xff
#define LISTENER 0xfe

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport; /* big endian */
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.16 */
};

struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
	__u16 sk_protocol;
	__u16 sk_type;
	int sk_err;
	__u8 sk_kern_sock : 1;
	__u8 sk_userlocks : 4;
};

struct socket {
	struct sock *sk;
};

struct file___socket {
	struct socket *private_data;
};

struct unix_address {
	int len;
	__u8 name[2]; /* struct sockaddr_un */
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct sk_buff {
	struct sock *sk;
	__u16 protocol; /* big endian */
	__u16 transport_header;
	__u16 network_header;
	unsigned char *head;
};

#pragma clang attribute pop

/*
 * The slot of the container whose process made the socket, or -1. Sockets in
 * TIME_WAIT and NEW_SYN_RECV are no full socks; callers never pass them.
 */
static __always_inline int slot_of_sock(const struct sock *sk)
{
	struct cgroup *cgroup;

	if (!bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return -1;
	cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	return cgroup ? find_slot(BPF_CORE_READ(cgroup, kn, id)) : -1;
}

static __always_inline bool is_full_sock(const struct sock *sk)
{
	__u8 state = sk->__sk_common.skc_state;

	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

/* Whether the kernel made the socket for its own use, such as for neighbour discovery. */
static __always_inline bool is_kernel_sock(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

static __always_inline __u32 sk_userlocks(const struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);
}

static __always_inline void map_ipv4(__u8 *address, __u32 ipv4)
{
	address[10] = address[11] = 0xff;
	__builtin_memcpy(&address[12], &ipv4, sizeof(ipv4));
}

/* Fills in the connection of a socket. The caller has set its direction. */
static __always_inline void read_connection(struct connection *c, const struct sock *sk)
{
	bool own = c->direction == DIRECTION_LISTEN;

	c->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	c->protocol = BPF_CORE_READ(sk, sk_protocol);
	if (c->protocol == IPPROTO_MPTCP)
		c->protocol = IPPROTO_TCP; /* what peers without it speak, and what it runs on */
	c->type = BPF_CORE_READ(sk, sk_type);
	if (c->family == AF_INET6 && own)
		BPF_CORE_READ_INTO(&c->address, sk, __sk_common.skc_v6_rcv_saddr);
	else if (c->family == AF_INET6)
		BPF_CORE_READ_INTO(&c->address, sk, __sk_common.skc_v6_daddr);
	else if (c->family == AF_INET)
		map_ipv4(c->address, own ? BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr)
					 : BPF_CORE_READ(sk, __sk_common.skc_daddr));
	if (c->direction == DIRECTION_EGRESS)
		c->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	else
		c->port = BPF_CORE_READ(sk, __sk_common.skc_num);
}

#endif
