# The menu. `make` alone prints it.
.DEFAULT_GOAL := menu
.DELETE_ON_ERROR:
.PHONY: menu demo build test bench torture fuzz lint wheel clean
JOBS ?= $(shell nproc)
# Most tests wait for processes most of the time. Those of signals, timeouts and lost links may meet a
# busy machine: what fails twice is broken.
TEST_JOBS ?= $(shell expr 2 '*' $(JOBS))
PY := .venv/bin/python
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
# bash or dash, Debian or not: programs under test must not inherit these from make.
unexport MAKEFLAGS MAKELEVEL MFLAGS

# Files and folders: a folder's time changes when a file in it comes or goes.
SOURCES := $(shell find $(wildcard core engine cli worker) python \
    -not -name '*.pyc' -not -name __pycache__) \
    CMakeLists.txt pyproject.toml tools/find_pythons

menu: ## this menu
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: build ## set up everything and watch a program sleep and wake
	@PATH="$(CURDIR)/.venv/bin:$$PATH" examples/demo.sh

build: .venv/.built ## compile and install into .venv: .venv/bin/elsewhere, .venv/bin/python

.venv/.set-up: tools/set_up tools/requirements-build.txt
	tools/set_up
	@touch $@

.venv/.develop: tools/set_up tools/requirements-build.txt tools/requirements-develop.txt
	tools/set_up develop
	@touch $@ .venv/.set-up

.venv/.built: .venv/.set-up $(SOURCES)
	@echo "compiling, then installing into .venv (the first time takes minutes)"
	@$(PY) -m pip --disable-pip-version-check install --quiet --force-reinstall --no-deps \
	    --no-build-isolation --config-settings=cmake.define.ELSEWHERE_STRICT=ON .
	@touch $@

test: .venv/.develop build ## C++ unit tests, then pytest on every Python found
	cmake -B build/wheel -DELSEWHERE_TESTS=ON >/dev/null
	cmake --build build/wheel --target unit_tests
	ctest --test-dir build/wheel --output-on-failure -j $(JOBS)
	@rm -f build/unsteady
	$(PY) -m pytest -q -n $(TEST_JOBS) --dist worksteal $(ARGS) || { [ $$? -eq 1 ] && \
	    touch build/unsteady && echo "=== once more, one by one: what failed" && \
	    $(PY) -m pytest -q --last-failed $(ARGS) -n 0; }

bench: build ## measure: frames, start-up, slowdown, gateways
	$(PY) bench/run $(ARGS)

torture: build ## suspend programs at N random moments on each Python and at every EVERY-th point, make MOVES of others, make KILLS among gateways (N=300 EVERY=10 MOVES=200 KILLS=1000)
	$(PY) tools/torture $(N) $(ARGS)
	$(PY) tools/torture_points --chain --every $(or $(EVERY),10) $(POINTS)
	$(PY) tools/torture_moves $(MOVES)
	$(PY) tools/torture_links $(KILLS)

fuzz: .venv/.develop ## feed broken snapshots, values and streams to their readers, each for SECONDS (60)
	cmake --preset asan >/dev/null
	cmake --build --preset asan --target snapshot_fuzz wire_fuzz
	build/asan/snapshot_fuzz $(or $(SECONDS),60) $(SEED)
	build/asan/wire_fuzz $(or $(SECONDS),60) $(SEED)

lint: .venv/.develop ## layers, formatting, types
	tools/lint

wheel: .venv/.set-up ## dist/elsewhere-….whl for every Linux with glibc 2.28, with an engine for every Python found
	tools/build_wheel

clean: ## remove build/, dist/ and .venv/
	rm -rf build dist .venv
