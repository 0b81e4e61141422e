/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one YAML file, checked against one table of keys.
 *
 * A struct rw_config is made whole or not at all, is immutable afterwards and
 * owns everything it points to (its arena). Secrets in it are wiped on free.
 */
#ifndef RW_POLICY_CONFIG_H
#define RW_POLICY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "scan/leak.h"
#include "scan/redact.h"
#include "scan/scan.h"

enum { RW_MAX_LISTENERS = 16, RW_MAX_UPSTREAMS = 32, RW_MAX_MODELS = 256, RW_MAX_BALANCERS = 32 };
/* Of one listener, beside its first; of one upstream. */
enum { RW_MAX_CERTIFICATES = 31, RW_MAX_PINS = 8 };
enum { RW_MAX_DETECTORS = 4 };

/* Where commands look when no file is named. */
#define RW_CONFIG_FILE "/etc/ringwall/ringwall.yaml"

/* When audit records reach the disk: behind the answers, or before the end of each. */
enum rw_audit_sync { RW_AUDIT_INTERVAL, RW_AUDIT_REQUEST };

enum rw_kernel_mode { RW_KERNEL_REQUIRED, RW_KERNEL_PREFERRED, RW_KERNEL_OFF };

/* What a ban does at first, and what a second one does. */
enum rw_ban_severity { RW_BAN_DROP_ALL, RW_BAN_DROP_SYN, RW_BAN_LIMIT, RW_BAN_GRADUATED };

/* ktls: in the order of enum rw_ktls_mode, which this room does not know. */
enum rw_ktls_word { RW_KTLS_WORD_AUTO, RW_KTLS_WORD_ON, RW_KTLS_WORD_OFF };

struct rw_rate {
	uint32_t per_minute; /* 0: unlimited */
	uint32_t burst;
};

enum rw_client_cert { RW_CLIENT_CERT_OFF, RW_CLIENT_CERT_OPTIONAL, RW_CLIENT_CERT_REQUIRED };

struct rw_certificate_config {
	const char *cert_file, *key_file;
	const char *ocsp_file; /* NULL: none */
};

struct rw_listener_config {
	const char *address; /* "0.0.0.0:8443" */
	bool tls;
	struct rw_certificate_config first; /* cert_file NULL: self-signed under state_dir */
	struct rw_certificate_config more[RW_MAX_CERTIFICATES];
	unsigned n_more;
	bool refuse_unknown; /* names that no certificate has; else the first is theirs */
	bool modern;	     /* TLS 1.3 only */
	enum rw_client_cert client_cert;
	const char *client_ca_file;
	uint64_t hsts_ms;    /* 0: off */
	bool plain_anywhere; /* allows tls: false off loopback */
	enum rw_ktls_word ktls;
	bool proxy_protocol; /* a PROXY header first; from balancers only */
};

struct rw_pin_config {
	const char *sha256; /* of a public key (SPKI), base64 */
};

struct rw_upstream_config {
	const char *name;
	bool tls;
	const char *tls_name;		  /* to verify instead of the URL's host; NULL: that */
	bool modern;			  /* TLS 1.3 only */
	const char *cert_file, *key_file; /* ours; NULL: none */
	struct rw_pin_config pins[RW_MAX_PINS];
	unsigned n_pins;
	bool pins_report; /* a mismatch is only told */
	const char *host; /* name or address, without brackets */
	uint16_t port;
	const char *path;    /* prefix without trailing slash: "/v1" */
	bool insecure_plain; /* allows http off loopback */
	const char *ca_file; /* NULL: the system's */
	enum rw_ktls_word ktls;
	const char *key; /* secret: sent as Authorization: Bearer; NULL: none */
	uint32_t connect_ms, first_byte_ms, between_ms;
};

enum { RW_MODEL_PRESET_NONE = 4 }; /* past the presets */

struct rw_model_config {
	const char *name;  /* what the caller says */
	unsigned upstream; /* index */
	unsigned preset;   /* enum rw_preset, or RW_MODEL_PRESET_NONE: the one of guards */
	bool pass_answers; /* they are not read */
};

/* The protocols of detectors elsewhere (llm/detector.h). */
enum rw_detector_protocol { RW_DETECTOR_PRESIDIO, RW_DETECTOR_JUDGE };

struct rw_detector_config {
	const char *name;
	enum rw_detector_protocol protocol;
	unsigned upstream;    /* index */
	const char *model;    /* of a judge */
	const char *language; /* for Presidio */
	uint32_t score;	      /* least of 100 that counts */
	uint32_t deadline_ms, cache_ms;
	uint64_t max_text_bytes;
	bool fail_open;
};

struct rw_canary_config {
	const char *text; /* secret */
};

struct rw_balancer_config {
	const char *prefix; /* "192.0.2.7", "2001:db8::/64" */
	bool forwarded_for; /* its X-Forwarded-For is believed */
};

/* A file or folder that the configuration names, as it was resolved. */
struct rw_config_path {
	struct rw_config_path *next;
	const char *text;
};

struct rw_config {
	struct rw_arena arena;
	const char *file;	      /* where it came from; "(built in)" */
	struct rw_config_path *paths; /* all of them, in no order */

	struct rw_listener_config listeners[RW_MAX_LISTENERS];
	unsigned n_listeners;
	const char *admin_address;			       /* NULL: off */
	struct rw_balancer_config balancers[RW_MAX_BALANCERS]; /* never struck */
	unsigned n_balancers;

	struct rw_upstream_config upstreams[RW_MAX_UPSTREAMS];
	unsigned n_upstreams;
	/* Allowlist in the file's order; "*" as name admits every model. */
	struct rw_model_config models[RW_MAX_MODELS];
	unsigned n_models;

	bool keys_required;    /* false: anonymous requests are served */
	const char *keys_file; /* a list beside the store (ident/keys.h); NULL: none */
	bool certs_accepted;   /* a client's certificate stands for a key */
	struct rw_rate key_rate, address_rate;

	struct rw_guard request, answer;
	/* Of texts that are no user's: a finding of injection in them, and its line (0: the
	 * preset's). */
	enum rw_action tools_injection, system_injection;
	uint32_t request_score, tools_score;
	uint32_t request_alone, tools_alone; /* the same where no rule agrees with the model */
	enum rw_preset preset;
	bool conversation;     /* turns are looked at together, too */
	bool remember;	       /* a text that was clean is not scanned again */
	const char *rules_dir; /* operator packs; NULL: none */
	unsigned skip_bad_rules;
	struct rw_redact_plan redact;
	uint32_t hold_ms; /* 0: time decides nothing */
	struct rw_echo_limits echo;
	struct rw_canary_config canaries[RW_CANARIES];
	unsigned n_canaries;
	const char *canary_file; /* NULL: none */
	struct rw_detector_config detectors[RW_MAX_DETECTORS];
	unsigned n_detectors;

	uint32_t workers;				 /* 0: one per core */
	uint32_t spin_us;				 /* 0: an idle worker sleeps at once */
	uint32_t max_connections;			 /* per worker */
	uint32_t max_handshakes, max_address_handshakes; /* begun and not done, per worker */
	uint64_t max_body_bytes, max_answer_bytes, max_memory_bytes; /* memory: per worker */
	uint32_t max_messages, max_header_bytes;
	uint32_t header_ms, body_ms, idle_ms, write_stall_ms, drain_ms;

	const char *state_dir;
	const char *audit_file; /* NULL: off */
	bool audit_required;	/* true: no audit, no service */
	enum rw_audit_sync audit_sync;

	enum rw_kernel_mode kernel;
	/* Strikes: an address that reaches threshold within window is banned for ban, doubled on
	 * repeat. */
	uint32_t strike_threshold, strike_window_ms, ban_ms, ban_max_ms;
	uint32_t strike_key_threshold; /* the same of a key's blocked prompts; 0: never */
	uint32_t strike_nets;	       /* banned /64s that make it their /56; 0: never */
	enum rw_ban_severity ban_severity;
};

/* Reads file; *e says file, line and column, the key's path, and what would be right. */
int rw_config_load(struct rw_config **out, const char *file, struct rw_error *e);
/* The same from memory; name stands for the file in messages. */
int rw_config_parse(struct rw_config **out, const char *yaml, size_t n, const char *name,
		    struct rw_error *e);
/*
 * As rw_config_load, but secrets stay where they are: every upstream's key is NULL, no key_file
 * is read and no variable in key is asked for. For commands that want the rest of the file.
 */
int rw_config_load_public(struct rw_config **out, const char *file, struct rw_error *e);
/* What `serve` runs with when no file is named: user/policy/default.yaml. */
int rw_config_default(struct rw_config **out, struct rw_error *e);
/* The canaries of the configuration and of its file, compiled; *out is NULL for none. */
int rw_config_canaries(const struct rw_config *c, struct rw_canaries **out, struct rw_error *e);
/* NULL is allowed. */
void rw_config_free(struct rw_config *c);
/* Some model's answers are passed on unread, from this upstream; -1: from any. */
bool rw_config_passes(const struct rw_config *c, int upstream);

#endif
