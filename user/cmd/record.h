/* SPDX-License-Identifier: Apache-2.0 */
/* An audit record as people read it. */
#ifndef RW_CMD_RECORD_H
#define RW_CMD_RECORD_H

#include "base/err.h"
#include "base/slice.h"

/* To standard output, a line for each thing that there is to say. RW_EINVAL: line is no record. */
int rw_cmd_print_record(struct rw_slice line, struct rw_error *e);

#endif
