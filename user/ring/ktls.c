/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/ktls.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned short type;
	size_t bytes; /* of its struct */
} ciphers[RW_KTLS_CIPHERS] = {
	{"AES-128-GCM", TLS_CIPHER_AES_GCM_128, sizeof(struct tls12_crypto_info_aes_gcm_128)},
	{"AES-256-GCM", TLS_CIPHER_AES_GCM_256, sizeof(struct tls12_crypto_info_aes_gcm_256)},
	{"ChaCha20-Poly1305", TLS_CIPHER_CHACHA20_POLY1305,
	 sizeof(struct tls12_crypto_info_chacha20_poly1305)},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct rw_ktls_caps caps;

const char *rw_ktls_cipher_name(enum rw_ktls_cipher c)
{
	return ciphers[c].name;
}

/* Two ends of a connection; kernel TLS is for established TCP only. 0 or an errno. */
static int make_pair(int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int err = 0, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fd[1] = -1;
	if (listener < 0 || fd[0] < 0 || bind(listener, (struct sockaddr *)&a, n) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&a, &n) ||
	    connect(fd[0], (struct sockaddr *)&a, n))
		err = errno;
	else
		fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (!err && fd[1] < 0)
		err = errno;
	if (listener >= 0)
		close(listener);
	return err;
}

static void drop_pair(const int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static int set_key(int fd, int name, unsigned short version, unsigned cipher)
{
	union {
		struct tls_crypto_info info;
		struct tls12_crypto_info_aes_gcm_256 longest;
	} key = {.info = {version, ciphers[cipher].type}};

	_Static_assert(sizeof(key) >= sizeof(struct tls12_crypto_info_chacha20_poly1305), "room");
	return setsockopt(fd, SOL_TLS, name, &key, (socklen_t)ciphers[cipher].bytes) ? errno : 0;
}

/* 0 or an errno. *rekey: another key was taken after the first. */
static int try_cipher(unsigned short version, unsigned cipher, bool *rekey)
{
	int fd[2], err = make_pair(fd);

	if (!err && setsockopt(fd[0], SOL_TCP, TCP_ULP, "tls", 3))
		err = errno;
	if (!err)
		err = set_key(fd[0], TLS_TX, version, cipher);
	if (!err)
		err = set_key(fd[0], TLS_RX, version, cipher);
	if (!err)
		*rekey = set_key(fd[0], TLS_TX, version, cipher) == 0;
	drop_pair(fd);
	return err;
}

static void explain(int err)
{
	const char *what = strerrordesc_np(err);

	if (err == ENOENT)
		what = "this kernel has no module tls, or it is not loaded: `modprobe tls`, and "
		       "tls "
		       "in /etc/modules-load.d to have it after a boot";
	snprintf(caps.why, sizeof(caps.why), "%s", what ? what : "unknown error");
}

/*
 * The connection that tries it may be forbidden (`ringwall kern egress`). Then all is taken for
 * there: a real connection finds out, and goes on without.
 */
static void assume(void)
{
	struct utsname un;
	unsigned long major, minor;
	char *dot;

	for (unsigned i = 0; i < RW_KTLS_CIPHERS; i++)
		caps.tls12[i] = caps.tls13[i] = true;
	caps.usable = true;
	if (uname(&un))
		return;
	major = strtoul(un.release, &dot, 10);
	minor = *dot == '.' ? strtoul(dot + 1, NULL, 10) : 0;
	caps.rekey = major > 6 || (major == 6 && minor >= 14);
}

static void probe(void)
{
	int first = 0;

	for (unsigned i = 0; i < RW_KTLS_CIPHERS; i++) {
		bool never;
		int err = try_cipher(TLS_1_3_VERSION, i, i == 0 ? &caps.rekey : &never);

		if (i == 0)
			first = err;
		if (err == EPERM || err == EACCES) {
			assume();
			return;
		}
		caps.tls13[i] = err == 0;
		caps.tls12[i] = try_cipher(TLS_1_2_VERSION, i, &never) == 0;
		caps.usable |= caps.tls13[i] || caps.tls12[i];
	}
	if (!caps.usable)
		explain(first);
}

const struct rw_ktls_caps *rw_ktls_caps(void)
{
	pthread_once(&once, probe);
	return &caps;
}

void rw_ktls_pretend(const struct rw_ktls_caps *c)
{
	pthread_once(&once, probe);
	caps = *c;
}
