/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for the tests: TCP, as valid as asked, in IPv4 or IPv6, with tags, options, headers. */
#ifndef RW_TESTS_KERNEL_PACKET_H
#define RW_TESTS_KERNEL_PACKET_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	PACKET_MAX = 2048,
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	URG = 32,
	ECE = 64,
	CWR = 128,
	TCP = 6,
	UDP = 17,
	ICMP6 = 58,
};

struct packet_make {
	const char *src; /* its family is the packet's; default 192.0.2.1 */
	uint16_t port;	 /* destination; default 443 */
	uint8_t flags;	 /* default ACK; see no_flags */
	bool no_flags;
	uint8_t protocol;     /* default TCP */
	unsigned tags;	      /* VLAN tags; the outer of several is 802.1ad */
	unsigned options;     /* bytes of IPv4 options, a multiple of 4 */
	unsigned tcp_options; /* bytes, a multiple of 4 */
	unsigned payload;
	uint16_t frag;	      /* the IPv4 field as it is; in IPv6 that of the fragment header */
	const uint8_t *chain; /* IPv6: next-header values of the extension headers, 8 bytes each */
	unsigned n_chain;
};

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t n;
	size_t ip, l4; /* where they start */
};

static inline void packet_put16(struct packet *p, size_t at, unsigned v)
{
	p->bytes[at] = (uint8_t)(v >> 8);
	p->bytes[at + 1] = (uint8_t)v;
}

static inline void packet_ethernet(struct packet *p, unsigned tags, unsigned ethertype)
{
	memset(p->bytes, 0x02, 12);
	p->n = 12;
	for (unsigned i = 0; i < tags; i++, p->n += 4) {
		packet_put16(p, p->n, i == 0 && tags > 1 ? 0x88a8 : 0x8100);
		packet_put16(p, p->n + 2, 100 + i);
	}
	packet_put16(p, p->n, ethertype);
	p->n += 2;
	p->ip = p->n;
}

static inline void packet_ip4(struct packet *p, const struct packet_make *m, uint8_t protocol)
{
	uint8_t *ip = p->bytes + p->ip;
	unsigned header = 20 + m->options;

	ip[0] = (uint8_t)(0x40 | header / 4);
	packet_put16(p, p->ip + 2, header + 20 + m->tcp_options + m->payload);
	packet_put16(p, p->ip + 6, m->frag);
	ip[8] = 64;
	ip[9] = protocol;
	assert_int_equal(inet_pton(AF_INET, m->src, ip + 12), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.254", ip + 16), 1);
	memset(ip + 20, 1, m->options);
	p->n += header;
}

static inline void packet_ip6(struct packet *p, const struct packet_make *m, uint8_t protocol)
{
	uint8_t *ip = p->bytes + p->ip;

	ip[0] = 0x60;
	packet_put16(p, p->ip + 4, 8 * m->n_chain + 20 + m->tcp_options + m->payload);
	ip[6] = m->n_chain ? m->chain[0] : protocol;
	ip[7] = 64;
	assert_int_equal(inet_pton(AF_INET6, m->src, ip + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:ffff::1", ip + 24), 1);
	p->n += 40;
	for (unsigned i = 0; i < m->n_chain; i++, p->n += 8) {
		p->bytes[p->n] = i + 1 < m->n_chain ? m->chain[i + 1] : protocol;
		if (m->chain[i] == 44)
			packet_put16(p, p->n + 2, m->frag);
	}
}

static inline void packet_tcp(struct packet *p, const struct packet_make *m)
{
	p->l4 = p->n;
	packet_put16(p, p->l4, 40000);
	packet_put16(p, p->l4 + 2, m->port ? m->port : 443);
	p->bytes[p->l4 + 12] = (uint8_t)((20 + m->tcp_options) / 4 << 4);
	p->bytes[p->l4 + 13] = m->flags || m->no_flags ? m->flags : ACK;
	p->n += 20 + m->tcp_options;
	memset(p->bytes + p->n, 'x', m->payload);
	p->n += m->payload;
}

static inline void packet_build(struct packet *p, const struct packet_make *make)
{
	struct packet_make m = *make;
	uint8_t protocol = m.protocol ? m.protocol : TCP;

	memset(p, 0, sizeof(*p));
	if (!m.src)
		m.src = "192.0.2.1";
	if (strchr(m.src, ':')) {
		packet_ethernet(p, m.tags, 0x86dd);
		packet_ip6(p, &m, protocol);
	} else {
		packet_ethernet(p, m.tags, 0x0800);
		packet_ip4(p, &m, protocol);
	}
	packet_tcp(p, &m);
}

#endif
