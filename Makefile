# make demo | test | test-fast | test-slow | ui | lint | docs: each sets up .venv on first use.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out/demo
PROFILE ?= vgg16
DAGSTER_HOME = $(OUT)/.dagster
PORT ?= 3000

# Where an environment forbids cached bytecode, every process would compile all modules anew, and tests start many.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast test-slow ui lint docs

demo: .venv/installed
	$(BIN)/spnst demo --out "$(OUT)" --profile $(PROFILE)

# Test files run in their own order: xdist would leave those with few tests for the end, and they take longest.
XDIST := -n auto --dist loadfile --no-loadscope-reorder
LONG := slow or heavy or browser or postgres or s3 or daemon or ray or training or benchmark or project

test: .venv/installed-dev
	$(BIN)/python -m pytest $(XDIST)

test-fast: .venv/installed-dev
	$(BIN)/python -m pytest $(XDIST) -m "not ($(LONG))"

test-slow: .venv/installed-dev
	$(BIN)/python -m pytest $(XDIST) -m slow

ui: .venv/installed
	@test -d "$(DAGSTER_HOME)" || { echo "no $(DAGSTER_HOME): make demo first, or name a folder with OUT=..."; exit 2; }
	@$(BIN)/python -c "import socket; socket.create_server(('127.0.0.1', $(PORT)))" 2>/dev/null \
		|| { echo "port $(PORT) is taken: stop what uses it, or take another with PORT=..."; exit 2; }
	home=$$(cd "$(DAGSTER_HOME)" && pwd) && DAGSTER_HOME="$$home" SPNST_CONFIG="$$home/spnst.yaml" \
		exec $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p $(PORT)

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile deploy/kubernetes/Dockerfile

# Builds site/. The page on the command line is generated from its help texts.
docs: .venv/installed-docs
	$(BIN)/typer spnst_pipeline.cli.main utils docs --name spnst --title "Command line" --output docs/reference/cli.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.venv/installed: pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@
