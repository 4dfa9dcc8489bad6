# Two commands are enough on a fresh machine: `make demo` and `make test`.
# They need python3 (3.11 or newer) with venv, and make; everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
PYTEST_ARGS ?=
# a file's tests stay in one worker, which builds what they share once; tests/conftest.py puts the files in order
DISTRIBUTED = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
BENCH_ARGS ?=

BIN := $(VENV)/bin
PURE_ROOMS := scow.oci scow.dockerfile scow.layer scow.cli.gotemplate scow.registry.protocol scow.registry.challenge scow.registry.routes \
    scow.runtime.spec scow.build.plan scow.build.ops scow.scan.versions \
    scow.size
PURE_TESTS := $(wildcard tests/oci tests/dockerfile tests/layer tests/image tests/build/test_plan.py \
    tests/cli/test_gotemplate.py tests/registry/test_protocol.py tests/registry/test_challenge.py tests/registry/test_routes.py \
    tests/runtime/test_process.py tests/runtime/test_spec.py tests/runtime/test_limit_tables.py tests/scan/test_versions.py \
    tests/size)
PURE_ROOMS += $(addprefix scow.scan.,advice advisory affected assess compare concern cvss cvss4 ecosystem finding ignore match report severity vex wish)
PURE_TESTS += $(wildcard $(addprefix tests/scan/test_,match.py affected.py cvss.py database.py ignore.py report.py assess.py))
PURE_ROOMS += scow.registry.spans
PURE_ROOMS += scow.scan.catalog scow.scan.bom scow.scan.purls scow.scan.package
PURE_TESTS += tests/registry/test_wide.py
PURE_TESTS += $(wildcard $(addprefix tests/scan/,test_bom.py test_package.py $(addprefix catalog/test_,texts.py java.py fuzz.py layers.py rpm.py)))
PLAN_TESTS := tests/test_layering.py tests/test_public.py
DOCUMENTS := $(wildcard README.md docs/*.md docs/*/*.md)

.PHONY: help venv demo check lint types plan doctest coverage test bench clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "scow needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.developed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

venv: $(VENV)/.developed  ## the virtual environment with everything for development

demo: $(VENV)/.installed  ## the main job for real, with no outside service: import, build, run, push, pull
	PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

check: lint types plan doctest coverage  ## everything that is quick: lint, types, layering, docs, coverage of the pure rooms

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed
	$(BIN)/mypy

plan: $(VENV)/.developed
	$(BIN)/pytest -q $(PLAN_TESTS)

doctest: $(VENV)/.developed
	$(if $(DOCUMENTS),$(BIN)/pytest -q --doctest-glob='*.md' $(DOCUMENTS) || [ $$? -eq 5 ])
	if [ -f docs/cli.md ]; then $(BIN)/python -m scow.cli.reference | diff -u docs/cli.md -; fi

coverage: $(VENV)/.developed
	$(if $(PURE_TESTS),$(BIN)/pytest -q $(DISTRIBUTED) $(PURE_TESTS) $(PURE_ROOMS:%=--cov=%) --cov-branch \
	    --cov-report=term:skip-covered --cov-fail-under=90)

# session fixtures (registries, dockerd) start once per worker, in about a second
test: $(VENV)/.developed  ## the whole suite (CHECKED=yes: but what check has run); a missing peer is skipped aloud
	$(BIN)/pytest $(DISTRIBUTED) $(if $(CHECKED),$(patsubst %,--ignore=%,$(PLAN_TESTS) $(PURE_TESTS))) $(PYTEST_ARGS)

bench: $(VENV)/.developed  ## scow beside docker, podman, buildah and skopeo (BENCH_ARGS="--rows pull,push --rounds 3")
	$(BIN)/python -m bench.bench $(BENCH_ARGS)

clean:  ## remove what was made, the virtual environment included
	rm -rf $(VENV) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
