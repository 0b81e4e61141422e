/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two HTTP implementations are known to read differently (RFC 9112 11.2, published
 * request-smuggling research, the trophies of HTTP differential fuzzers): each must be
 * refused, whole, byte by byte and cut at random, and before a head is told where the
 * head is what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transcript.h"

#define H "Host: a\r\n"

struct refused {
	const char *trap;
	const char *bytes;
	size_t n;
};

#define RAW(literal) literal, sizeof(literal) - 1

static const struct refused requests[] = {
	/* two lengths */
	{"te_and_cl_is_refused",
	 RAW("POST / HTTP/1.1\r\n" H
	     "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"cl_and_te_in_other_order",
	 RAW("POST / HTTP/1.1\r\n" H
	     "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")},
	{"te_identity_and_cl",
	 RAW("POST / HTTP/1.1\r\n" H
	     "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello")},
	{"two_equal_lengths",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")},
	{"two_different_lengths",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")},
	{"length_list", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello")},
	{"length_list_no_space", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5,5\r\n\r\nhello")},
	{"length_with_sign", RAW("POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello")},
	{"negative_length", RAW("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\nhello")},
	{"hex_length", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nhello")},
	{"length_with_underscore", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 1_0\r\n\r\nhello")},
	{"length_with_inner_space",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 1 0\r\n\r\nhello")},
	{"length_with_fraction", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\nhello")},
	{"quoted_length", RAW("POST / HTTP/1.1\r\n" H "Content-Length: \"5\"\r\n\r\nhello")},
	{"empty_length", RAW("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nhello")},
	{"length_overflows_64_bits",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\nhello")},
	{"length_overflows_63_bits",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\nhello")},
	{"length_with_vertical_tab",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: \v5\r\n\r\nhello")},
	{"length_in_other_digits",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: \xd9\xa5\r\n\r\nhello")},
	{"length_spelled_with_underscore",
	 RAW("POST / HTTP/1.1\r\n" H "Content_Length: 5\r\n\r\nhello")},
	/* Transfer-Encoding in disguise */
	{"te_not_final",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n")},
	{"te_gzip_then_chunked",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
	{"te_chunked_twice_in_list",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
	{"te_twice",
	 RAW("POST / HTTP/1.1\r\n" H
	     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"te_chunked_then_identity_line",
	 RAW("POST / HTTP/1.1\r\n" H
	     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")},
	{"te_identity", RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n")},
	{"te_empty", RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n")},
	{"te_empty_element",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n")},
	{"te_trailing_comma",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n")},
	{"te_xchunked",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
	{"te_chunkedx",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n")},
	{"te_quoted",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")},
	{"te_parameter",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n")},
	{"te_vertical_tab",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\vchunked\r\n\r\n0\r\n\r\n")},
	{"te_nul", RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n")},
	{"te_space_before_colon",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n")},
	{"te_tab_before_colon",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n")},
	{"te_folded",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")},
	{"te_behind_bare_cr",
	 RAW("POST / HTTP/1.1\r\n" H "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"te_behind_bare_lf",
	 RAW("POST / HTTP/1.1\r\n" H "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"te_with_leading_space",
	 RAW("POST / HTTP/1.1\r\n" H " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"te_spelled_with_underscore",
	 RAW("POST / HTTP/1.1\r\n" H "Transfer_Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"te_on_http_1_0",
	 RAW("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	/* lines */
	{"bare_lf_everywhere", RAW("GET / HTTP/1.1\nHost: a\n\n")},
	{"bare_lf_at_the_end", RAW("GET / HTTP/1.1\r\n" H "\n")},
	{"bare_cr_as_line_end", RAW("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n")},
	{"cr_cr_lf", RAW("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n")},
	{"folded_header", RAW("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n")},
	{"folded_with_tab", RAW("GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n")},
	{"white_space_line_first", RAW("GET / HTTP/1.1\r\n " H "\r\n")},
	{"nul_in_value", RAW("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n")},
	{"nul_in_name", RAW("GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n")},
	{"escape_in_value", RAW("GET / HTTP/1.1\r\n" H "X: \x1b[0m\r\n\r\n")},
	{"del_in_value", RAW("GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n")},
	{"empty_name", RAW("GET / HTTP/1.1\r\n" H ": a\r\n\r\n")},
	{"name_with_space", RAW("GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n")},
	{"name_with_obs_text", RAW("GET / HTTP/1.1\r\n" H "X\xa0: a\r\n\r\n")},
	{"name_with_brackets", RAW("GET / HTTP/1.1\r\n" H "X[]: a\r\n\r\n")},
	{"line_without_colon", RAW("GET / HTTP/1.1\r\n" H "X\r\n\r\n")},
	{"two_empty_lines_first", RAW("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n")},
	{"bare_lf_first", RAW("\nGET / HTTP/1.1\r\n" H "\r\n")},
	{"space_first", RAW(" GET / HTTP/1.1\r\n" H "\r\n")},
	/* request line */
	{"two_spaces_after_method", RAW("GET  / HTTP/1.1\r\n" H "\r\n")},
	{"two_spaces_before_version", RAW("GET /  HTTP/1.1\r\n" H "\r\n")},
	{"space_after_version", RAW("GET / HTTP/1.1 \r\n" H "\r\n")},
	{"tab_in_request_line", RAW("GET\t/ HTTP/1.1\r\n" H "\r\n")},
	{"space_in_target", RAW("GET /a b HTTP/1.1\r\n" H "\r\n")},
	{"http_0_9", RAW("GET /\r\n\r\n")},
	{"http_0_9_spelled_out", RAW("GET / HTTP/0.9\r\n" H "\r\n")},
	{"http_1_2", RAW("GET / HTTP/1.2\r\n" H "\r\n")},
	{"http_2_0", RAW("GET / HTTP/2.0\r\n" H "\r\n")},
	{"http_1_01", RAW("GET / HTTP/1.01\r\n" H "\r\n")},
	{"http_11_1", RAW("GET / HTTP/11.1\r\n" H "\r\n")},
	{"lower_case_http", RAW("GET / http/1.1\r\n" H "\r\n")},
	{"version_of_another_protocol", RAW("GET / RTSP/1.0\r\n" H "\r\n")},
	{"lower_case_method", RAW("get / HTTP/1.1\r\n" H "\r\n")},
	{"unknown_method", RAW("BREW / HTTP/1.1\r\n" H "\r\n")},
	{"connect", RAW("CONNECT a:443 HTTP/1.1\r\n" H "\r\n")},
	{"trace", RAW("TRACE / HTTP/1.1\r\n" H "\r\n")},
	{"h2_preface", RAW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{"tls_on_plain_port", RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
	{"control_in_target", RAW("GET /\x01 HTTP/1.1\r\n" H "\r\n")},
	{"non_ascii_target", RAW("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n")},
	{"fragment_in_target", RAW("GET /a#b HTTP/1.1\r\n" H "\r\n")},
	{"backslash_in_target", RAW("GET \\\\evil\\a HTTP/1.1\r\n" H "\r\n")},
	{"relative_target", RAW("GET a HTTP/1.1\r\n" H "\r\n")},
	{"asterisk_target", RAW("OPTIONS * HTTP/1.1\r\n" H "\r\n")},
	{"authority_target", RAW("GET a:80 HTTP/1.1\r\n" H "\r\n")},
	/* host */
	{"no_host", RAW("GET / HTTP/1.1\r\n\r\n")},
	{"no_host_http_1_0", RAW("GET / HTTP/1.0\r\n\r\n")},
	{"two_hosts", RAW("GET / HTTP/1.1\r\n" H H "\r\n")},
	{"two_different_hosts", RAW("GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n")},
	{"empty_host", RAW("GET / HTTP/1.1\r\nHost:\r\n\r\n")},
	{"host_with_user", RAW("GET / HTTP/1.1\r\nHost: b@a\r\n\r\n")},
	{"host_with_path", RAW("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
	{"host_list", RAW("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")},
	{"host_with_space", RAW("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
	{"host_port_not_a_number", RAW("GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n")},
	{"host_only_port", RAW("GET / HTTP/1.1\r\nHost: :80\r\n\r\n")},
	{"host_open_bracket", RAW("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")},
	{"host_empty_bracket", RAW("GET / HTTP/1.1\r\nHost: []\r\n\r\n")},
	{"host_behind_bracket", RAW("GET / HTTP/1.1\r\nHost: [::1]b\r\n\r\n")},
	{"host_name_in_brackets", RAW("GET / HTTP/1.1\r\nHost: [evil]\r\n\r\n")},
	{"absolute_form_of_another_host", RAW("GET http://b/ HTTP/1.1\r\n" H "\r\n")},
	{"absolute_form_with_user", RAW("GET http://x@a/ HTTP/1.1\r\n" H "\r\n")},
	{"absolute_form_with_other_port", RAW("GET http://a:81/ HTTP/1.1\r\n" H "\r\n")},
	{"absolute_form_query_without_path", RAW("GET http://a?x HTTP/1.1\r\n" H "\r\n")},
	{"absolute_form_of_another_scheme", RAW("GET file:///etc/passwd HTTP/1.1\r\n" H "\r\n")},
	/* other headers with power */
	{"upgrade",
	 RAW("GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")},
	{"upgrade_to_h2c", RAW("GET / HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\n"
			       "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")},
	{"h2_settings_alone", RAW("GET / HTTP/1.1\r\n" H "HTTP2-Settings: AAMAAABk\r\n\r\n")},
	{"expect_something_else",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: x\r\n\r\na")},
	{"expect_list",
	 RAW("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-continue, x\r\n\r\na")},
	{"connection_not_tokens", RAW("GET / HTTP/1.1\r\n" H "Connection: clo se\r\n\r\n")},
};

#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

static const struct refused bodies[] = {
	{"chunk_size_with_0x", RAW(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_plus", RAW(CHUNKED "+5\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_minus", RAW(CHUNKED "-5\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_underscore", RAW(CHUNKED "0_5\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_space_before", RAW(CHUNKED " 5\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_space_after", RAW(CHUNKED "5 \r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_with_tab_after", RAW(CHUNKED "5\t\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_space_then_extension", RAW(CHUNKED "5 ;a\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_empty", RAW(CHUNKED "\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_only_extension", RAW(CHUNKED ";a\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_not_hex", RAW(CHUNKED "g\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_of_17_digits", RAW(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_wraps_around", RAW(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_negative_as_signed", RAW(CHUNKED "ffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
	{"chunk_sizes_sum_wraps", RAW(CHUNKED "5\r\nhello\r\n7fffffffffffffff\r\nhello")},
	{"chunk_size_with_nul", RAW(CHUNKED "5\0\r\nhello\r\n0\r\n\r\n")},
	{"chunk_size_bare_lf", RAW(CHUNKED "5\nhello\r\n0\r\n\r\n")},
	{"chunk_size_bare_cr", RAW(CHUNKED "5\rhello\r\n0\r\n\r\n")},
	{"chunk_size_cr_x_lf", RAW(CHUNKED "5\rX\nhello\r\n0\r\n\r\n")},
	{"chunk_data_longer_than_size", RAW(CHUNKED "5\r\nhello!\r\n0\r\n\r\n")},
	{"chunk_data_without_crlf", RAW(CHUNKED "5\r\nhello0\r\n\r\n")},
	{"chunk_data_bare_lf", RAW(CHUNKED "5\r\nhello\n0\r\n\r\n")},
	{"chunk_data_two_skipped", RAW(CHUNKED "5\r\nhelloXX0\r\n\r\n")},
	{"chunk_extension_with_bare_lf", RAW(CHUNKED "5;a\nhello\r\n0\r\n\r\n")},
	{"chunk_extension_with_bare_cr", RAW(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n")},
	{"chunk_extension_with_nul", RAW(CHUNKED "5;a\0\r\nhello\r\n0\r\n\r\n")},
	{"last_chunk_bare_lf", RAW(CHUNKED "0\n\n")},
	{"last_chunk_without_empty_line", RAW(CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n")},
	{"end_bare_lf", RAW(CHUNKED "0\r\n\n")},
	{"end_bare_cr", RAW(CHUNKED "0\r\n\rG")},
	{"trailer_folded", RAW(CHUNKED "0\r\nX: a\r\n b\r\n\r\n")},
	{"trailer_with_nul", RAW(CHUNKED "0\r\nX: a\0\r\n\r\n")},
	{"trailer_with_bare_lf", RAW(CHUNKED "0\r\nX: a\n\r\n")},
	{"trailer_without_name", RAW(CHUNKED "0\r\n: a\r\n\r\n")},
	{"trailer_space_before_colon", RAW(CHUNKED "0\r\nX : a\r\n\r\n")},
	{"trailer_sets_length", RAW(CHUNKED "0\r\nContent-Length: 5\r\n\r\n")},
	{"truncated_in_size", RAW(CHUNKED "5")},
	{"truncated_in_data", RAW(CHUNKED "5\r\nhel")},
	{"truncated_before_last_chunk", RAW(CHUNKED "5\r\nhello\r\n")},
	{"truncated_after_last_chunk", RAW(CHUNKED "5\r\nhello\r\n0\r\n")},
	{"truncated_length", RAW("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhell")},
};

static const struct refused responses[] = {
	{"response_te_and_cl", RAW("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"response_two_lengths",
	 RAW("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n")},
	{"response_length_list", RAW("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello")},
	{"response_te_other", RAW("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")},
	{"response_te_to_1_0",
	 RAW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"response_101", RAW("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
			     "Connection: upgrade\r\n\r\n")},
	{"response_bare_lf", RAW("HTTP/1.1 200 OK\nContent-Length: 0\n\n")},
	{"response_folded", RAW("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n")},
	{"response_nul", RAW("HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n")},
	{"response_space_before_colon", RAW("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")},
	{"response_two_digits", RAW("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_four_digits", RAW("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_status_0", RAW("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_status_600", RAW("HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_status_signed", RAW("HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_tab_separated", RAW("HTTP/1.1\t200\tOK\r\nContent-Length: 0\r\n\r\n")},
	{"response_http_2", RAW("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_icy", RAW("ICY 200 OK\r\n\r\n")},
	{"response_control_in_reason", RAW("HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n")},
	{"response_204_with_length",
	 RAW("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")},
	{"response_204_chunked",
	 RAW("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
	{"response_100_with_length",
	 RAW("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello")},
	{"response_leading_crlf", RAW("\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_leading_garbage", RAW("x HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
	{"response_truncated_head", RAW("HTTP/1.1 200 OK\r\nContent-Le")},
	{"response_truncated_length", RAW("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")},
	{"response_truncated_chunks",
	 RAW("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")},
	{"response_split_is_refused",
	 RAW("HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n")},
};

static void refuse_all(const struct refused *all, size_t n_all, enum rw_h1_side side, bool no_head)
{
	struct rw_h1_limits limits = {0};
	uint64_t seed = 1;

	for (size_t i = 0; i < n_all; i++) {
		const struct refused *r = &all[i];
		struct transcript a = {0};
		int rc = tr_run(&a, side, &limits, false, r->bytes, r->n, cut_whole, NULL);

		if (rc != RW_EPROTO || (no_head && a.heads))
			fail_msg("%s: %d, %s", r->trap, rc, a.text.p);
		for (int k = 0; k < 8; k++) {
			struct transcript b = {0};

			tr_run(&b, side, &limits, false, r->bytes, r->n, k ? cut_random : cut_bytes,
			       &seed);
			if (strcmp(a.text.p, b.text.p) != 0)
				fail_msg("%s cut %d: %s but whole: %s", r->trap, k, b.text.p,
					 a.text.p);
			tr_free(&b);
		}
		tr_free(&a);
	}
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void request_heads_in_doubt_are_refused_before_a_head_is_told(void **state)
{
	(void)state;
	refuse_all(requests, COUNT(requests), RW_H1_REQUESTS, true);
}

static void request_bodies_in_doubt_are_refused(void **state)
{
	(void)state;
	refuse_all(bodies, COUNT(bodies), RW_H1_REQUESTS, false);
}

static void responses_in_doubt_are_refused(void **state)
{
	(void)state;
	refuse_all(responses, COUNT(responses), RW_H1_RESPONSES, false);
}

/* CVE-2023-39326 and like it: what is dropped may not be endless either. */
static void endless_chunk_extensions_and_trailers_are_refused(void **state)
{
	struct rw_h1_limits limits = {0};

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct rw_buf b = {0};
		struct transcript t = {0};

		rw_buf_add_str(&b, CHUNKED);
		if (kind == 1)
			rw_buf_add_str(&b, "0\r\n");
		for (int i = 0; i < 3000; i++)
			rw_buf_add_str(&b, kind ? "X: y\r\n" : "1;a\r\nx\r\n");
		rw_buf_add_str(&b, kind ? "\r\n" : "0\r\n\r\n");
		assert_int_equal(
			tr_run(&t, RW_H1_REQUESTS, &limits, false, b.p, b.len, cut_whole, NULL),
			RW_EPROTO);
		tr_free(&t);
		rw_buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_heads_in_doubt_are_refused_before_a_head_is_told),
		cmocka_unit_test(request_bodies_in_doubt_are_refused),
		cmocka_unit_test(responses_in_doubt_are_refused),
		cmocka_unit_test(endless_chunk_extensions_and_trailers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
