/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/schema.h"

#include "policy/config.h"

#define AT(type, member) {offsetof(type, member), sizeof(((type *)0)->member)}
#define TOP(member)	 .to = AT(struct rw_config, member)
#define LISTENER(member) .to = AT(struct rw_listener_config, member)
#define UPSTREAM(member) .to = AT(struct rw_upstream_config, member)
#define MODEL(member)	 .to = AT(struct rw_model_config, member)
#define REDACT(member)	 .to = AT(struct rw_redact_type, member)
#define CERT(member)	 .to = AT(struct rw_certificate_config, member)
#define PIN(member)	 .to = AT(struct rw_pin_config, member)
#define CANARY(member)	 .to = AT(struct rw_canary_config, member)
#define DETECTOR(member) .to = AT(struct rw_detector_config, member)
#define BALANCER(member) .to = AT(struct rw_balancer_config, member)
#define ITEMS(array, n)                                                                       \
	.to = {offsetof(struct rw_config, array), sizeof(((struct rw_config *)0)->array[0])}, \
	.count = AT(struct rw_config, n)

/* A list inside an item of a list. */
#define INNER_ITEMS(type, array, n) \
	.to = {offsetof(type, array), sizeof(((type *)0)->array[0])}, .count = AT(type, n)

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	KIB = 1024,
	MIB = 1024 * KIB,
	GIB = 1024 * MIB,
	MAX_RATE = 60000000, /* a million a second */
	MAX_BURST = 1000000,
	MAX_STRIKES = 1000000,
	MAX_TEXT = 4096,
};

static const char masked_instruction[] =
	"an instruction cannot be masked without changing what is asked: block or flag it";
static const char masked_topic[] =
	"the first words of a phrase are out before its last are seen: block or flag it";

static const struct rw_key_choice tls_words[] = {
	{"self-signed", true, NULL},
	{"off", false, NULL},
	{"on", true, "write self-signed, or a section with cert_file and key_file"},
	{"true", true, "write self-signed, or a section with cert_file and key_file"},
	{"false", false, "write off"},
	{0}};
static const struct rw_key_choice unknown_words[] = {
	{"default", false, NULL}, {"refuse", true, NULL}, {0}};
static const struct rw_key_choice profile_words[] = {
	{"intermediate", false, NULL},
	{"modern", true, NULL},
	{"old", false, "TLS 1.0 and 1.1 are broken (RFC 8996)"},
	{0}};
static const struct rw_key_choice client_cert_words[] = {
	{"off", RW_CLIENT_CERT_OFF, NULL},
	{"optional", RW_CLIENT_CERT_OPTIONAL, NULL},
	{"required", RW_CLIENT_CERT_REQUIRED, NULL},
	{0}};
static const struct rw_key_choice version_words[] = {{"1.2", false, NULL},
						     {"1.3", true, NULL},
						     {"1.0", false, "it is broken (RFC 8996)"},
						     {"1.1", false, "it is broken (RFC 8996)"},
						     {0}};
static const struct rw_key_choice pins_words[] = {
	{"enforce", false, NULL}, {"report", true, NULL}, {0}};
static const struct rw_key_choice accept_words[] = {
	{"ignored", false, NULL}, {"accepted", true, NULL}, {0}};
static const struct rw_key_choice auth_words[] = {
	{"required", true, NULL}, {"optional", false, NULL}, {0}};
static const struct rw_key_choice bad_rules_words[] = {
	{"refuse", false, NULL}, {"skip", true, NULL}, {0}};
static const struct rw_key_choice protocol_words[] = {
	{"presidio", RW_DETECTOR_PRESIDIO, NULL}, {"judge", RW_DETECTOR_JUDGE, NULL}, {0}};
static const struct rw_key_choice fail_words[] = {
	{"closed", false, NULL}, {"open", true, NULL}, {0}};
static const struct rw_key_choice ktls_words[] = {
	{"auto", RW_KTLS_WORD_AUTO, NULL}, {"on", RW_KTLS_WORD_ON, NULL},
	{"off", RW_KTLS_WORD_OFF, NULL},   {"true", 0, "write on"},
	{"false", 0, "write off"},	   {0}};
static const struct rw_key_choice audit_sync_words[] = {
	{"interval", RW_AUDIT_INTERVAL, NULL}, {"request", RW_AUDIT_REQUEST, NULL}, {0}};
static const struct rw_key_choice kernel_words[] = {{"required", RW_KERNEL_REQUIRED, NULL},
						    {"preferred", RW_KERNEL_PREFERRED, NULL},
						    {"off", RW_KERNEL_OFF, NULL},
						    {0}};
static const struct rw_key_choice severity_words[] = {{"drop_all", RW_BAN_DROP_ALL, NULL},
						      {"drop_syn", RW_BAN_DROP_SYN, NULL},
						      {"limit", RW_BAN_LIMIT, NULL},
						      {"graduated", RW_BAN_GRADUATED, NULL},
						      {0}};
static const struct rw_key_choice injection_words[] = {
	{"block", RW_ACT_BLOCK, NULL},	      {"flag", RW_ACT_FLAG, NULL},
	{"allow", RW_ACT_ALLOW, NULL},	      {"mask", RW_ACT_MASK, masked_instruction},
	{"off", RW_ACT_ALLOW, "write allow"}, {0}};
static const struct rw_key_choice preset_words[] = {{"balanced", RW_PRESET_BALANCED, NULL},
						    {"strict", RW_PRESET_STRICT, NULL},
						    {"permissive", RW_PRESET_PERMISSIVE, NULL},
						    {"observe", RW_PRESET_OBSERVE, NULL},
						    {0}};
static const struct rw_key_choice model_preset_words[] = {
	{"default", RW_MODEL_PRESET_NONE, NULL}, {"balanced", RW_PRESET_BALANCED, NULL},
	{"strict", RW_PRESET_STRICT, NULL},	 {"permissive", RW_PRESET_PERMISSIVE, NULL},
	{"observe", RW_PRESET_OBSERVE, NULL},	 {0}};
static const struct rw_key_choice entity_words[] = {
	{"block", RW_ACT_BLOCK, NULL},	      {"mask", RW_ACT_MASK, NULL},
	{"flag", RW_ACT_FLAG, NULL},	      {"allow", RW_ACT_ALLOW, NULL},
	{"off", RW_ACT_ALLOW, "write allow"}, {0}};
/* In answers, where words are found after they were released. */
static const struct rw_key_choice topic_words[] = {
	{"block", RW_ACT_BLOCK, NULL},	      {"flag", RW_ACT_FLAG, NULL},
	{"allow", RW_ACT_ALLOW, NULL},	      {"mask", RW_ACT_MASK, masked_topic},
	{"off", RW_ACT_ALLOW, "write allow"}, {0}};

static const struct rw_key_choice answers_words[] = {
	{"guarded", false, NULL}, {"passed", true, NULL}, {0}};
static const struct rw_key_choice redact_words[] = {{"mask", RW_REDACT_MASK, NULL},
						    {"replace", RW_REDACT_REPLACE, NULL},
						    {"hash", RW_REDACT_HASH, NULL},
						    {"remove", RW_REDACT_REMOVE, NULL},
						    {"synthetic", RW_REDACT_SYNTHETIC, NULL},
						    {"token", RW_REDACT_TOKEN, NULL},
						    {"reversible", RW_REDACT_TOKEN, "write token"},
						    {0}};

static const struct rw_key_choice echo_words[] = {
	{"block", RW_ACT_BLOCK, NULL},	      {"flag", RW_ACT_FLAG, NULL},
	{"allow", RW_ACT_ALLOW, NULL},	      {"mask", RW_ACT_MASK, masked_topic},
	{"off", RW_ACT_ALLOW, "write allow"}, {0}};

/* Upstreams stand before models, which refer to them: rows are worked off in this order. */
const struct rw_config_key rw_config_keys[] = {
	{"listeners", RW_KIND_LIST, true, NULL, 1, RW_MAX_LISTENERS, ITEMS(listeners, n_listeners),
	 .doc = "where applications connect"},
	{"listeners[].address", RW_KIND_ADDRESS, true, LISTENER(address),
	 .doc = "numeric address and port; 0.0.0.0 and [::] mean every interface"},
	{"listeners[].tls", RW_KIND_CHOICE_OR_SECTION, false, "self-signed", .choices = tls_words,
	 LISTENER(tls),
	 .doc = "self-signed makes a certificate under state_dir; off is for loopback"},
	{"listeners[].tls.cert_file", RW_KIND_FILE, true, .min = 1, .max = MAX_TEXT,
	 LISTENER(first.cert_file), .doc = "certificate chain, PEM, the server's own first"},
	{"listeners[].tls.key_file", RW_KIND_FILE, true, .min = 1, .max = MAX_TEXT,
	 LISTENER(first.key_file), .doc = "its private key, PEM; not readable by others"},
	{"listeners[].tls.ocsp_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT,
	 LISTENER(first.ocsp_file),
	 .doc = "an OCSP response (DER) to staple while it is good; read again when it changes"},
	{"listeners[].tls.certificates", RW_KIND_LIST, false, NULL, 1, RW_MAX_CERTIFICATES,
	 INNER_ITEMS(struct rw_listener_config, more, n_more),
	 .doc = "more certificates, chosen by the name that a client asks for; two for one name "
		"may "
		"have keys of different kinds"},
	{"listeners[].tls.certificates[].cert_file", RW_KIND_FILE, true, .min = 1, .max = MAX_TEXT,
	 CERT(cert_file), .doc = "certificate chain, PEM; it names the hosts that it is for"},
	{"listeners[].tls.certificates[].key_file", RW_KIND_FILE, true, .min = 1, .max = MAX_TEXT,
	 CERT(key_file), .doc = "its private key, PEM; not readable by others"},
	{"listeners[].tls.certificates[].ocsp_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT,
	 CERT(ocsp_file), .doc = "an OCSP response (DER) to staple"},
	{"listeners[].tls.unknown_name", RW_KIND_CHOICE, false, "default", .choices = unknown_words,
	 LISTENER(refuse_unknown),
	 .doc = "what a client gets that asks for a name which no certificate has: the first "
		"certificate, or an alert"},
	{"listeners[].tls.profile", RW_KIND_CHOICE, false, "intermediate", .choices = profile_words,
	 LISTENER(modern), .doc = "intermediate is TLS 1.2 and 1.3, modern 1.3 only"},
	{"listeners[].tls.client_cert", RW_KIND_CHOICE, false, "off", .choices = client_cert_words,
	 LISTENER(client_cert),
	 .doc = "whether a client shows a certificate; a wrong one is refused either way"},
	{"listeners[].tls.client_ca_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT,
	 LISTENER(client_ca_file), .doc = "PEM certificates of those who sign clients' ones"},
	{"listeners[].tls.hsts", RW_KIND_DURATION, false, "8760h", 0, 730ULL * DAY,
	 LISTENER(hsts_ms),
	 .doc = "for how long a browser that was here shall use https only "
		"(Strict-Transport-Security); 0h says nothing of it"},
	{"listeners[].ktls", RW_KIND_CHOICE, false, "auto", .choices = ktls_words, LISTENER(ktls),
	 .doc = "whether the kernel seals and opens TLS records; auto: where "
		"answers are passed on unread and keys can change"},
	{"listeners[].plain_anywhere", RW_KIND_BOOL, false, "false", LISTENER(plain_anywhere),
	 .doc = "allows tls: off on an address that others can reach; keys and prompts are then "
		"readable on the network"},
	{"listeners[].proxy_protocol", RW_KIND_BOOL, false, "false", LISTENER(proxy_protocol),
	 .doc = "every connection begins with a PROXY protocol v2 header that names the caller; "
		"from balancers only, all others are closed"},

	{"admin", RW_KIND_SECTION, .doc = "the operator's listener: metrics, health"},
	{"admin.address", RW_KIND_ADDRESS, TOP(admin_address),
	 .doc = "numeric address and port, plain HTTP, no keys asked: loopback is meant; off "
		"unless "
		"set"},

	{"balancers", RW_KIND_LIST, false, NULL, 1, RW_MAX_BALANCERS, ITEMS(balancers, n_balancers),
	 .doc = "load balancers in front of the gateway: they stand for everybody, so no strike "
		"counts against them"},
	{"balancers[].prefix", RW_KIND_PREFIX, true, BALANCER(prefix),
	 .doc = "where its connections come from"},
	{"balancers[].forwarded_for", RW_KIND_BOOL, false, "false", BALANCER(forwarded_for),
	 .doc = "its X-Forwarded-For names the caller; only where it writes that itself"},

	{"upstreams", RW_KIND_LIST, true, NULL, 1, RW_MAX_UPSTREAMS, ITEMS(upstreams, n_upstreams),
	 .doc = "the providers that requests go to"},
	{"upstreams[].name", RW_KIND_NAME, true, UPSTREAM(name),
	 .doc = "the word for it in models, metrics and the audit log"},
	{"upstreams[].url", RW_KIND_URL, true, UPSTREAM(host),
	 .doc = "base URL of the provider's API, with its path prefix"},
	{"upstreams[].insecure_plain", RW_KIND_BOOL, false, "false", UPSTREAM(insecure_plain),
	 .doc = "allows an http URL that leaves this host; keys and prompts are then readable on "
		"the "
		"network"},
	{"upstreams[].key", RW_KIND_SECRET, .min = 1, .max = MAX_TEXT, UPSTREAM(key),
	 .doc = "the provider's API key, best as ${NAME}; never leaves the gateway but to this "
		"upstream"},
	{"upstreams[].key_file", RW_KIND_SECRET_FILE, .min = 1, .max = MAX_TEXT, UPSTREAM(key),
	 .doc = "a file with the key, instead of key; not readable by others"},
	{"upstreams[].ca_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, UPSTREAM(ca_file),
	 .doc = "PEM certificates to trust for it; unset: the system's"},
	{"upstreams[].ktls", RW_KIND_CHOICE, false, "auto", .choices = ktls_words, UPSTREAM(ktls),
	 .doc = "whether the kernel seals and opens TLS records, as for a listener"},
	{"upstreams[].tls", RW_KIND_SECTION, .doc = "of an https URL; verification is always on"},
	{"upstreams[].tls.name", RW_KIND_TEXT, .min = 1, .max = 253, UPSTREAM(tls_name),
	 .doc = "the name to ask for and to verify, where it is not the URL's host"},
	{"upstreams[].tls.min_version", RW_KIND_CHOICE, false, "1.2", .choices = version_words,
	 UPSTREAM(modern), .doc = "the lowest version of TLS; 1.3 is taken where both can"},
	{"upstreams[].tls.cert_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, UPSTREAM(cert_file),
	 .doc = "our certificate, PEM, for an upstream that asks for one"},
	{"upstreams[].tls.key_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, UPSTREAM(key_file),
	 .doc = "its private key, PEM; not readable by others"},
	{"upstreams[].tls.pins", RW_KIND_LIST, false, NULL, 1, RW_MAX_PINS,
	 INNER_ITEMS(struct rw_upstream_config, pins, n_pins),
	 .doc = "public keys of which one must be in the upstream's verified chain; give a second "
		"one that is not in use yet"},
	{"upstreams[].tls.pins[].sha256", RW_KIND_TEXT, true, .min = 44, .max = 44, PIN(sha256),
	 .doc = "SHA-256 of the key (SubjectPublicKeyInfo), base64"},
	{"upstreams[].tls.pins_mode", RW_KIND_CHOICE, false, "enforce", .choices = pins_words,
	 UPSTREAM(pins_report),
	 .doc = "report counts and logs an upstream without any of the pinned keys, and goes on"},
	{"upstreams[].timeouts", RW_KIND_SECTION, .doc = "how long to wait for it"},
	{"upstreams[].timeouts.connect", RW_KIND_DURATION, false, "5s", 1, 10 * MINUTE,
	 UPSTREAM(connect_ms), .doc = "for TCP and TLS to be up"},
	{"upstreams[].timeouts.first_byte", RW_KIND_DURATION, false, "120s", 1, HOUR,
	 UPSTREAM(first_byte_ms), .doc = "from the end of the request to the answer's first byte"},
	{"upstreams[].timeouts.between", RW_KIND_DURATION, false, "60s", 1, HOUR,
	 UPSTREAM(between_ms), .doc = "from one piece of the answer to the next"},

	{"models", RW_KIND_LIST, true, NULL, 1, RW_MAX_MODELS, ITEMS(models, n_models),
	 .doc = "which models may be asked for; the first match decides"},
	{"models[].name", RW_KIND_TEXT, true, .min = 1, .max = 256, MODEL(name),
	 .doc = "the model as the caller names it; \"*\", in quotes and last, admits every other"},
	{"models[].upstream", RW_KIND_UPSTREAM, true, MODEL(upstream),
	 .doc = "the upstream that serves it"},
	{"models[].preset", RW_KIND_CHOICE, false, "default", .choices = model_preset_words,
	 MODEL(preset), .doc = "for this model, instead of guards.preset"},
	{"models[].answers", RW_KIND_CHOICE, false, "guarded", .choices = answers_words,
	 MODEL(pass_answers),
	 .doc = "passed: nobody reads them: no guard, no tokens counted, no redacted value comes "
		"back"},

	{"auth", RW_KIND_SECTION, .doc = "who may call"},
	{"auth.keys", RW_KIND_CHOICE, false, "required", .choices = auth_words, TOP(keys_required),
	 .doc = "optional serves requests without a key too; a wrong key is refused either way"},
	{"auth.keys_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, TOP(keys_file),
	 .doc = "keys by their hashes, as `ringwall key add NAME --list FILE` writes them; valid "
		"beside those of state_dir"},
	{"auth.client_cert", RW_KIND_CHOICE, false, "ignored", .choices = accept_words,
	 TOP(certs_accepted),
	 .doc = "accepted takes a client's verified certificate in place of a key; the caller is "
		"who it names (URI, DNS name or e-mail address)"},

	{"limits", RW_KIND_SECTION,
	 .doc = "bounds; whoever passes one gets an error that names it"},
	{"limits.key_rate", RW_KIND_SECTION, .doc = "requests of one API key"},
	{"limits.key_rate.per_minute", RW_KIND_NUMBER, false, "600", 0, MAX_RATE,
	 TOP(key_rate.per_minute),
	 .doc = "sustained; 0 is unlimited; a key's own --rate goes before it"},
	{"limits.key_rate.burst", RW_KIND_NUMBER, false, "60", 1, MAX_BURST, TOP(key_rate.burst),
	 .doc = "how many may come at once"},
	{"limits.address_rate", RW_KIND_SECTION, .doc = "requests of one address (IPv6: one /64)"},
	{"limits.address_rate.per_minute", RW_KIND_NUMBER, false, "1200", 0, MAX_RATE,
	 TOP(address_rate.per_minute), .doc = "sustained; 0 is unlimited"},
	{"limits.address_rate.burst", RW_KIND_NUMBER, false, "120", 1, MAX_BURST,
	 TOP(address_rate.burst), .doc = "how many may come at once"},
	{"limits.body", RW_KIND_SIZE, false, "8MiB", KIB, GIB, TOP(max_body_bytes),
	 .doc = "one request's body"},
	{"limits.answer", RW_KIND_SIZE, false, "32MiB", KIB, GIB, TOP(max_answer_bytes),
	 .doc = "one answer's body"},
	{"limits.messages", RW_KIND_NUMBER, false, "2048", 1, 65536, TOP(max_messages),
	 .doc = "messages in one request"},
	{"limits.headers", RW_KIND_SIZE, false, "32KiB", 4 * KIB, 256 * KIB, TOP(max_header_bytes),
	 .doc = "a request's line and headers together"},
	{"limits.connections", RW_KIND_NUMBER, false, "4096", 1, 1000000, TOP(max_connections),
	 .doc = "open connections from applications, per worker"},
	{"limits.handshakes", RW_KIND_NUMBER, false, "1024", 1, 16384, TOP(max_handshakes),
	 .doc = "TLS handshakes under way, per worker; what comes above is reset"},
	{"limits.address_handshakes", RW_KIND_NUMBER, false, "256", 1, 16384,
	 TOP(max_address_handshakes),
	 .doc = "of those, from one address (IPv6: one /64); fewer when more than half are taken"},
	{"limits.memory", RW_KIND_SIZE, false, "512MiB", 16 * MIB, 1024ULL * GIB,
	 TOP(max_memory_bytes), .doc = "bytes held for requests and answers, per worker"},

	{"timeouts", RW_KIND_SECTION, .doc = "how long an application may take"},
	{"timeouts.header", RW_KIND_DURATION, false, "10s", 1, 10 * MINUTE, TOP(header_ms),
	 .doc = "from the first byte of a request to the end of its headers"},
	{"timeouts.body", RW_KIND_DURATION, false, "60s", 1, HOUR, TOP(body_ms),
	 .doc = "from there to the end of its body"},
	{"timeouts.idle", RW_KIND_DURATION, false, "75s", 1, HOUR, TOP(idle_ms),
	 .doc = "between two requests on one connection"},
	{"timeouts.write_stall", RW_KIND_DURATION, false, "30s", 1, HOUR, TOP(write_stall_ms),
	 .doc = "how long it may take nothing of its answer"},
	{"timeouts.drain", RW_KIND_DURATION, false, "30s", 0, HOUR, TOP(drain_ms),
	 .doc = "what running requests get on SIGTERM"},

	{"guards", RW_KIND_SECTION, .doc = "what to do with what the rules find"},
	{"guards.preset", RW_KIND_CHOICE, false, "balanced", .choices = preset_words, TOP(preset),
	 .doc = "how sure a finding of injection must be: strict 50, balanced 70, permissive 85 of "
		"100, and what the model alone blocks: 85, 98, nothing; observe only flags, "
		"whatever is found"},
	{"guards.conversation", RW_KIND_BOOL, false, "true", TOP(conversation),
	 .doc = "looks at the turns of a user together, too: an attack may be split over them"},
	{"guards.remember", RW_KIND_BOOL, false, "true", TOP(remember),
	 .doc = "knows a text of 128 bytes or more in which nothing was found, by a keyed hash, "
		"when the same key says it again, and what turns were plain together: a "
		"conversation is scanned once, not with each turn"},
	{"guards.request", RW_KIND_SECTION, .doc = "in prompts, before they leave"},
	{"guards.request.injection", RW_KIND_CHOICE, false, "block", .choices = injection_words,
	 TOP(request.action[RW_CAT_INJECTION]), .doc = "prompt injection and jailbreaks"},
	{"guards.request.injection_score", RW_KIND_NUMBER, false, "0", 0, 100, TOP(request_score),
	 .doc = "the score of 100 from which it counts; 0 is the preset's"},
	{"guards.request.model_score", RW_KIND_NUMBER, false, "0", 0, RW_ALONE_NEVER,
	 TOP(request_alone),
	 .doc = "the score from which the model blocks where no rule agrees with it; below it only "
		"flags; 0 is the preset's, 101 is never"},
	{"guards.request.pii", RW_KIND_CHOICE, false, "mask", .choices = entity_words,
	 TOP(request.action[RW_CAT_PII]), .doc = "personal data"},
	{"guards.request.secrets", RW_KIND_CHOICE, false, "mask", .choices = entity_words,
	 TOP(request.action[RW_CAT_SECRET]), .doc = "passwords, tokens, private keys"},
	{"guards.request.markup", RW_KIND_CHOICE, false, "flag", .choices = entity_words,
	 TOP(request.action[RW_CAT_MARKUP]),
	 .doc = "links that carry data away, blocked domains, invisible text"},
	{"guards.request.topics", RW_KIND_CHOICE, false, "block", .choices = entity_words,
	 TOP(request.action[RW_CAT_TOPIC]), .doc = "words and phrases that your packs list"},
	{"guards.tools", RW_KIND_SECTION,
	 .doc = "in what tools give back to a model, beside guards.request"},
	{"guards.tools.injection", RW_KIND_CHOICE, false, "block", .choices = injection_words,
	 TOP(tools_injection), .doc = "instructions in data and documents"},
	{"guards.tools.injection_score", RW_KIND_NUMBER, false, "0", 0, 100, TOP(tools_score),
	 .doc = "the score of 100 from which it counts; 0 is the preset's"},
	{"guards.tools.model_score", RW_KIND_NUMBER, false, "0", 0, RW_ALONE_NEVER,
	 TOP(tools_alone),
	 .doc = "the score from which the model blocks where no rule agrees with it; below it only "
		"flags; 0 is the preset's, 101 is never"},
	{"guards.system", RW_KIND_SECTION, .doc = "in system prompts, beside guards.request"},
	{"guards.system.injection", RW_KIND_CHOICE, false, "allow", .choices = injection_words,
	 TOP(system_injection),
	 .doc = "they are the application's own, and often quote what they forbid"},
	{"guards.answer", RW_KIND_SECTION, .doc = "in answers, while they stream"},
	{"guards.answer.injection", RW_KIND_CHOICE, false, "flag", .choices = injection_words,
	 TOP(answer.action[RW_CAT_INJECTION]),
	 .doc = "instructions to the application's own agent"},
	{"guards.answer.pii", RW_KIND_CHOICE, false, "mask", .choices = entity_words,
	 TOP(answer.action[RW_CAT_PII]), .doc = "personal data"},
	{"guards.answer.secrets", RW_KIND_CHOICE, false, "mask", .choices = entity_words,
	 TOP(answer.action[RW_CAT_SECRET]), .doc = "passwords, tokens, private keys"},
	{"guards.answer.markup", RW_KIND_CHOICE, false, "mask", .choices = entity_words,
	 TOP(answer.action[RW_CAT_MARKUP]),
	 .doc = "links that carry data away, blocked domains, invisible text"},
	{"guards.answer.topics", RW_KIND_CHOICE, false, "block", .choices = topic_words,
	 TOP(answer.action[RW_CAT_TOPIC]), .doc = "words and phrases that your packs list"},
	{"guards.redaction", RW_KIND_SECTION,
	 .doc = "what stands in place of a value that is masked: docs/redaction.md"},
	{"guards.redaction.pii", RW_KIND_CHOICE, false, "mask", .choices = redact_words,
	 TOP(redact.category[RW_CAT_PII]),
	 .doc = "of personal data whose type is not listed below"},
	{"guards.redaction.secrets", RW_KIND_CHOICE, false, "mask", .choices = redact_words,
	 TOP(redact.category[RW_CAT_SECRET]), .doc = "of secrets whose type is not listed below"},
	{"guards.redaction.types", RW_KIND_LIST, false, NULL, 1, RW_REDACT_TYPES,
	 ITEMS(redact.types, redact.n_types), .doc = "by type of what is found"},
	{"guards.redaction.types[].type", RW_KIND_NAME, true, REDACT(type),
	 .doc = "the type as it stands in masks, like EMAIL_ADDRESS"},
	{"guards.redaction.types[].as", RW_KIND_CHOICE, true, NULL, .choices = redact_words,
	 REDACT(as), .doc = "what stands in its place"},
	{"guards.hold", RW_KIND_DURATION, false, "300ms", 0, MINUTE, TOP(hold_ms),
	 .doc = "in a stream that is silent, the longest that a whole value waits for its next "
		"character; what may still become one waits on; 0ms is without end"},
	{"guards.leaks", RW_KIND_SECTION, .doc = "what answers must not say: docs/redaction.md"},
	{"guards.leaks.system_prompt", RW_KIND_CHOICE, false, "flag", .choices = echo_words,
	 TOP(answer.echo_action), .doc = "the request's own system text, repeated"},
	{"guards.leaks.percent", RW_KIND_NUMBER, false, "50", 1, 100, TOP(echo.percent),
	 .doc = "of the system text's sequences of five words, how much is too much"},
	{"guards.leaks.words", RW_KIND_NUMBER, false, "40", 8, 10000, TOP(echo.words),
	 .doc = "or so many words of it"},
	{"guards.leaks.canary", RW_KIND_CHOICE, false, "block", .choices = entity_words,
	 TOP(answer.canary_action),
	 .doc = "a canary in an answer, in any case and spacing of its letters and digits"},
	{"guards.leaks.canaries", RW_KIND_LIST, false, NULL, 1, RW_CANARIES,
	 ITEMS(canaries, n_canaries), .doc = "strings that nobody should quote"},
	{"guards.leaks.canaries[].text", RW_KIND_SECRET, true, .min = RW_CANARY_MIN,
	 .max = MAX_TEXT, CANARY(text),
	 .doc = "8 to 64 letters and digits; what else stands in it does not count"},
	{"guards.leaks.canary_file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, TOP(canary_file),
	 .doc = "a file with more of them, one a line; not readable by others"},
	{"guards.detectors", RW_KIND_LIST, false, NULL, 1, RW_MAX_DETECTORS,
	 ITEMS(detectors, n_detectors),
	 .doc = "services that prompts are shown to, too, before they leave: docs/detection.md"},
	{"guards.detectors[].name", RW_KIND_NAME, true, DETECTOR(name),
	 .doc = "the word for it in the log and in refusals"},
	{"guards.detectors[].protocol", RW_KIND_CHOICE, true, NULL, .choices = protocol_words,
	 DETECTOR(protocol),
	 .doc = "presidio: an analyzer's /analyze, for personal data; judge: chat completions of a "
		"model that scores injection"},
	{"guards.detectors[].upstream", RW_KIND_UPSTREAM, true, DETECTOR(upstream),
	 .doc = "where it is; key, TLS and names are the upstream's"},
	{"guards.detectors[].model", RW_KIND_TEXT, .min = 1, .max = 256, DETECTOR(model),
	 .doc = "of a judge: the model to ask"},
	{"guards.detectors[].language", RW_KIND_NAME, false, "en", DETECTOR(language),
	 .doc = "that Presidio is to read texts in"},
	{"guards.detectors[].score", RW_KIND_NUMBER, false, "50", 1, 100, DETECTOR(score),
	 .doc = "the least of 100 that it must give for a finding"},
	{"guards.detectors[].deadline", RW_KIND_DURATION, false, "2s", 1, MINUTE,
	 DETECTOR(deadline_ms), .doc = "for all that is asked of it for one request"},
	{"guards.detectors[].cache", RW_KIND_DURATION, false, "10m", 0, DAY, DETECTOR(cache_ms),
	 .doc = "how long what it said of a text is remembered, by a keyed hash of the text; 0ms "
		"is not at all"},
	{"guards.detectors[].text", RW_KIND_SIZE, false, "64KiB", KIB, 16 * MIB,
	 DETECTOR(max_text_bytes),
	 .doc = "the longest text it is asked about; a longer one counts as failed"},
	{"guards.detectors[].fail", RW_KIND_CHOICE, false, "closed", .choices = fail_words,
	 DETECTOR(fail_open),
	 .doc = "where it does not answer, late, or what cannot be read: closed refuses the "
		"request, open goes on without it"},
	{"guards.rules_dir", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, TOP(rules_dir),
	 .doc = "a folder of your own rule packs (*.yaml), on top of the built-in ones"},
	{"guards.bad_rules", RW_KIND_CHOICE, false, "refuse", .choices = bad_rules_words,
	 TOP(skip_bad_rules),
	 .doc = "a pack with a mistake at the start: refuse to start, or skip that pack and "
		"say so; a reload keeps the rules it has"},

	{"state_dir", RW_KIND_FILE, false, "/var/lib/ringwall", 1, MAX_TEXT, TOP(state_dir),
	 .doc = "keys and certificates that ringwall makes; belongs to it alone (mode 0700)"},
	{"audit", RW_KIND_SECTION,
	 .doc = "who asked what model when, and what was found: one JSON line "
		"a request, never the text"},
	{"audit.file", RW_KIND_FILE, .min = 1, .max = MAX_TEXT, TOP(audit_file),
	 .doc = "appended to; off unless set"},
	{"audit.required", RW_KIND_BOOL, false, "true", TOP(audit_required),
	 .doc = "refuses requests while the file cannot be written"},
	{"audit.sync", RW_KIND_CHOICE, false, "interval", .choices = audit_sync_words,
	 TOP(audit_sync),
	 .doc = "when records reach the disk: once a second behind the answers, or each before the "
		"end of its answer leaves"},
	{"kernel", RW_KIND_CHOICE, false, "required", .choices = kernel_words, TOP(kernel),
	 .doc = "what happens where BPF cannot be had: refuse to start, say so and go on, or do "
		"not "
		"try"},
	{"strikes", RW_KIND_SECTION, .doc = "when an address that keeps misbehaving is banned"},
	{"strikes.threshold", RW_KIND_NUMBER, false, "100", 1, MAX_STRIKES, TOP(strike_threshold),
	 .doc = "weight that bans"},
	{"strikes.window", RW_KIND_DURATION, false, "60s", SECOND, DAY, TOP(strike_window_ms),
	 .doc = "time in which a strike loses its weight"},
	{"strikes.ban", RW_KIND_DURATION, false, "60s", SECOND, 30ULL * DAY, TOP(ban_ms),
	 .doc = "the first ban; doubled on each repeat"},
	{"strikes.ban_max", RW_KIND_DURATION, false, "24h", SECOND, 30ULL * DAY, TOP(ban_max_ms),
	 .doc = "the longest ban"},
	{"strikes.verdict", RW_KIND_CHOICE, false, "drop_all", .choices = severity_words,
	 TOP(ban_severity),
	 .doc = "what a ban does: drop everything; new connections only; hold to one source's "
		"rates; "
		"or graduated, new connections at first and everything on repeat"},
	{"strikes.nets", RW_KIND_NUMBER, false, "3", 0, 256, TOP(strike_nets),
	 .doc = "so many banned /64s of one IPv6 /56 make it a ban of the /56; 0 is never"},
	{"strikes.key_threshold", RW_KIND_NUMBER, false, "500", 0, MAX_STRIKES,
	 TOP(strike_key_threshold),
	 .doc = "weight of blocked prompts that suspends the key they came with, for as long as an "
		"address would be banned; 0 is never"},
	{"workers", RW_KIND_NUMBER, false, "0", 0, 256, TOP(workers),
	 .doc = "threads that move bytes; 0 is one per core"},
	{"spin_us", RW_KIND_NUMBER, false, "100", 0, 1000, TOP(spin_us),
	 .doc = "the most microseconds that a worker looks for what comes next before it sleeps; "
		"it "
		"does so only while few requests are under way and it comes that fast; 0 is never"},
};
const unsigned rw_config_n_keys = sizeof(rw_config_keys) / sizeof(rw_config_keys[0]);
