/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/ready.h"

int rw_ready_json(const struct rw_gateway *gw, const struct rw_snapshot *snap, bool draining,
		  struct rw_buf *out, bool *ready)
{
	const struct rw_config *c = snap->routes->config;
	enum rw_enforced kernel = (enum rw_enforced)atomic_load(&gw->kernel);
	bool enforced = kernel >= RW_ENFORCED_GENERIC;
	bool audit = atomic_load(&gw->audit_ok);
	const char *packets = enforced ? "kernel" : "nowhere";

	*ready = !draining && (audit || !c->audit_required) &&
		 (enforced || c->kernel != RW_KERNEL_REQUIRED);
	return rw_buf_addf(out,
			   "{\"ready\":%s,\"draining\":%s,\"audit\":\"%s\",\"kernel\":\"%s\","
			   "\"enforced\":{\"packet_rates\":\"%s\",\"bans\":\"%s\","
			   "\"request_rates\":\"engine\",\"guards\":\"engine\",\"egress\":\"%s\"},"
			   "\"workers\":\"%s\","
			   "\"rules\":\"%.16s\",\"rule_packs_skipped\":%u}\n",
			   *ready ? "true" : "false", draining ? "true" : "false",
			   !c->audit_file ? "off"
			   : audit	  ? "ok"
					  : "failing",
			   rw_enforced_name(kernel), packets, packets,
			   atomic_load(&gw->contained) ? "kernel" : "nowhere",
			   gw->steering ? "least_busy" : "hash", rw_rules_digest(snap->rules),
			   rw_rules_skipped(snap->rules));
}
