# SPDX-License-Identifier: Apache-2.0
# Every command a person types: `make help`. On Debian 13 they run natively; on any
# other Linux host scripts/in-root makes a Debian 13 build root once and runs them in it.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
export PYTHONDONTWRITEBYTECODE := 1

TARGETS := build demo test lint format asan fuzz vmtest bench bench-tools bench-full bench-docs profile bench-kern bench-flood bench-tls deb debtest train tls-report bench-handshakes

.PHONY: help clean distclean detect-report invariance image imagetest $(TARGETS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile scripts/build.mk

clean: ## removes what was built; keeps the build root and its package cache
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name 'root*' ! -name cache \
		! -name '.native-packages*' -exec $$sudo rm -rf {} +

distclean: ## removes the build root too
	@sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; $$sudo rm -rf --one-file-system build

ifdef RW_INSIDE
include scripts/build.mk
else
# The same target again, inside. Variables from the command line go along by MAKEFLAGS.
$(TARGETS):
	@scripts/in-root $(MAKE) --no-print-directory $@

# Data may lie anywhere; the build root sees this tree only.
detect-report invariance:
	@ls "$(DATA)"/*_dev.jsonl >/dev/null 2>&1 || \
		{ echo "ringwall: DATA=DIR is wanted, with *_dev.jsonl and their score.py" >&2; exit 2; }
	@rm -rf build/detect/data && mkdir -p build/detect/data && cp "$(DATA)"/*.jsonl "$(DATA)/score.py" build/detect/data/
	@scripts/in-root $(MAKE) --no-print-directory $@

unit-%:
	@scripts/in-root $(MAKE) --no-print-directory $@

image: ## the appliance's image, from the package: build/image; RELEASE=1 converts it, TWICE=1 builds it twice and compares (KEEP=1 leaves the second there), RELOCK=1 accepts other packages, KERNEL=backports takes a newer kernel, DEBUG=1 adds a debug UKI
	@scripts/in-root $(MAKE) --no-print-directory deb
	@scripts/image $(if $(KERNEL),--kernel $(KERNEL)) $(if $(RELEASE),--release) $(if $(RELOCK),--relock) $(if $(TWICE),--twice $(if $(KEEP),--keep))
	@$(if $(DEBUG),scripts/image --debug-uki)

imagetest: ## boots what `make image` made, and a version after it, under firmware with Secure Boot, in QEMU
	@scripts/in-root $(MAKE) --no-print-directory build
	@scripts/imagetest
endif
