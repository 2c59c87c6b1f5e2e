# SPDX-License-Identifier: GPL-2.0
# zircon-vm: "make help" explains the targets.  The module's objects are listed
# in Kbuild; with a kernel's headers "make -C HEADERS M=$PWD" works as well.

# DEBUG=kasan or kcsan: the debug kernel with that checker (tools/debug-kernel).
KERNEL ?= $(if $(DEBUG),$(patsubst %-kasan,%,debug-$(DEBUG)),6.1)
KERNELS ?= 6.1 6.12 7.2 6.1-arm64
KDIR ?= $(shell tools/kernel $(KERNEL) headers)
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
SECS ?= 60
# KERNEL=6.1-arm64: what runs in that guest is built beside what runs here.
FOREIGN := $(if $(filter %-arm64,$(KERNEL)),$(filter-out aarch64,$(shell uname -m)))
B := build$(if $(FOREIGN),/arm64)
ifdef FOREIGN
CC := aarch64-linux-gnu-gcc
AR := aarch64-linux-gnu-ar
endif
export KERNEL PREFIX B CC AR

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

ifeq ($(MAKELEVEL)$(findstring j,$(firstword -$(MAKEFLAGS))),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

# Whatever is no other part's folder belongs to the module.
OTHERS := build userlib selftests bench demo examples tools docs
MODULE_SRC = $(sort $(filter-out $(OTHERS:%=%/%),$(patsubst ./%,%,$(shell \
	find . -path ./.git -prune -o -path ./build -prune -o \
	\( -name '*.[chS]' ! -name '*.mod.c' -o -name 'Kbuild*' \) -print))))

HEADERS := $(shell find userlib/include uapi selftests bench demo tools -name '*.h' 2>/dev/null)
UFLAGS := -std=gnu11 -Wall -Wextra -static -pthread -I userlib/include -I uapi
LIB := $(B)/lib/libzircon-vm.a

TEST_PROGS := $(patsubst %.c,$(B)/%,$(wildcard selftests/test_*.c))
STRESS_PROG := $(patsubst selftests/stress.c,$(B)/selftests/zvm-stress,$(wildcard selftests/stress.c))
FUZZ_PROG := $(if $(wildcard selftests/fuzz/*.c),$(B)/selftests/zvm-fuzz)
TOOL_PROGS := $(patsubst %.c,$(B)/%,$(wildcard tools/*.c))
EXAMPLE_PROGS := $(patsubst %.c,$(B)/%,$(wildcard examples/*.c))
BENCH_PROG := $(if $(wildcard bench/*.c),$(B)/bench/zvm-bench)
DEMO_PROG := $(if $(wildcard demo/*.c),$(B)/demo/zvm-demo)
PROGS := $(TEST_PROGS) $(STRESS_PROG) $(FUZZ_PROG) $(TOOL_PROGS) $(EXAMPLE_PROGS) $(BENCH_PROG) $(DEMO_PROG)

##@ Build (into build/)
all: module samples lib programs	## module, library, tests, tools, benchmark, demo, examples

MODULE_OUT := build/$(KERNEL)/module
module:					## build/KERNEL/module/zircon_vm.ko
	@+tools/kbuild "$(KDIR)" $(MODULE_OUT) "$(MODULE_SRC)" modules

samples: module				## modules that use the module: build/KERNEL/module/samples
	@+SUB=samples/zvm_sample tools/kbuild "$(KDIR)" $(MODULE_OUT) "$(MODULE_SRC)" modules

lib:					## build/lib/libzircon-vm.a and .so
	@$(MAKE) -C userlib all

tests: $(TEST_PROGS) $(STRESS_PROG) $(FUZZ_PROG)	## the test programs
programs: $(PROGS)

# Programs are static, so that they run in any guest.  Each is written beside
# its place and moved there: two makes at once do no harm.
tmp = $@.$$$$
define compile
@mkdir -p $(@D)
@echo "  CC      $@"
@$(CC) $(UFLAGS) $(CFLAGS) $1 $(filter-out userlib/%,$(filter %.c,$^)) -o $(tmp) $(LIB) && mv $(tmp) $@
endef

$(PROGS): $(HEADERS) Makefile $(wildcard uapi/*.h userlib/*.c userlib/*.h) | lib
$(filter $(B)/selftests/%,$(PROGS)): | $(B)/ksrc
$(B)/selftests/zvm-stress: $(wildcard selftests/stress*.c)
	$(call compile,-isystem $(B)/ksrc/tools/testing/selftests)
$(B)/selftests/zvm-fuzz: $(wildcard selftests/fuzz/*.c)
	$(call compile)
$(B)/selftests/%: selftests/%.c
	$(call compile,-isystem $(B)/ksrc/tools/testing/selftests)
$(B)/bench/zvm-bench: $(wildcard bench/*.c)
	$(call compile)
$(B)/demo/zvm-demo: $(wildcard demo/*.c)
	$(call compile)
$(B)/tools/%: tools/%.c
	$(call compile)
$(B)/examples/%: examples/%.c
	$(call compile)

$(B)/ksrc:
	@dir=$$(tools/ksrc) && mkdir -p $(B) && ln -sfn "$$dir" $@

##@ Run (in a QEMU guest; installs with apt-get what is missing)
# "deps" must come first, so what a target builds is a make of its own.
demo: deps				## the tour: FILE=... is the file it works on
	@$(MAKE) module $(DEMO_PROG) $(TOOL_PROGS)
	@tools/run-demo "$(FILE)"

check: deps				## all tests; TESTS="vmo vmar" some, ARGS="-t name" one
	@$(MAKE) all
	@TESTS="$(TESTS)" ARGS="$(ARGS)" VMFLAGS="$(VMFLAGS)" selftests/run-in-guest.sh

check-all:				## all tests on each kernel: KERNELS="6.1 7.2"
	@selftests/check-all.sh $(KERNELS)

check-debug: deps-debug			## the same, KUnit and fuzzer, on a kernel with all checkers (built once)
	@tools/debug-kernel >/dev/null
	@$(MAKE) samples KERNEL=debug
	@$(MAKE) lib programs
	@PARTS="$(PARTS)" TESTS="$(TESTS)" ARGS="$(ARGS)" VMFLAGS="$(VMFLAGS)" KERNEL=debug \
		FUZZ_SECS="$(FUZZ_SECS)" selftests/check-debug.sh

bench: deps				## costs beside Linux's way, in instructions: build/bench.csv
	@$(MAKE) module $(BENCH_PROG)
	@echo "==> benchmark: every case counted in guest instructions (some minutes)"
	@tools/vm --icount --timeout 3600 $(VMFLAGS) --file $(BENCH_PROG) --out bench.csv:$(B)/bench.csv \
		-- ./zvm-bench --csv bench.csv

# Without the early passes, or gcc would fold most error returns into what comes
# after them before it puts the counters in.
GCOV_FLAGS := $(addprefix -fdisable-tree-,ccp1 forwprop1 fre1 evrp cddce1 phiopt1 dse1 mergephi1 ethread esra)
coverage: deps-debug			## lines of the module that the tests reach: build/coverage.txt
	@tools/debug-kernel >/dev/null
	@$(MAKE) tests $(FUZZ_PROG) $(TOOL_PROGS)
	@+tools/kbuild "$$(tools/kernel debug headers)" $(B)/coverage/module "$(MODULE_SRC)" modules GCOV_PROFILE=y \
		KCFLAGS="$(GCOV_FLAGS)" | sed '/: note: disable pass/d'
	@+SUB=samples/zvm_sample tools/kbuild "$$(tools/kernel debug headers)" $(B)/coverage/module "$(MODULE_SRC)" modules
	@SECS=$(SECS) VMFLAGS="$(VMFLAGS)" tools/coverage $(TESTS)

mutants: deps-debug			## plants bugs, each has to be found; M="03 07" some
	@tools/debug-kernel >/dev/null
	@$(MAKE) tests
	@$(MAKE) samples KERNEL=6.1
	@echo "==> mutants: one guest for each; logs in build/mutants"
	@+selftests/mutants/run "$(MODULE_SRC)" $(M)

stress: deps				## random operations for SECS=60 seconds
	@$(MAKE) module $(STRESS_PROG)
	@echo "==> stress: $(SECS) s"
	@tools/vm --timeout $$(($(SECS) * 2 + 300)) $(VMFLAGS) --file $(STRESS_PROG) -- ./zvm-stress $(SECS)

fuzz: deps				## hostile random programs for SECS=60 seconds; SEED=... repeats
	@$(MAKE) module $(FUZZ_PROG)
	@echo "==> fuzz: $(SECS) s (kernel $(KERNEL); log: build/vm.log)"
	@tools/vm --timeout $$(($(SECS) * 2 + 600)) $(if $(filter debug,$(KERNEL)),--stray 8192) \
		--reserve $(VMFLAGS) \
		--file $(FUZZ_PROG) -- ./zvm-fuzz $(SEED:%=--seed %) $(SECS) || \
		{ grep -ao 'zvm-fuzz: program.*' build/vm.log | tail -n 1; exit 1; }

vm:					## RUN="./my-program args" FILES="./my-program data.bin"
	@test "$$RUN" || { echo 'usage: make vm RUN="./my-program args" FILES="./my-program data.bin"'; exit 2; }
	@$(MAKE) -s deps >&2 && $(MAKE) -s module $(TOOL_PROGS) >&2
	@tools/vm $(VMFLAGS) $(FILES:%=--file %) -- sh -c "$$RUN"
export RUN

shell: deps				## an interactive guest with all programs in /work
	@$(MAKE) all
	@echo '==> "exit" ends the guest; programs are in /work'
	@tools/vm $(VMFLAGS) $(PROGS:%=--file %) $(FILES:%=--file %) --shell

deps:					## install what building and running need (apt-get, as root)
	@tools/deps build vm

deps-debug:
	@KERNEL=6.1 tools/deps build vm debug

##@ Look after
style:					## checkpatch --strict, sparse, W=1, shellcheck, public headers
	@tools/deps build style
	@+KDIR="$(KDIR)" tools/style $(B)/$(KERNEL)/style "$(MODULE_SRC)"

builds:					## the module for each of KERNELS="6.1 7.2"; warnings are errors
	@for k in $(KERNELS); do \
		echo "==> kernel $$k" && KERNEL=$$k tools/deps build && \
		$(MAKE) samples KERNEL=$$k MODULE_OUT=$(B)/$$k/strict W=1 KCFLAGS=-Werror || exit; \
	done

coverage-ids:				## requirement ids that no test names
	@tools/coverage-ids

clean:					## remove build/
	rm -rf $(B)

##@ Install (as root; KERNEL=$(uname -r) means the running kernel)
install: module lib $(TOOL_PROGS)	## module, library, headers, tools (PREFIX, DESTDIR)
	@release=$$(tools/kernel $(KERNEL) release) && \
	echo "==> installing zircon_vm.ko for kernel $$release (running here: $$(uname -r))"
	@+tools/kbuild "$(KDIR)" $(B)/$(KERNEL)/module "$(MODULE_SRC)" modules_install CONFIG_MODULE_SIG_ALL= \
		INSTALL_MOD_DIR=updates $(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))) | \
		grep -v 'Skipping depmod'
	$(if $(DESTDIR),,depmod $$(tools/kernel $(KERNEL) release))
	@$(MAKE) -C userlib install
	$(if $(TOOL_PROGS),install -D -t $(DESTDIR)$(PREFIX)/bin $(TOOL_PROGS))
	$(if $(DESTDIR),,-ldconfig)

uninstall:				## remove what install put there
	release=$$(tools/kernel $(KERNEL) release) && \
		rm -f $(DESTDIR)/lib/modules/$$release/updates/zircon_vm.ko && \
		{ test "$(DESTDIR)" || depmod "$$release"; }
	@$(MAKE) -C userlib uninstall
	$(if $(TOOL_PROGS),rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(TOOL_PROGS))))

DKMS_SRC := $(DESTDIR)/usr/src/zircon-vm-$(VERSION)
dkms-install:				## let DKMS build the module for every kernel it supports
	@command -v dkms >/dev/null || { echo "dkms is not installed: apt-get install dkms"; exit 1; }
	rm -rf $(DKMS_SRC) && mkdir -p $(DKMS_SRC)
	cp --parents $(MODULE_SRC) dkms.conf $(wildcard COPYING) $(DKMS_SRC)
	dkms status zircon-vm/$(VERSION) | grep -q . || dkms add zircon-vm/$(VERSION)
	env -u MAKEFLAGS dkms install zircon-vm/$(VERSION) -k $$(tools/kernel $(KERNEL) release)

dkms-uninstall:				## take it back from DKMS
	dkms remove zircon-vm/$(VERSION) --all && rm -rf $(DKMS_SRC)

help:					## this list
	@awk -F '##' '/^##@/ { print "\n" substr($$0, 5); next } \
		/^[a-z-]+:.*##/ { split($$1, t, ":"); printf "  %-16s%s\n", t[1], $$NF }' Makefile
	@printf '\n%s\n' 'KERNEL=6.1 chooses the kernel (tools/kernel), KDIR=... other headers, VMFLAGS="--cpus 4" options for tools/vm.'

.PHONY: all module samples lib tests programs demo check check-all check-debug builds bench coverage mutants stress fuzz vm shell \
	deps deps-debug style coverage-ids clean install uninstall dkms-install dkms-uninstall help
