/* SPDX-License-Identifier: Apache-2.0 */
/* What refusals mean, for whoever reads about them afterwards. */
#ifndef RW_GATE_REFUSE_H
#define RW_GATE_REFUSE_H

/* What a caller was told with that code, the reason of an audit record. NULL: it is no refusal's.
 */
const char *rw_refuse_explain(const char *code);

#endif
