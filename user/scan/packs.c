/* SPDX-License-Identifier: Apache-2.0 */
/* The rule packs of the binary, taken in by the assembler as they stand in rules/. */
#include "scan/pack.h"
#include "scan/packs.h"

#define EMBED(name, file)                                                   \
	extern const char rw_pack_##name##_start[], rw_pack_##name##_end[]; \
	__asm__(".pushsection .rodata\n"                                    \
		".global rw_pack_" #name "_start\n"                         \
		".global rw_pack_" #name "_end\n"                           \
		"rw_pack_" #name "_start:\n"                                \
		".incbin \"user/scan/rules/" file "\"\n"                    \
		"rw_pack_" #name "_end:\n"                                  \
		".byte 0\n"                                                 \
		".popsection\n")

EMBED(injection, "injection.yaml");
EMBED(languages, "languages.yaml");
EMBED(paraphrases, "paraphrases.yaml");
EMBED(pii, "pii.yaml");
EMBED(pii_ids, "pii_ids.yaml");
EMBED(secrets, "secrets.yaml");
EMBED(vendors, "vendors.yaml");
EMBED(markup, "markup.yaml");
EMBED(external, "external.yaml");
EMBED(concepts, "concepts.yaml");
EMBED(model, "model.bin");

bool rw_pack_builtin(unsigned n, const char **name, struct rw_slice *yaml)
{
	static const struct {
		const char *name, *start, *end;
	} packs[] = {
		{"injection.yaml", rw_pack_injection_start, rw_pack_injection_end},
		{"languages.yaml", rw_pack_languages_start, rw_pack_languages_end},
		{"paraphrases.yaml", rw_pack_paraphrases_start, rw_pack_paraphrases_end},
		{"pii.yaml", rw_pack_pii_start, rw_pack_pii_end},
		{"pii_ids.yaml", rw_pack_pii_ids_start, rw_pack_pii_ids_end},
		{"secrets.yaml", rw_pack_secrets_start, rw_pack_secrets_end},
		{"vendors.yaml", rw_pack_vendors_start, rw_pack_vendors_end},
		{"markup.yaml", rw_pack_markup_start, rw_pack_markup_end},
		{"external.yaml", rw_pack_external_start, rw_pack_external_end},
	};

	if (n >= sizeof(packs) / sizeof(packs[0]))
		return false;
	*name = packs[n].name;
	*yaml = rw_slice_of(packs[n].start, (size_t)(packs[n].end - packs[n].start));
	return true;
}

struct rw_slice rw_pack_concepts(void)
{
	return rw_slice_of(rw_pack_concepts_start,
			   (size_t)(rw_pack_concepts_end - rw_pack_concepts_start));
}

struct rw_slice rw_pack_model(void)
{
	return rw_slice_of(rw_pack_model_start, (size_t)(rw_pack_model_end - rw_pack_model_start));
}
