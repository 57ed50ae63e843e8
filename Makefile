# make run and make test are all that a fresh machine needs; both make the environment first.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
ADDRESS ?= 127.0.0.1
STAMP  := $(VENV)/.installed

.PHONY: setup run test lint unit test-slow bench fmt screenshots clean

setup: $(STAMP)

# Working processes are confined and cannot write bytecode: without it each would compile its libraries anew.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Whetstone needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: setup
	$(BIN)/whetstone serve --address $(ADDRESS)

# Both at once: tests that wait for processes leave room for what reads the code.
test: setup
	@$(MAKE) --no-print-directory --jobs 2 lint unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test-slow: setup
	$(BIN)/pytest -m slow --timeout 3600

bench: setup
	$(BIN)/python -m benchmarks.views
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.verdicts
	$(BIN)/python -m benchmarks

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: setup
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) build *.egg-info
