/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL reports, as sentences: its own words first, then what to do in the usual cases. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/internal.h"

struct advice {
	long code;
	const char *text;
};

/* By X509_V_ERR_*. */
static const struct advice of_certificate[] = {
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	 "it is self-signed: where that is right, put the certificate into a file and name it as "
	 "ca_file"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	 "its CA is not trusted here: where that is right, put the CA's certificate into a file "
	 "and name it as ca_file"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
	 "its CA is not trusted here, or it does not send its whole chain: name the CA's file as "
	 "ca_file"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	 "its CA is not trusted here, or it does not send its whole chain: name the CA's file as "
	 "ca_file"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
	 "its CA is not trusted here, or it does not send its whole chain: name the CA's file as "
	 "ca_file"},
	{X509_V_ERR_CERT_HAS_EXPIRED, "its owner has to renew it; or this host's clock is wrong"},
	{X509_V_ERR_CERT_NOT_YET_VALID, "look at this host's clock"},
	{X509_V_ERR_APPLICATION_VERIFICATION,
	 "none of the pinned keys is in its chain: if its owner has changed the key, pin the new "
	 "one, else somebody else answers"},
	{X509_V_ERR_HOSTNAME_MISMATCH,
	 "connect to a name that the certificate holds, or see whether somebody else answers"},
	{X509_V_ERR_IP_ADDRESS_MISMATCH,
	 "connect to a name or address that the certificate holds, or see whether somebody else "
	 "answers"},
};

static const char plain_peer[] = "it does not speak TLS, which is plain HTTP on most such ports: "
				 "look at the port, and at https:// or http://";
static const char our_certificate[] =
	"it does not accept our certificate: give it the CA or the self-signed certificate to "
	"trust, and use a name that the certificate holds";
static const char no_common[] = "it shares no TLS version, cipher or key exchange with us: TLS "
				"1.2 or 1.3 with ECDHE and an AEAD cipher is needed";
static const char only_h1[] = "HTTP/1.1 is the only protocol spoken here (ALPN http/1.1)";

/* By SSL_R_*. */
static const struct advice of_protocol[] = {
	{SSL_R_WRONG_VERSION_NUMBER, plain_peer},
	{SSL_R_PACKET_LENGTH_TOO_LONG, plain_peer},
	{SSL_R_HTTP_REQUEST, "it sent plain HTTP to a TLS port: the URL must begin with https://"},
	{SSL_R_HTTPS_PROXY_REQUEST,
	 "it takes this port for an HTTP proxy, and asked with CONNECT without TLS"},
	{SSL_R_UNSUPPORTED_PROTOCOL, no_common},
	{SSL_R_VERSION_TOO_LOW, no_common},
	{SSL_R_NO_SHARED_CIPHER, no_common},
	{SSL_R_NO_SHARED_GROUPS, no_common},
	{SSL_R_NO_SUITABLE_KEY_SHARE, no_common},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, no_common},
	{SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, no_common},
	{SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, no_common},
	{SSL_R_NO_APPLICATION_PROTOCOL, only_h1},
	{SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, only_h1},
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, our_certificate},
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, our_certificate},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, our_certificate},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired: renew it"},
	{SSL_R_TLSV1_UNRECOGNIZED_NAME, "it serves nothing under the name that was asked for"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
	 "it wants a client certificate: name it as cert_file and key_file"},
};

static const char *find(const struct advice *table, size_t n, long code)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].code == code)
			return table[i].text;
	return NULL;
}

#define FIND(table, code) find(table, sizeof(table) / sizeof((table)[0]), code)

/* The TLS layer knows best what it means that something below it failed. */
static unsigned long take_cause(void)
{
	unsigned long first = 0, code;

	while ((code = ERR_get_error())) {
		if (!first)
			first = code;
		if (ERR_GET_LIB(code) != ERR_LIB_SSL)
			continue;
		ERR_clear_error();
		return code;
	}
	return first;
}

static const char *words_of(unsigned long code)
{
	const char *words = ERR_SYSTEM_ERROR(code) ? strerrordesc_np(ERR_GET_REASON(code))
						   : ERR_reason_error_string(code);

	return words ? words : "OpenSSL gives no reason";
}

const char *rw_tls_reason(void)
{
	unsigned long code = ERR_peek_last_error();

	ERR_clear_error();
	return words_of(code);
}

static int explain_certificate(long code, const char *host, struct rw_error *e)
{
	const char *advice = FIND(of_certificate, code);

	return rw_fail(e, RW_EPROTO, "its certificate for '%s' is refused: %s%s%s",
		       host ? host : "", X509_verify_cert_error_string(code), advice ? "; " : "",
		       advice ? advice : "");
}

int rw_tls_explain(SSL *ssl, const char *host, struct rw_error *e)
{
	unsigned long code = take_cause();
	bool of_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;
	const char *advice = of_ssl ? FIND(of_protocol, ERR_GET_REASON(code)) : NULL;

	if (of_ssl && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return explain_certificate(SSL_get_verify_result(ssl), host, e);
	return rw_fail(e, RW_EPROTO, "OpenSSL says '%s'%s%s", words_of(code), advice ? "; " : "",
		       advice ? advice : "");
}
