/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of cryptocurrencies: base58check, bech32, and the letters' case of EIP-55. */
#include <openssl/sha.h>

#include "scan/valid.h"

enum {
	BASE58_BYTES_MAX = 64, /* decoded */
	BECH32_MAX = 110,      /* characters: longer than any address */
	KECCAK_RATE = 136,     /* bytes of a block at 256 bits of output */
};

/* The big-endian number that s writes in digits of base 58, in the last bytes of out; how many
 * bytes. */
static unsigned base58(struct rw_slice s, const char *alphabet, unsigned char out[BASE58_BYTES_MAX])
{
	unsigned used = 0;

	memset(out, 0, BASE58_BYTES_MAX);
	for (size_t i = 0; i < s.n; i++) {
		const char *digit = memchr(alphabet, s.p[i], 58);
		unsigned carry = digit ? (unsigned)(digit - alphabet) : 0, k = 0;

		if (!digit)
			return 0;
		for (; k < used || carry; k++) {
			if (k == BASE58_BYTES_MAX)
				return 0;
			carry += 58u * out[BASE58_BYTES_MAX - 1 - k];
			out[BASE58_BYTES_MAX - 1 - k] = (unsigned char)(carry & 0xff);
			carry >>= 8;
		}
		used = k;
	}
	for (size_t i = 0; i < s.n && s.p[i] == alphabet[0]; i++)
		used++;
	return used;
}

/* A version, 20 bytes of a hash, four of the SHA-256 of the SHA-256 of both. */
bool rw_valid_base58check(struct rw_candidate *c)
{
	static const char *const alphabets[] = {
		"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
		"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz",
	};
	unsigned char bytes[BASE58_BYTES_MAX], sum[SHA256_DIGEST_LENGTH];
	const unsigned char *p = bytes + BASE58_BYTES_MAX - 25;

	for (unsigned i = 0; i < 2; i++) {
		if (base58(c->value, alphabets[i], bytes) != 25)
			continue;
		SHA256(p, 21, sum);
		SHA256(sum, sizeof(sum), sum);
		if (!memcmp(sum, p + 21, 4))
			return true;
	}
	return false;
}

static unsigned bech32_step(unsigned chk, unsigned value)
{
	static const unsigned generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
					     0x2a1462b3};
	unsigned top = chk >> 25;

	chk = (chk & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		chk ^= top >> i & 1 ? generator[i] : 0;
	return chk;
}

/* BIP 173 and BIP 350: a word, a 1, and a polynomial's remainder. */
bool rw_valid_bech32(struct rw_candidate *c)
{
	static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	struct rw_slice v = c->value;
	const char *one = memrchr(v.p, '1', v.n);
	size_t word = one ? (size_t)(one - v.p) : 0;
	unsigned chk = 1;

	if (!word || v.n > BECH32_MAX)
		return false;
	for (size_t i = 0; i < word; i++)
		chk = bech32_step(chk, (unsigned char)v.p[i] >> 5);
	chk = bech32_step(chk, 0);
	for (size_t i = 0; i < word; i++)
		chk = bech32_step(chk, v.p[i] & 31);
	for (size_t i = word + 1; i < v.n; i++) {
		const char *at = memchr(alphabet, v.p[i], 32);

		if (!at)
			return false;
		chk = bech32_step(chk, (unsigned)(at - alphabet));
	}
	return chk == 1 || chk == 0x2bc830a3;
}

static uint64_t rotate(uint64_t x, unsigned n)
{
	return n ? x << n | x >> (64 - n) : x;
}

/* Keccak-f[1600], as FIPS 202 has it. */
static void keccak_f(uint64_t a[25])
{
	static const unsigned char turn[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
					       25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
	unsigned lfsr = 1;

	for (unsigned round = 0; round < 24; round++) {
		uint64_t c[5], b[25];

		for (unsigned x = 0; x < 5; x++)
			c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
		for (unsigned i = 0; i < 25; i++)
			a[i] ^= c[(i + 4) % 5] ^ rotate(c[(i + 1) % 5], 1);
		for (unsigned i = 0; i < 25; i++) {
			unsigned x = i % 5, y = i / 5;

			b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[i], turn[i]);
		}
		for (unsigned i = 0; i < 25; i++) {
			unsigned row = i / 5 * 5;

			a[i] = b[i] ^ (~b[row + (i + 1) % 5] & b[row + (i + 2) % 5]);
		}
		for (unsigned j = 0; j < 7; j++) {
			if (lfsr & 1)
				a[0] ^= UINT64_C(1) << ((1u << j) - 1);
			lfsr = lfsr & 0x80 ? lfsr << 1 ^ 0x171 : lfsr << 1;
		}
	}
}

/* The first 20 bytes of Keccak-256 of at most one block. */
static void keccak(const char *text, size_t n, unsigned char out[20])
{
	uint64_t a[25] = {0};

	for (size_t i = 0; i < n; i++)
		a[i / 8] ^= (uint64_t)(unsigned char)text[i] << 8 * (i % 8);
	a[n / 8] ^= UINT64_C(1) << 8 * (n % 8);
	a[(KECCAK_RATE - 1) / 8] ^= UINT64_C(0x80) << 8 * ((KECCAK_RATE - 1) % 8);
	keccak_f(a);
	for (unsigned i = 0; i < 20; i++)
		out[i] = (unsigned char)(a[i / 8] >> 8 * (i % 8) & 0xff);
}

/* "0x" and 40 digits: in one case, or with capitals where the hash has a high digit (EIP-55). */
bool rw_valid_ethereum(struct rw_candidate *c)
{
	char low[40];
	unsigned char hash[20];
	unsigned letters = 0, capitals = 0;

	if (c->value.n != 42)
		return false;
	for (unsigned i = 0; i < 40; i++) {
		char x = c->value.p[2 + i];

		low[i] = x >= 'A' && x <= 'F' ? (char)(x + 32) : x;
		letters += low[i] > '9';
		capitals += low[i] != x;
	}
	if (letters < 4 || letters == 40)
		return false;
	if (!capitals || capitals == letters)
		return true;
	keccak(low, sizeof(low), hash);
	for (unsigned i = 0; i < 40; i++) {
		bool high = (hash[i / 2] >> (i % 2 ? 0 : 4) & 8) != 0;

		if (low[i] > '9' && high != (low[i] != c->value.p[2 + i]))
			return false;
	}
	return true;
}
