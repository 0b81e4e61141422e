/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports, rates and shadow mode: as people say them, as the programs want them, and how they are
 * changed under packets.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/internal.h"

int rw_config_fill(const struct rw_kern_limits *l, struct rw_kern_cfg *cfg,
		   struct rw_kern_ports *ports, struct rw_error *e)
{
	int rc;

	*ports = (struct rw_kern_ports){0};
	if (!l->n_ports || l->n_ports > RW_KERN_PORTS)
		return rw_fail(e, RW_EINVAL, "name 1 to %d TCP ports to protect", RW_KERN_PORTS);
	memset(cfg->ports, 0, sizeof(cfg->ports));
	for (unsigned i = 0; i < l->n_ports; i++) {
		if (!l->ports[i])
			return rw_fail(e, RW_EINVAL, "0 is not a TCP port");
		cfg->ports[i] = l->ports[i];
		ports->word[l->ports[i] / 64] |= 1ULL << (l->ports[i] % 64);
	}
	cfg->n_ports = l->n_ports;
	cfg->shadow = l->shadow;
	rc = rw_kern_rate("SYN", l->syn_per_second, l->syn_burst, cfg->tick_ns, &cfg->syn, e);
	if (!rc)
		rc = rw_kern_rate("packet", l->pkt_per_second, l->pkt_burst, cfg->tick_ns,
				  &cfg->pkt, e);
	rw_syn_budget(l->syn_budget, &cfg->budget);
	return rc;
}

/* What a change starts from. */
static void limits_of(const struct rw_kern_cfg *cfg, struct rw_kern_limits *l)
{
	*l = (struct rw_kern_limits){
		.n_ports = cfg->n_ports,
		.shadow = cfg->shadow != 0,
		.syn_per_second = cfg->syn.per_second,
		.syn_burst = cfg->syn.burst,
		.pkt_per_second = cfg->pkt.per_second,
		.pkt_burst = cfg->pkt.burst,
		.syn_budget = cfg->budget.per_second,
	};
	memcpy(l->ports, cfg->ports, sizeof(l->ports));
}

/* A rate without a burst gets that of a second, as in `kern attach`. */
static int merge_rate(const char *what, bool rate_given, bool burst_given, uint32_t per_second,
		      uint32_t burst, uint32_t *rate_out, uint32_t *burst_out, struct rw_error *e)
{
	if (rate_given) {
		*rate_out = per_second;
		*burst_out = 0;
	}
	if (burst_given)
		*burst_out = burst;
	if (burst_given && !*rate_out)
		return rw_fail(e, RW_EINVAL, "a %s burst needs a %s rate: there is none", what,
			       what);
	return RW_OK;
}

static int merge(const struct rw_kern_change *c, struct rw_kern_limits *l, struct rw_error *e)
{
	int rc;

	if (c->what & RW_KERN_SET_PORTS) {
		memcpy(l->ports, c->to.ports, sizeof(l->ports));
		l->n_ports = c->to.n_ports;
	}
	if (c->what & RW_KERN_SET_SHADOW)
		l->shadow = c->to.shadow;
	if (c->what & RW_KERN_SET_SYN_BUDGET)
		l->syn_budget = c->to.syn_budget;
	rc = merge_rate("SYN", c->what & RW_KERN_SET_SYN_RATE, c->what & RW_KERN_SET_SYN_BURST,
			c->to.syn_per_second, c->to.syn_burst, &l->syn_per_second, &l->syn_burst,
			e);
	if (!rc)
		rc = merge_rate("packet", c->what & RW_KERN_SET_PKT_RATE,
				c->what & RW_KERN_SET_PKT_BURST, c->to.pkt_per_second,
				c->to.pkt_burst, &l->pkt_per_second, &l->pkt_burst, e);
	return rc;
}

/*
 * Returns when every packet that was being judged has been. The kernel gives that guarantee to who
 * writes a map of maps (bpf_map_update_elem waits for all programs that may still use the old
 * map), so we write one that nobody reads.
 */
static int wait_for_packets(struct rw_error *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rw_inner", 4, 4, 1, NULL), outer, err;
	uint32_t zero = 0;

	opts.inner_map_fd = (uint32_t)inner;
	outer = inner < 0 ? inner
			  : bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rw_outer", 4, 4, 1, &opts);
	err = outer < 0 ? outer : bpf_map_update_elem(outer, &zero, &inner, BPF_ANY);
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
	return err ? rw_kern_fail(e, err, "wait for packets under way") : RW_OK;
}

/*
 * The entry that is not in force may still be read by a packet from before the last change: so
 * first we wait, then write, then turn over. Whenever this is interrupted, what is in force is
 * whole.
 */
int rw_config_turn(int cfg_fd, int ports_fd, const struct rw_kern_cfg *cfg,
		   const struct rw_kern_ports *ports, struct rw_error *e)
{
	size_t size = RW_KERN_CFGS * sizeof(struct rw_kern_cfg);
	struct rw_kern_cfg *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cfg_fd, 0);
	uint32_t other;
	int err, rc;

	if (map == MAP_FAILED)
		return rw_kern_fail(e, -errno, "map rw_cfg");
	other = 1 - map[0].active;
	rc = wait_for_packets(e);
	if (!rc) {
		err = bpf_map_update_elem(ports_fd, &other, ports, BPF_ANY);
		rc = err ? rw_kern_fail(e, err, "write rw_ports") : RW_OK;
	}
	if (!rc) {
		struct rw_kern_cfg fresh = *cfg;

		fresh.index = other;
		fresh.active = map[other].active; /* the switch itself, if it is in this entry */
		map[other] = fresh;
		__atomic_store_n(&map[0].active, other, __ATOMIC_RELEASE);
	}
	munmap(map, size);
	return rc;
}

static int change(struct rw_kern *k, int cfg_fd, int ports_fd, const struct rw_kern_change *c,
		  struct rw_error *e)
{
	struct rw_kern_limits limits;
	struct rw_kern_ports ports;
	struct rw_kern_cfg cfg;
	int rc = rw_kern_config(k, &cfg, e);

	if (rc)
		return rc;
	if (c->what & RW_KERN_SET_SYN_BUDGET && !cfg.cookie.mss4)
		return rw_fail(e, RW_EINVAL,
			       "attached without a SYN budget, so nothing is there to take "
			       "cookies: detach, and attach with --syn-budget");
	limits_of(&cfg, &limits);
	rc = merge(c, &limits, e);
	if (!rc)
		rc = rw_config_fill(&limits, &cfg, &ports, e);
	return rc ? rc : rw_config_turn(cfg_fd, ports_fd, &cfg, &ports, e);
}

int rw_kern_set(struct rw_kern *k, const struct rw_kern_change *c, struct rw_error *e)
{
	int cfg_fd = -1, ports_fd = -1, rc = rw_kern_privileged(e);

	if (!rc)
		rc = rw_kern_lock(k, e);
	if (rc)
		return rc;
	rc = rw_pins_open(RW_MAP_CFG, &cfg_fd, e);
	if (!rc)
		rc = rw_pins_open(RW_MAP_PORTS, &ports_fd, e);
	if (!rc)
		rc = change(k, cfg_fd, ports_fd, c, e);
	rw_kern_unlock(k);
	if (cfg_fd >= 0)
		close(cfg_fd);
	if (ports_fd >= 0)
		close(ports_fd);
	return rc;
}
