# make demo | test | ui | lint: each sets up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out/demo

.PHONY: demo test ui lint

demo: .venv/installed
	$(BIN)/spnst demo --out $(OUT)

test: .venv/installed-dev
	$(BIN)/python -m pytest

ui: .venv/installed
	@test -d $(OUT)/.dagster || { echo "nothing in $(OUT) yet: make demo first, or name a folder with OUT=..."; exit 2; }
	DAGSTER_HOME=$(abspath $(OUT))/.dagster SPNST_CONFIG=$(abspath $(OUT))/.dagster/spnst.yaml \
		$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/installed: pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
