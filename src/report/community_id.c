/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/community_id.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define SHA1_BYTES   20

static EVP_MD *fetched; /* for the whole process; NULL: this library has none */

static void fetch(void)
{
	fetched = EVP_MD_fetch(NULL, "SHA1", NULL);
}

/* EVP_sha1() is looked up anew with every digest, which takes longer than the digest. */
static const EVP_MD *sha1(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
	return fetched;
}

/* IPv4 addresses take 4 bytes in the hash, IPv6 ones 16. */
static size_t put_address(uint8_t *to, const struct ip_address *ip)
{
	if (ip_address_is_v4(ip)) {
		memcpy(to, ip->bytes + 12, 4);
		return 4;
	}
	memcpy(to, ip->bytes, 16);
	return 16;
}

static bool comes_first(const struct ip_address *a, uint16_t a_port, const struct ip_address *b,
			uint16_t b_port)
{
	int order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));

	return order < 0 || (order == 0 && a_port < b_port);
}

void community_id(char text[static COMMUNITY_ID_BYTES], const struct ip_address *a, uint16_t a_port,
		  const struct ip_address *b, uint16_t b_port)
{
	if (!comes_first(a, a_port, b, b_port)) {
		const struct ip_address *ip = a;
		uint16_t port = a_port;

		a = b;
		a_port = b_port;
		b = ip;
		b_port = port;
	}

	uint8_t message[2 + 16 + 16 + 2 + 4] = { 0, 0 }; /* begins with the seed, 0 */
	size_t length = 2;

	length += put_address(message + length, a);
	length += put_address(message + length, b);
	message[length++] = PROTOCOL_TCP;
	message[length++] = 0;
	message[length++] = (uint8_t)(a_port >> 8);
	message[length++] = (uint8_t)a_port;
	message[length++] = (uint8_t)(b_port >> 8);
	message[length++] = (uint8_t)b_port;

	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_bytes = 0;

	text[0] = '\0';
	if (!sha1() || !EVP_Digest(message, length, digest, &digest_bytes, sha1(), NULL) ||
	    digest_bytes != SHA1_BYTES)
		return;
	memcpy(text, "1:", 2);
	EVP_EncodeBlock((unsigned char *)text + 2, digest, SHA1_BYTES);
}
