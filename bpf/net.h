/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Connections: TCP by the states of its sockets, all other protocols by the packets
 * that leave. Both find the container by the cgroup of the socket, because they also
 * run in interrupts, where the current task may be any. Both read only kernel memory,
 * so that a program cannot race the address that it passes. Unix sockets and families
 * are seen on the exits of three system calls.
 */
#ifndef BOBWATCH_NET_H
#define BOBWATCH_NET_H

#include "path.h"
#include "socket.h"

/* Hashes the peer and how it is reached; the family of an address does not matter. */
static __always_inline __u64 hash_connection(const struct connection *c)
{
	__u64 halves[2];
	__u64 hash;

	__builtin_memcpy(halves, c->address, sizeof(halves));
	hash = mix(mix(hash_seed, halves[0]), halves[1]);
	return mix(hash, (__u64)c->direction << 48 | (__u64)c->type << 32 |
				 (__u64)c->protocol << 16 | c->port);
}

/*
 * The key under which user space allows a port for any peer, so that a server with
 * many clients does not report each of them.
 */
static __always_inline struct known_key any_peer_key(int slot, const struct connection *c)
{
	struct connection any = *c;

	__builtin_memset(any.address, 0, sizeof(any.address));
	return known_key_of(slot, KIND_CONNECTION, hash_connection(&any), ANY_PEER);
}

/* The fields of a report in addition to the connection. */
struct contact {
	struct connection connection;
	struct task_struct *task; /* who did it, NULL if that cannot be told */
	const struct path *path;  /* of an AF_UNIX peer */
	const char *name;	  /* its abstract name, */
	__u32 name_bytes;	  /* with the NUL in front */
	__u32 error;
	__u32 flags;
	__u64 hash;
};

static __always_inline void append_name(struct scratch *scratch, const struct contact *contact)
{
	__u32 bytes = contact->name_bytes;

	if (!contact->name)
		return;
	barrier_var(bytes); /* or the mask is optimised away, and 6.1 asks for it */
	bytes &= UNIX_NAME_BYTES - 1;
	if (!bpf_probe_read_kernel(scratch->data, bytes, contact->name))
		scratch->event.args_bytes = bytes;
}

static __always_inline void fill_contact(struct scratch *scratch, struct container *container,
					 const struct contact *contact)
{
	struct event *event = &scratch->event;

	event->connection = contact->connection;
	event->error = contact->error;
	event->flags |= contact->flags;
	if (!contact->task) {
		__builtin_memset(&event->process, 0, sizeof(event->process));
		event->ancestors_len = 0;
		event->flags &= ~FLAG_RUNTIME;
	}
	if (contact->path)
		append_path(scratch, contact->path, contact->task);
	else
		append_name(scratch, contact);
}

static __noinline int report_contact(void *scratches, int slot, enum event_kind kind,
				     const struct contact *contact)
{
	struct container *container = container_at(slot);
	struct known_key key = known_key_of(slot, kind, contact->hash, contact->error);
	struct deviation_key deviation = {};
	struct native *native = NULL;
	struct scratch *scratch;
	__u32 repeats = 0;
	enum news news;

	if (contact->task) {
		native = native_of(contact->task);
		if (!is_native(native, container) && container->state != STATE_PARKED)
			return 0; /* the runtime's own affair */
		deviation.exe = exe_of(contact->task);
	}
	news = news_of(&key, &deviation, &repeats);
	scratch = get_scratch(scratches);
	if (news == NEWS_NONE || !scratch)
		return 0;
	start_record_of(scratch, slot, kind, native,
			contact->task ? contact->task : (void *)bpf_get_current_task());
	scratch->event.known_key = key.hash;
	scratch->event.repeats = repeats;
	fill_contact(scratch, container, contact);
	if (send_record(container, scratch,
			(__u64)scratch->event.path_bytes + scratch->event.args_bytes) &&
	    (!contact->task || is_learned(native, container)))
		news_sent(news, &key, &deviation);
	return 0;
}

/*
 * A name has at most the length of sun_path; zeroes follow it. It is read into the
 * data of the scratch, which is still unused: the stack has no room for it.
 */
static __always_inline __u64 hash_name(const char *name, __u32 bytes, __u64 hash)
{
	struct scratch *scratch = get_scratch(&socket_scratch);
	__u64 *words;

	if (!scratch)
		return 0;
	words = (void *)scratch->data;
	__builtin_memset(words, 0, UNIX_NAME_BYTES);
	barrier_var(bytes); /* as in append_name */
	bytes &= UNIX_NAME_BYTES - 1;
	bpf_probe_read_kernel(words, bytes, name);
	hash = mix(hash_seed, hash << 32 | bytes);
	for (__u32 i = 0; i < UNIX_NAME_BYTES / sizeof(__u64); i++)
		hash = mix(hash, words[i]);
	return hash;
}

/* The current task if it is in the container; in an interrupt or kernel work it may not be. */
static __always_inline struct task_struct *task_in(int slot)
{
	if (current_slot() != slot)
		return NULL;
	return (void *)bpf_get_current_task();
}

/*
 * The slot of the container that uses a socket: as slot_of_sock, or the container
 * that the current process left, if it made the socket after that.
 */
static __always_inline int slot_of_user(const struct sock *sk)
{
	int slot = slot_of_sock(sk);
	int followed;

	if (!state.left || !bpf_core_field_exists(sk->sk_cgrp_data.cgroup) ||
	    BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id) !=
		    current_cgroup(bpf_get_current_task_btf()))
		return slot;
	followed = followed_slot(bpf_get_current_pid_tgid() >> 32);
	return followed < 0 ? slot : followed;
}

static __always_inline bool is_known_connection(int slot, const struct connection *c, __u64 hash,
						__u32 error)
{
	struct known_key key = known_key_of(slot, KIND_CONNECTION, hash, error);

	if (is_known(&key))
		return true;
	key = any_peer_key(slot, c);
	return is_known(&key);
}

static __noinline int tcp_contact(__u32 slot, const struct connection *c, __u64 hash, __u32 error)
{
	struct contact contact = {.connection = *c, .hash = hash, .error = error};

	/* Connections are accepted in interrupts, which may hit the container itself. */
	if (c->direction != DIRECTION_INGRESS && !error)
		contact.task = task_in(slot);
	if (error)
		contact.flags = FLAG_REFUSED;
	return report_contact(&tcp_scratch, slot, KIND_CONNECTION, &contact);
}

static __always_inline int tcp_direction(int old, int new)
{
	if (new == TCP_SYN_SENT || (old == TCP_SYN_SENT && new == TCP_CLOSE))
		return DIRECTION_EGRESS;
	if (new == TCP_ESTABLISHED && old == TCP_SYN_RECV)
		return DIRECTION_INGRESS;
	return new == TCP_LISTEN ? DIRECTION_LISTEN : 0;
}

/*
 * TCP: a change to SYN_SENT is a connect, which may be refused later. A change from
 * SYN_RECV to ESTABLISHED is an accept; a child has its listener's cgroup.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(handle_tcp_state, const struct sock *sk, int old, int new)
{
	struct connection c = {.direction = tcp_direction(old, new)};
	__u32 error = 0;
	__u64 hash;
	int slot;

	if (!c.direction)
		return 0;
	slot = c.direction == DIRECTION_INGRESS ? slot_of_sock(sk) : slot_of_user(sk);
	if (slot < 0)
		return 0;
	if (new == TCP_CLOSE)
		error = BPF_CORE_READ(sk, sk_err);
	if (new == TCP_CLOSE && error != ECONNREFUSED)
		return 0;
	read_connection(&c, sk);
	hash = hash_connection(&c);
	if (is_known_connection(slot, &c, hash, error))
		return 0;
	return tcp_contact(slot, &c, hash, error);
}

/*
 * A datagram's direction. The side that bound a port is the server; of two bound
 * ports the lower one, so that replies to many clients count for one port.
 */
static __always_inline void datagram_direction(struct connection *c, const struct sock *sk,
					       __u16 destination)
{
	__u16 own = BPF_CORE_READ(sk, __sk_common.skc_num);

	c->direction = DIRECTION_EGRESS;
	c->port = destination;
	if (own < destination && sk_userlocks(sk) & SOCK_BINDPORT_LOCK) {
		c->direction = DIRECTION_INGRESS;
		c->port = own;
	}
}

/* Whether a packet is a fragment behind the first, which alone has the ports. */
static __always_inline bool is_later_fragment(const struct sk_buff *skb,
					      const unsigned char *network)
{
	__u16 offset = 0;
	__u8 next = 0;

	if (BPF_CORE_READ(skb, protocol) == ETH_P_IP_BE) {
		bpf_probe_read_kernel(&offset, sizeof(offset), network + 6);
		return bpf_ntohs(offset) & 0x1fff;
	}
	bpf_probe_read_kernel(&next, sizeof(next), network + 6);
	if (next != IPPROTO_FRAGMENT)
		return false;
	bpf_probe_read_kernel(&offset, sizeof(offset), network + 42);
	return bpf_ntohs(offset) & 0xfff8;
}

static __always_inline bool read_datagram(struct connection *c, const struct sk_buff *skb,
					  const struct sock *sk)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *network = head + BPF_CORE_READ(skb, network_header);
	__u16 destination = 0;

	c->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	c->type = BPF_CORE_READ(sk, sk_type);
	c->protocol = BPF_CORE_READ(sk, sk_protocol);
	c->direction = DIRECTION_EGRESS;
	if (BPF_CORE_READ(skb, protocol) == ETH_P_IP_BE) {
		c->address[10] = c->address[11] = 0xff;
		bpf_probe_read_kernel(&c->address[12], 4, network + 16);
	} else if (BPF_CORE_READ(skb, protocol) == ETH_P_IPV6_BE) {
		bpf_probe_read_kernel(c->address, 16, network + 24);
	} else if (c->family != AF_PACKET) {
		return false;
	}
	if (c->type == SOCK_RAW || c->family == AF_PACKET || c->protocol != IPPROTO_UDP)
		return true;
	if (is_later_fragment(skb, network))
		return false;
	bpf_probe_read_kernel(&destination, sizeof(destination),
			      head + BPF_CORE_READ(skb, transport_header) + 2);
	datagram_direction(c, sk, bpf_ntohs(destination));
	return true;
}

static __noinline int datagram_contact(__u32 slot, const struct connection *c, __u64 hash)
{
	struct contact contact = {.connection = *c, .hash = hash, .task = task_in(slot)};

	return report_contact(&packet_scratch, slot, KIND_CONNECTION, &contact);
}

/*
 * Every packet that goes to a device. TCP is reported by its sockets instead. Another
 * device on the way may see a packet again, but then its connection is known.
 */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(handle_packet, struct sk_buff *skb)
{
	struct connection c = {};
	struct sock *sk = skb->sk;
	__u64 hash;
	int slot;

	if (!sk || !is_full_sock(sk) || sk->sk_protocol == IPPROTO_TCP)
		return 0;
	slot = slot_of_user(sk);
	if (slot < 0 || is_kernel_sock(sk) || !read_datagram(&c, skb, sk))
		return 0;
	hash = hash_connection(&c);
	if (is_known_connection(slot, &c, hash, 0))
		return 0;
	return datagram_contact(slot, &c, hash);
}

/* The sock behind a descriptor of the current task, or NULL. */
static __always_inline struct sock *sock_of(__u32 fd)
{
	struct file *file = file_of((void *)bpf_get_current_task(), fd);
	struct file___socket *of_socket = (void *)file;

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	return BPF_CORE_READ(of_socket, private_data, sk);
}

/* A socket that is an act by itself, unlike those of TCP and UDP: netlink, packet, raw. */
SEC("tracepoint/syscalls/sys_exit_socket")
int handle_socket_exit(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int slot = current_slot();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	struct contact contact = {.task = (void *)bpf_get_current_task()};
	struct connection *c = &contact.connection;

	if (ctx->ret < 0 && is_self_test(regs))
		return answer_self_test();
	if (slot < 0)
		return 0;
	if (ctx->ret == -EPERM || ctx->ret == -EACCES) {
		contact.flags = FLAG_REFUSED;
		contact.error = -ctx->ret;
	} else if (ctx->ret < 0) {
		return 0;
	}
	c->family = call_argument(regs, 0);
	c->type = call_argument(regs, 1) & SOCK_TYPE_MASK;
	if (c->type == SOCK_RAW || c->family == AF_NETLINK || c->family == AF_ALG)
		c->protocol = call_argument(regs, 2);
	contact.hash = mix(hash_seed, (__u64)c->family << 32 | c->type << 16 | c->protocol);
	return report_contact(&socket_scratch, slot, KIND_SOCKET, &contact);
}

/* The address of a bound AF_UNIX socket: a place in a directory tree, or an abstract name. */
static __always_inline bool read_unix_name(struct contact *contact, struct path *path,
					   const struct unix_sock *sock)
{
	struct unix_address *address = BPF_CORE_READ(sock, addr);
	__u32 bytes;

	BPF_CORE_READ_INTO(path, sock, path);
	if (path->dentry) {
		contact->path = path;
		contact->hash = mix(hash_path(path->dentry, path->mnt), contact->hash);
		return true;
	}
	if (!address)
		return false;
	bytes = BPF_CORE_READ(address, len);
	if (bytes <= sizeof(__u16))
		return false;
	contact->name_bytes = bytes - sizeof(__u16);
	contact->name =
		(void *)address + bpf_core_field_offset(struct unix_address, name) + sizeof(__u16);
	contact->hash = hash_name(contact->name, contact->name_bytes, contact->hash);
	return true;
}

static __always_inline int unix_contact(int slot, struct task_struct *task, struct sock *sk,
					enum direction direction)
{
	struct contact contact = {.task = task, .hash = direction};
	struct path path = {};
	struct sock *named = sk;

	contact.connection.family = AF_UNIX;
	contact.connection.type = BPF_CORE_READ(sk, sk_type);
	contact.connection.direction = direction;
	if (direction == DIRECTION_EGRESS)
		named = BPF_CORE_READ((struct unix_sock *)sk, peer);
	if (!named || !read_unix_name(&contact, &path, (void *)named))
		return 0;
	return report_contact(&socket_scratch, slot, KIND_CONNECTION, &contact);
}

/* A connection of a Unix socket, by its peer; IP connections are seen in the protocol. */
SEC("tracepoint/syscalls/sys_exit_connect")
int handle_connect_exit(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	int slot = current_slot();
	struct sock *sk;

	if (ctx->ret < 0 && is_self_test(regs))
		return answer_self_test();
	if (slot < 0 || ctx->ret)
		return 0;
	sk = sock_of(call_argument(regs, 0));
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return 0;
	return unix_contact(slot, (void *)bpf_get_current_task(), sk, DIRECTION_EGRESS);
}

/* A bound port or name. For TCP only listening counts, which the state of the socket shows. */
SEC("tracepoint/syscalls/sys_exit_bind")
int handle_bind_exit(struct syscall_trace_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	struct contact contact = {.task = (void *)bpf_get_current_task()};
	int slot = current_slot();
	struct connection *c = &contact.connection;
	struct sock *sk;

	if (ctx->ret < 0 && is_self_test(regs))
		return answer_self_test();
	if (slot < 0 || ctx->ret)
		return 0;
	sk = sock_of(call_argument(regs, 0));
	if (!sk)
		return 0;
	c->direction = DIRECTION_LISTEN;
	c->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (c->family == AF_UNIX)
		return unix_contact(slot, (void *)bpf_get_current_task(), sk, DIRECTION_LISTEN);
	if ((c->family != AF_INET && c->family != AF_INET6) ||
	    BPF_CORE_READ(sk, sk_type) != SOCK_DGRAM || !(sk_userlocks(sk) & SOCK_BINDPORT_LOCK))
		return 0;
	read_connection(c, sk);
	contact.hash = hash_connection(c);
	return report_contact(&socket_scratch, slot, KIND_CONNECTION, &contact);
}

/* The context of an iterator over the files of all tasks. */
struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

static __always_inline struct known_key listener_key(int slot, const struct sock *sk)
{
	return known_key_of(slot, KIND_CONNECTION,
			    mix(hash_seed, BPF_CORE_READ(sk, __sk_common.skc_num)), LISTENER);
}

static __always_inline int adopt_socket(int slot, struct task_struct *task, const struct sock *sk,
					enum direction direction)
{
	struct contact contact = {.task = task, .connection.direction = direction};

	read_connection(&contact.connection, sk);
	contact.hash = hash_connection(&contact.connection);
	return report_contact(&socket_scratch, slot, KIND_CONNECTION, &contact);
}

/* The socket behind a file if it belongs to a watched container, whose slot it sets. */
static __always_inline struct sock *watched_sock(struct file *file, int *slot)
{
	struct socket *socket = bpf_sock_from_file(file);
	struct sock *sk;

	if (!socket)
		return NULL;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return NULL;
	*slot = slot_of_sock(sk);
	return *slot < 0 ? NULL : sk;
}

/* Reports the ports and names on which running containers already listen. */
SEC("iter/task_file")
int handle_listeners(struct bpf_iter__task_file *ctx)
{
	__u32 verdict = KNOWN_TOLD;
	struct known_key key;
	struct sock *sk;
	int slot;

	if (!ctx->task || !ctx->file)
		return 0;
	sk = watched_sock(ctx->file, &slot);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_LISTEN)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX)
		return unix_contact(slot, (void *)ctx->task, sk, DIRECTION_LISTEN);
	key = listener_key(slot, sk);
	bpf_map_update_elem(&known, &key, &verdict, BPF_ANY);
	return adopt_socket(slot, (void *)ctx->task, sk, DIRECTION_LISTEN);
}

/* Reports their connections. Runs after handle_listeners, which tells the incoming ones. */
SEC("iter/task_file")
int handle_connections(struct bpf_iter__task_file *ctx)
{
	struct known_key key;
	struct sock *sk;
	__u16 family;
	int slot;

	if (!ctx->task || !ctx->file)
		return 0;
	sk = watched_sock(ctx->file, &slot);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_ESTABLISHED)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX)
		return unix_contact(slot, (void *)ctx->task, sk, DIRECTION_EGRESS);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	key = listener_key(slot, sk);
	return adopt_socket(slot, (void *)ctx->task, sk,
			    is_known(&key) ? DIRECTION_INGRESS : DIRECTION_EGRESS);
}

#endif
