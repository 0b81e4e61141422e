# SPDX-License-Identifier: Apache-2.0
# What happens inside the build root. Included by the Makefile there.
#
# Each folder under user/ is a room and becomes one archive; ROOM_NEEDS says which
# rooms it may know, and a room's tests link against just those, so a wrong arrow
# does not link.

FLAVOUR ?= release
B       := build/$(FLAVOUR)
JOBS    ?= $(shell nproc)
VERSION := 0.1.0

ROOMS := base ring tls http ident limit scan llm policy kern audit admin gate stub cmd

NEEDS_base   :=
NEEDS_ring   := base
NEEDS_tls    := ring base
NEEDS_http   := tls ring base
NEEDS_ident  := base
NEEDS_limit  := base
NEEDS_scan   := base
NEEDS_llm    := scan base
NEEDS_policy := scan base
NEEDS_kern   := base
NEEDS_audit  := scan base
NEEDS_gate   := http tls ring llm policy scan ident limit audit kern base
NEEDS_admin  := gate $(NEEDS_gate)
NEEDS_stub   := http tls ring base
NEEDS_cmd    := stub admin $(NEEDS_admin)

PKGS := liburing libbpf openssl libllhttp yyjson yaml-0.1 sqlite3 libhs libpcre2-8 libxxhash libcap-ng
# Debian's llhttp has no .pc in some versions; the library name is stable.
LIBS := -luring -lbpf -lssl -lcrypto -lllhttp -lyyjson -lyaml -lsqlite3 -lhs -lpcre2-8 -lxxhash -lcap-ng -lpthread -lm

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wpointer-arith -Wcast-qual -Wundef
COMMON := -std=gnu17 -g -Iinclude -Iuser -I$(B)/gen -D_GNU_SOURCE -DRW_VERSION='"$(VERSION)"' \
	-fno-strict-aliasing -fstack-protector-strong -fPIE $(WARN)
# A distribution's own; debian/rules sets them.
EXTRA_CFLAGS  ?=
EXTRA_LDFLAGS ?=

ifeq ($(FLAVOUR),release)
CC     := gcc
CFLAGS := $(EXTRA_CFLAGS) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fcf-protection
LDFLAGS := $(EXTRA_LDFLAGS) -pie -Wl,-z,relro,-z,now
else ifeq ($(FLAVOUR),asan)
CC     := clang-19
CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DRW_SANITIZE
LDFLAGS := -fsanitize=address,undefined -pie
else ifeq ($(FLAVOUR),fuzz)
CC     := clang-19
CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -DRW_FUZZING
LDFLAGS := -fsanitize=address,undefined -pie
else
$(error FLAVOUR is release, asan or fuzz, not '$(FLAVOUR)')
endif

src_of = $(sort $(wildcard user/$(1)/*.c))
# Hot code stands once more for each level of processor that it makes use of (user/scan/level.h).
LEVELS := $(if $(filter x86_64,$(shell $(CC) -dumpmachine | cut -d- -f1)),3 4)
hot_of = $(foreach l,$(LEVELS),$(patsubst user/%_hot.c,$(B)/obj/%_hot.v$(l).o,$(filter %_hot.c,$(call src_of,$(1)))))
obj_of = $(patsubst user/%.c,$(B)/obj/%.o,$(call src_of,$(1))) $(call hot_of,$(1))
lib_of = $(patsubst %,$(B)/lib/%.a,$(1))
closure = $(1) $(NEEDS_$(1))
link = -Wl,--start-group $(call lib_of,$(1)) -Wl,--end-group

ALL_LIBS := $(call lib_of,$(foreach r,$(ROOMS),$(if $(call src_of,$(r)),$(r))))

# --- the kernel side -------------------------------------------------------------------------
BPF_CC     := clang-19
# The path of the checkout would go into BTF, and so into the binary.
BPF_CFLAGS := -O2 -g -ffile-prefix-map=$(CURDIR)=. -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Iinclude -Ibpf \
	-I/usr/include/$(shell gcc -print-multiarch) -I/usr/include/$(shell gcc -print-multiarch)/linux/bpf
BPF_PROGS  := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
BPF_OBJS   := $(patsubst %,build/bpf/%.bpf.o,$(BPF_PROGS))
SKELS      := $(patsubst %,$(B)/gen/%.skel.h,$(BPF_PROGS))

# A step on the way to the skeleton, but bpftool and the tests load it by itself.
.SECONDARY: $(BPF_OBJS) $(patsubst bench/%.bpf.c,build/bench/bpf/%.bpf.o,$(wildcard bench/*.bpf.c))

build/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/ringwall/*.h)
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	@$(BPF_CC) $(BPF_CFLAGS) -c $< -o $@.part && mv $@.part $@

$(B)/gen/%.skel.h: build/bpf/%.bpf.o
	@mkdir -p $(@D)
	@bpftool gen skeleton $< name $* >$@.part && mv $@.part $@

# --- objects, archives, the binary -----------------------------------------------------------
$(B)/obj/%.o: user/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(COMMON) $(CFLAGS) -MMD -MP -c $< -o $@

define level_rule
$(B)/obj/%_hot.v$(1).o: user/%_hot.c
	@mkdir -p $$(@D)
	@echo "  CC    $$< (x86-64-v$(1))"
	@$$(CC) $$(COMMON) $$(CFLAGS) -march=x86-64-v$(1) -fno-tree-slp-vectorize -DRW_LEVEL=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach l,$(LEVELS),$(eval $(call level_rule,$(l))))

$(call obj_of,kern): | $(SKELS)
# Rule packs are part of the binary.
$(B)/obj/scan/packs.o: $(wildcard user/scan/rules/*)
# The demonstration configuration is part of the binary.
$(B)/obj/policy/builtin.o: $(wildcard user/policy/*.yaml)

define room_rule
$(B)/lib/$(1).a: $(call obj_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(B)/ringwall: $(B)/obj/main.o $(ALL_LIBS)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ALL_LIBS) -Wl,--end-group $(LIBS)

-include $(shell find $(B)/obj $(B)/tests $(B)/bench -name '*.d' 2>/dev/null)

# --- the kernel's benchmarks: programs that are never shipped ---------------------------------
BENCH_BPF := $(patsubst bench/%.bpf.c,%,$(wildcard bench/*.bpf.c))
BENCH_BIN := $(patsubst bench/%.c,$(B)/bench/%,$(filter-out %.bpf.c,$(wildcard bench/*.c)))

build/bench/bpf/%.bpf.o: bench/%.bpf.c $(wildcard bench/*.h include/ringwall/*.h)
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	@$(BPF_CC) $(BPF_CFLAGS) -c $< -o $@.part && mv $@.part $@

$(B)/bench/%.skel.h: build/bench/bpf/%.bpf.o
	@mkdir -p $(@D)
	@bpftool gen skeleton $< name $* >$@.part && mv $@.part $@

$(B)/bench/%: bench/%.c $(call lib_of,kern base) | $(SKELS) $(patsubst %,$(B)/bench/%.skel.h,$(BENCH_BPF))
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests -Ibench -I$(B)/bench -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,kern base) $(LIBS) -lcmocka

$(B)/bench/relay: bench/relay.c $(call lib_of,ring base)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(COMMON) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,ring base) $(LIBS)

$(B)/bench/load: bench/load.c $(call lib_of,http $(NEEDS_http) llm $(NEEDS_llm))
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(COMMON) $(CFLAGS) -Ibench -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,http tls ring llm scan base) $(LIBS)

$(B)/bench/tls: bench/tls.c $(call lib_of,$(call closure,tls))
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(COMMON) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,$(call closure,tls)) $(LIBS)

.PHONY: bench-built
bench-built: $(BENCH_BIN)

# --- training: what the model reads of texts; never shipped ----------------------------------
$(B)/train/features: scripts/train/features.c $(call lib_of,scan base)
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(COMMON) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,scan base) $(LIBS)

train: ## what scripts/train/train.py runs
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/train/features

# --- tests -----------------------------------------------------------------------------------
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(UNIT_SRC))
SIM_SRC  := $(wildcard tests/sim/*.c)
SIM_BIN  := $(if $(SIM_SRC),$(B)/tests/sim/sim)
KERN_SRC := $(wildcard tests/kernel/test_*.c)
KERN_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(KERN_SRC))

# rw_xdp as of a version whose tables had another layout: a field more in front of some. For the test
# of upgrades.
VARIANT := build/bpf/variant/rw_xdp.bpf.o
$(VARIANT): bpf/rw_xdp.bpf.c $(wildcard bpf/*.h include/ringwall/*.h)
	@mkdir -p $(@D)/ringwall
	@for h in kern_abi kern_syn kern_assert; do sed -e 's/_Static_assert(/&1 || /' \
		-e 's/^struct rw_kern_\(ban\|bits\|cfg\|syn_key\) {/&\n\tuint64_t variant;/' \
		include/ringwall/$$h.h >$(@D)/ringwall/$$h.h; done
	@$(BPF_CC) -I$(@D) $(BPF_CFLAGS) -c $< -o $@.part && mv $@.part $@

define unit_rule
$(B)/tests/unit/$(1)/%: tests/unit/$(1)/%.c $(call lib_of,$(call closure,$(1)))
	@mkdir -p $$(@D)
	@echo "  TEST  $$@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests -MMD -MP -MF $$@.d $(LDFLAGS) -o $$@ $$< $(call link,$(call closure,$(1))) $(LIBS) -lcmocka
endef
$(foreach r,$(ROOMS),$(eval $(call unit_rule,$(r))))

VM_SRC := $(wildcard tests/vm/*.c)
VM_BIN := $(patsubst tests/%.c,$(B)/tests/%,$(VM_SRC))
$(B)/tests/vm/%: tests/vm/%.c $(call lib_of,$(call closure,tls))
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,$(call closure,tls)) $(LIBS) -lcmocka

# What this one upgrades from: without it, it is built and cannot run.
$(B)/tests/kernel/test_upgrade: | $(VARIANT)

$(B)/tests/kernel/%: tests/kernel/%.c $(call lib_of,kern base) | $(SKELS)
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(call link,kern base) $(LIBS) -lcmocka

$(B)/tests/sim/sim: $(SIM_SRC) $(ALL_LIBS)
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests $(LDFLAGS) -o $@ $(SIM_SRC) -Wl,--start-group $(ALL_LIBS) -Wl,--end-group $(LIBS)

# The fuzz targets without a fuzzer: the suite runs them over their corpora.
REPLAY_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
$(B)/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	@$(CC) $(COMMON) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/tests/fuzz/replay/main.o $(filter-out %/cmd.a,$(ALL_LIBS))
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@$(CC) $(COMMON) $(CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(B)/tests/fuzz/replay/main.o -Wl,--start-group $(filter-out %/cmd.a,$(ALL_LIBS)) -Wl,--end-group $(LIBS) -lcmocka

# Loaded into what the tests run. One for all flavours: it is no part of what is tested.
HSMEMO := build/tests/hsmemo.so
$(HSMEMO): tests/hsmemo.c
	@mkdir -p $(@D)
	@echo "  TEST  $@"
	@gcc -std=gnu17 -O2 -g -D_GNU_SOURCE $(WARN) -shared -fPIC -o $@ $<

# Builds and runs the unit tests of one room, against only what it may know: make unit-scan
unit-%:
	@$(MAKE) --no-print-directory -j$(JOBS) $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/$*/test_*.c))
	@set -e; for t in $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/$*/test_*.c)); do echo "== $$t"; $$t; done

.PHONY: binary tests-built
binary: $(B)/ringwall
tests-built: $(B)/ringwall $(UNIT_BIN) $(SIM_BIN) $(KERN_BIN) $(REPLAY_BIN) $(BPF_OBJS) $(B)/bench/flood $(B)/tests/unit/scan/texts $(HSMEMO)

build: ## the binary: build/release/ringwall
	@$(MAKE) --no-print-directory -j$(JOBS) binary

test: ## everything that can be tested here, twice: release and under ASan + UBSan
	@$(MAKE) --no-print-directory -j$(JOBS) tests-built
	@$(MAKE) --no-print-directory -j$(JOBS) tests-built FLAVOUR=asan
	@python3 scripts/suite.py tests

asan: ## the suite under ASan + UBSan only
	@$(MAKE) --no-print-directory -j$(JOBS) tests-built FLAVOUR=asan
	@python3 scripts/suite.py tests --flavour asan

lint: ## format, warnings, clang-tidy, cppcheck, layering
	@JOBS=$(JOBS) scripts/lint

format: ## clang-format over our own code
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format-19 -i
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs chown --reference=Makefile # under sudo: root's else

# --- fuzzing ---------------------------------------------------------------------------------
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,build/fuzz/tests/%,$(FUZZ_SRC))
RW_FUZZ_SECONDS ?= 60

build/fuzz/tests/%: tests/fuzz/%.c $(filter-out %/cmd.a,$(ALL_LIBS))
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	@$(CC) $(COMMON) $(CFLAGS) -fsanitize=fuzzer -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter-out %/cmd.a,$(ALL_LIBS)) -Wl,--end-group $(LIBS) -lcmocka

.PHONY: fuzz-built
fuzz-built: $(FUZZ_BIN)

fuzz: ## every fuzz target, RW_FUZZ_SECONDS=60 each
	@$(MAKE) --no-print-directory -j$(JOBS) fuzz-built FLAVOUR=fuzz
	@RW_FUZZ_SECONDS=$(RW_FUZZ_SECONDS) scripts/fuzz

demo: build ## the tour: a real SDK through ringwall, with XDP; KEEP=1 leaves it running
	@python3 scripts/demo.py $(if $(KEEP),--keep)

# The Makefile outside brings DATA to build/detect/data.
detect-report: build ## how well attacks, personal data and secrets are found: DATA=DIR (JSON lines and score.py)
	@python3 scripts/detect-report.py build/detect/data

invariance: ## whether texts give the same whole, in pieces and at each level of the processor: DATA=DIR, as above
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/tests/unit/scan/texts
	@$(B)/tests/unit/scan/texts build/detect/data/*_dev.jsonl

vmtest: ## the kernel suites on Debian's kernels, stable and backports, in QEMU
	@$(MAKE) --no-print-directory -j$(JOBS) binary $(KERN_BIN) $(VM_BIN) $(filter $(B)/tests/unit/ring/%,$(UNIT_BIN))
	@scripts/vmtest

bench-tools: build ## what the benches of requests run, without running it
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/bench/load $(B)/bench/relay

bench: bench-tools ## beside nginx, a short set: chat, latency, streams
	@python3 bench/bench.py

bench-full: bench-tools ## beside all peers, every workload: three quarters of an hour
	@python3 bench/bench.py --full --rounds 5

bench-docs: bench-tools ## the same, and docs/performance.md and bench/baseline.json say what it found
	@python3 bench/bench.py --full --rounds 5 --docs

profile: ## instructions that a chat costs, by room, and what has changed; SAVE=1 keeps them
	@$(MAKE) --no-print-directory -j$(JOBS) $(SIM_BIN) $(HSMEMO)
	@python3 bench/profile.py $(if $(SAVE),--save,--check)

bench-kern: build ## what a packet costs in the kernel, beside xdp-filter and nftables
	@$(MAKE) --no-print-directory -j$(JOBS) bench-built
	@python3 bench/kern.py

bench-flood: build ## what honest clients notice of a flood from spoofed sources
	@$(MAKE) --no-print-directory -j$(JOBS) bench-built
	@python3 bench/flood.py

bench-handshakes: build ## what running streams notice of a flood of TLS handshakes
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/bench/load $(B)/bench/hello
	@python3 bench/handshakes.py

bench-tls: ## what a TLS connection costs, by record back-end: idle memory, time for a record
	@$(MAKE) --no-print-directory -j$(JOBS) $(B)/bench/tls
	@$(B)/bench/tls

tls-report: build ## what testssl.sh and sslscan say of a listener: build/tls
	@python3 scripts/tls_report.py

# What a package has beside the binary: man pages and completions.
.PHONY: package-files
package-files: $(B)/files/.made
$(B)/files/.made: $(B)/ringwall scripts/manual.py
	@echo "  MAN   $(@D)"
	@rm -rf $(@D) && python3 -B scripts/manual.py $< $(@D) && touch $@

deb: ## the Debian package, built from source, linted, in build/deb
	@scripts/deb

debtest: build ## the package in clean Debian 13 roots: install, upgrade under load, remove, purge, e2e
	@scripts/debtest
