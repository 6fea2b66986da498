# make run | build | test | renamed | moments | known | suites | peers | track | lint | sanitize | fuzz | bench | interpreters | matrix | score | clean
#
# PYTHON=... chooses the interpreter (default python3), FUZZ_SECONDS=... the time of each fuzz
# target, SCORE=... options of tests/score/score.py. Everything is made below build/, .venv/ and .venvs/.
PYTHON ?= python3
FUZZ_SECONDS ?= 60
export PYTHON FUZZ_SECONDS

venv := .venv
sources := $(shell find src python docs/causes meson.build meson_options.txt pyproject.toml \
	tools/build.sh tools/pages.py \
	-not -name '*_test.c' -not -name '*.pyc' -type f)
built := $(venv)/.built-$(subst /,_,$(PYTHON))

.PHONY: run build test renamed moments known suites peers cpython track lint sanitize fuzz bench pictures interpreters matrix score clean bootstrap bootstrap-dev

# A program that leaks, and what heaplens says about it.
run: build
	$(venv)/bin/heaplens run -f -o build/leaky_cache.hlens examples/leaky_cache.py

build: bootstrap $(built)

bootstrap:
	@tools/bootstrap.sh

bootstrap-dev:
	@tools/bootstrap.sh dev

$(built): $(sources) | bootstrap
	@tools/build.sh $(venv) $(PYTHON)
	@tools/cores.sh $(venv)
	@touch $@

# Its own interpreter, and of the others the oldest, the newest and 3.12; make matrix has them all.
test: bootstrap-dev build
	@tools/group.sh $(venv) test
	@tools/ctest.sh test -Dbuildtype=debug
	HEAPLENS_RELEASES=some HEAPLENS_EXE=$(CURDIR)/$(venv)/bin/heaplens $(venv)/bin/python -m pytest -n 4 tests/run tests/native
	HEAPLENS_EXE=$(CURDIR)/$(venv)/bin/heaplens $(venv)/bin/python -m pytest -n 2 tests/verdict
	HEAPLENS_EXE=$(CURDIR)/$(venv)/bin/heaplens $(venv)/bin/python -m pytest -n 2 tests --ignore tests/run --ignore tests/native --ignore tests/verdict

# No verdict hangs on a name: every program that leaks once more, under other names.
renamed: bootstrap-dev build
	@tools/group.sh $(venv) test
	HEAPLENS_RENAMED=all HEAPLENS_EXE=$(CURDIR)/$(venv)/bin/heaplens \
		$(venv)/bin/python -m pytest -n 2 tests/verdict -k renamed

# A recording survives the end of whoever writes it: killed at so many random moments,
# whether allocations are followed or not, the file opens.
MOMENTS ?= 200
moments: bootstrap-dev build
	@tools/group.sh $(venv) test
	HEAPLENS_MOMENTS=$(MOMENTS) HEAPLENS_EXE=$(CURDIR)/$(venv)/bin/heaplens \
		$(venv)/bin/python -m pytest -n 4 tests/run/test_long_runs.py -k moment

# What is known of libraries, held against the libraries.
known: bootstrap-dev build
	@tools/group.sh $(venv) test
	tools/known.sh

# Test suites of well-known packages end as they do without heaplens.
suites: build
	tools/suites.sh

# So does CPython's own, an hour an interpreter; CPYTHON="--python python3.13 --skip test_gdb";
# CPYTHON="--with=--exact test_gc test_capi test_tracemalloc" with each allocation followed.
cpython: build
	tools/cpython_suite.py $(CPYTHON)

# The tests of tracemalloc, objgraph and memory_profiler, run against the modules that stand in for them.
peers: bootstrap-dev build
	tools/peers.sh

# Each stack the tracker tells is compared with a whole walk, on every interpreter.
track: build
	tools/track_check.sh

lint: bootstrap-dev build
	tools/lint.sh

sanitize: bootstrap-dev build
	@tools/group.sh $(venv) test
	tools/sanitize.sh

fuzz: bootstrap-dev build
	tools/fuzz.sh

bench: build
	tools/bench.sh

# The CPythons this machine lacks, as packages, into a cache; then make build and make matrix use them.
interpreters:
	tools/fetch_interpreters.sh

# Every interpreter there is; HEAPLENS_RELEASES=some for three of them.
matrix: bootstrap-dev build
	tools/matrix.sh

# Every program with a known answer, and how often heaplens gives it (tests/score/README.md).
score: build
	$(venv)/bin/python tests/score/score.py $(SCORE)

clean:
	rm -rf build .venv .venvs .cache

# The pictures of the docs, drawn anew from examples; needs Graphviz.
pictures: build
	tools/pictures.sh
