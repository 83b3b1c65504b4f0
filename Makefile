# make demo | test | ui | lint: each sets up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out/demo
DAGSTER_HOME = $(abspath $(OUT))/.dagster

.PHONY: demo test ui lint

demo: .venv/installed
	$(BIN)/spnst demo --out $(OUT)

# Files in their own order: those of few tests, which xdist would keep for the end, take longest.
test: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

ui: .venv/installed
	@test -d $(DAGSTER_HOME) || { echo "no $(DAGSTER_HOME): make demo first, or name a folder with OUT=..."; exit 2; }
	DAGSTER_HOME=$(DAGSTER_HOME) SPNST_CONFIG=$(DAGSTER_HOME)/spnst.yaml \
		$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

.venv/installed: pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
