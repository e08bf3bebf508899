# Two commands for a newcomer: `make demo` and `make test`. Everything lands in .venv; nothing outside is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev

.PHONY: demo test test-slow check lint bench bench-adsb bench-plate clean

demo: $(STAMP)
	$(BIN)/skyspotter demo $(ARGS)

test: $(STAMP_DEV)
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(STAMP_DEV)
	$(BIN)/python -m pytest -m "slow or root" $(ARGS)

lint: $(STAMP_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

bench: $(STAMP_DEV)
	$(BIN)/python -m tests.bench $(ARGS)

bench-adsb: $(STAMP_DEV)
	$(BIN)/python -m tests.bench.adsb $(ARGS)

bench-plate: $(STAMP_DEV)
	$(BIN)/python -m tests.bench.plate $(ARGS)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Skyspotter needs Python 3.11 or newer: make demo PYTHON=/path/to/python3.11"; exit 1; }
	@echo "installing into $(VENV): 0.7 GB of packages, a minute or more"
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --only-binary=:all: --no-binary=skyspotter -e .
	@touch $@

$(STAMP_DEV): $(STAMP)
	@echo "installing what the tests need as well"
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
