# Every target sets itself up: a clone and Python 3.11 or newer are all it takes.
.DEFAULT_GOAL := help
SHELL := bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Stages are started as `python`, and must find this environment's.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nobody's use of this project is reported anywhere.
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false

# Three workers for two cores, since servers are waited for; the tests of one file share their servers and projects. In
# the order of the folders, because the longest files, end to end, come first in it.
WORKERS := $(shell $(PYTHON) -c 'import os; cores = os.cpu_count() or 1; print(cores + (cores + 1) // 2)')
PYTEST := pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup run test check check-fast ui serve bench quality prove

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/ready  ## make .venv and install into it

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv -c constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[dev]' -c constraints.txt
	touch $@

run: setup  ## the whole pipeline, then where to look
	dvc repro
	ganlib sync
	ganlib summary

test: setup  ## all tests
	$(PYTEST)

check: setup  ## what CI runs: lint, format, types, import contracts, tests
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	$(PYTEST)

check-fast: setup  ## the same without the tests that take minutes
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	$(PYTEST) -m 'not slow'

bench: setup  ## what the pipeline costs, how fast pictures are prepared, games played and pictures judged; how sure verdicts are
	python benchmarks/pipeline.py
	python benchmarks/flow.py
	python benchmarks/prepare.py
	python benchmarks/train_speed.py
	python benchmarks/weak_scaling.py
	python benchmarks/evaluate_speed.py
	python benchmarks/promotion.py

quality: setup  ## an hour and more: how many modes of rings and grids are found, ten seeds each
	python benchmarks/quality/gaussians.py ring
	python benchmarks/quality/gaussians.py grid

prove: setup  ## what takes too long for CI: every game resumed, minutes of broken files, a million pictures
	$(PYTEST) -m prove --record-proofs
	GANLIB_FUZZ_SECONDS=120 pytest --record-proofs tests/ganlib/datasets/test_archive_fuzz.py tests/ganlib/datasets/test_mutated_sources.py
	python benchmarks/prepare.py --million

ui: setup  ## MLflow's pages and, beside them, the project's own, with what is being trained live; on loopback
	ganlib ui

PORT ?= 4200
serve: setup  ## server, worker and schedules of prefect.yaml on loopback, until Ctrl-C: retraining that looks after itself
	python -m pipelines.flows.serve --port $(PORT)
