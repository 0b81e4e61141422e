/* SPDX-License-Identifier: Apache-2.0 */
/* What detection is made of and the binary holds beside the rule packs. */
#ifndef RW_SCAN_PACKS_H
#define RW_SCAN_PACKS_H

#include "base/slice.h"

struct rw_slice rw_pack_concepts(void); /* rules/concepts.yaml */
struct rw_slice rw_pack_model(void);	/* rules/model.bin */

#endif
