# Every target sets up what it needs: the active virtual environment, or .venv made with $(PYTHON).
PYTHON ?= python3.11
VENV := $(or $(VIRTUAL_ENV),.venv)
READY := $(VENV)/.spanwand-ready
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-diffusers test-presidio faults lint format types proto docs docs-check bench bench-% golden package ci clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## a daemon, a model API stand-in and an instrumented app; prints what landed in the W&B runs
	$(BIN)/spanwand demo

test: $(READY)  ## every test; three files at a time, for most wait for a process
	$(BIN)/python -m compileall -q exporter sidecar  # as pip does: how long a start takes is tested
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

test-diffusers:  ## our instrumentations against real torch, diffusers and transformers: 5 GB in .venv-torch
	test -x .venv-torch/bin/python || $(PYTHON) -m venv .venv-torch
	.venv-torch/bin/pip install -q -e '.[diffusers]' -r tests/instrumentation/requirements.txt pytest pytest-timeout
	.venv-torch/bin/python -m pytest -q tests/instrumentation

test-presidio:  ## names and places against the real Presidio and spaCy: 500 MB in .venv-presidio
	test -x .venv-presidio/bin/python || $(PYTHON) -m venv .venv-presidio
	.venv-presidio/bin/pip install -q -e '.[sidecar,presidio]' -r tests/presidio/requirements.txt pytest pytest-timeout psutil
	.venv-presidio/bin/python -m pytest -q tests/presidio

faults: $(READY)  ## kill, fill, flood and starve it for long, and Rotel beside it; prints lost and double-counted spans
	$(BIN)/python -m pytest -q tests/faults -m "faults or not faults"
	$(BIN)/python -m pytest -q tests/integration -m faults

lint: $(READY)  ## ruff, and the format check
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(READY)  ## let ruff format and sort
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

types: $(READY)  ## mypy, strict
	$(BIN)/mypy

proto: $(READY)  ## regenerate the protobuf code
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=exporter --pyi_out=exporter proto/spanwand/otlp/v1/*.proto proto/spanwand/v1/*.proto

docs: $(READY)  ## regenerate the reference pages
	$(BIN)/python docs/generate.py

docs-check: docs proto  ## fail if a generated file is stale
	git diff --exit-code -- docs exporter/spanwand/otlp exporter/spanwand/v1 || (echo 'stale: run make docs proto and commit'; exit 1)

golden: $(READY)  ## re-record the expected records of the golden captures; read the diff
	$(BIN)/python -m pytest -q tests/golden --update-golden

bench: bench-line bench-ack bench-latency bench-footprint  ## all benchmarks

bench-redaction: $(READY)  ## what redaction finds, and what it takes for a secret
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/redaction.py

bench-%: $(READY)  ## one benchmark of bench/
	$(BIN)/python bench/$*.py

package: $(READY)  ## wheel and sdist, tried in an empty environment
	$(BIN)/python -m pytest -q tests/packaging

ci: lint types docs-check test  ## what .ci/run calls

clean:  ## remove what make made
	rm -rf .venv .venv-torch .venv-presidio build dist node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
