# The front door; Meson does the work, in build/<variant>.
#
#   make              release binary: build/release/tgfleet
#   make demo         installs what is missing, builds, runs the demo
#   make test         installs what is missing, builds, runs every test
#   make check        the gate: format, layers, names, sizes, tidy, tests, fuzz
#   make unit V=asan T=base     one variant, one suite (or one test: T=base/text)
#   make fuzz SECS=60 | bench | integ | tidy | fmt | clean
#   make interop      clients of strangers (npm); table in docs/interop.md
#   make bench TABLE=docs/bench.md   numbers (T=clients, T=dc: one of them), kept
#   make sim-mutants | sim-replay    does the simulation find bugs, and repeat?
#   make chaos ROUNDS=300       leases under faults; REPLICAS=1: two control planes
#   make reference | man        docs/reference from the tables; build/tgfleet.1
#
# Variants (V=): release debug asan tsan clang.  They never share objects; asan has
# the undefined-behaviour sanitizer and the fuzz targets, too.

# Warnings are errors where we work (STRICT=true), not where people build: their
# compiler may know one more.

V ?= debug
STRICT ?= true
SECS ?= 10
ROUNDS ?= 300
T ?=
B := build/$(V)

CC_release := gcc
OPT_release := --buildtype=debugoptimized -Dtests=false
CC_debug := gcc
OPT_debug := -Ddebug=true -Doptimization=1
CC_clang := clang
OPT_clang := -Ddebug=true -Doptimization=1
CC_asan := clang
OPT_asan := -Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true
CC_tsan := clang
OPT_tsan := -Ddebug=true -Doptimization=1 -Db_sanitize=thread -Db_lundef=false

all: ; @$(MAKE) --no-print-directory V=release STRICT=false build

$(B)/build.ninja:
	CC=$(CC_$(V)) meson setup $(OPT_$(V)) -Dwerror=$(STRICT) $(B) >/dev/null

build: $(B)/build.ninja
	@ninja -C $(B) --quiet

setup: ; @tools/setup.sh
setup-test: ; @tools/setup.sh --test

demo: setup
	@$(MAKE) --no-print-directory V=release STRICT=false build
	@build/release/tgfleet demo

test: setup-test
	@STRICT=false tools/gate.sh test

check: setup-test
	@tools/gate.sh check

unit: build
	@meson test -C $(B) --no-rebuild --quiet --print-errorlogs \
		$(if $(findstring /,$(T)),$(T),$(if $(T),--suite $(T)))

integ: setup-test
	@tools/gate.sh build-release integ

interop: setup-test
	@$(MAKE) --no-print-directory V=release build
	@test/interop/run.sh

oracle: setup-test
	@$(MAKE) --no-print-directory V=release build
	@test/oracle/run.py $(if $(T),"$(T)")

# ROUNDS rounds of faults between two nodes and the control plane
chaos: setup-test
	@$(MAKE) --no-print-directory V=release STRICT=false build
	@test/chaos/lease_chaos.py --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) \
		$(if $(REPLICAS),--replicas)

# Plants bugs in a copy of the tree: each has to be found by some seed.
sim-mutants: setup-test
	@tools/sim-mutants.py $(T)

sim-replay: setup-test
	@for v in debug asan; do \
		$(MAKE) --no-print-directory V=$$v build/$$v/build.ninja && \
		ninja -C build/$$v --quiet test/sim/sim || exit 1; done
	@tools/sim-replay.sh build/debug build/asan

tidy: setup-test
	@tools/gate.sh build-asan tidy

fuzz: setup-test
	@$(MAKE) --no-print-directory V=asan build
	@tools/fuzz.sh $(SECS) $(T)

bench: setup-test
	@$(MAKE) --no-print-directory V=release STRICT=false build
	@TABLE=$(TABLE) tools/bench.sh $(T)

reference: build
	@tools/reference.py $(B)/tgfleet

man: build
	@$(B)/tgfleet man > build/tgfleet.1

fmt: ; @git ls-files '*.[ch]' | xargs clang-format -i
clean: ; rm -rf build

.PHONY: all build setup setup-test demo test check unit integ chaos interop oracle sim-mutants sim-replay tidy fuzz bench reference man fmt clean
