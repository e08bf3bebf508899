# Two commands for a newcomer: `make demo` and `make test`. Everything lands in .venv; nothing outside is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev
# Of the tests: with "dev,train,openvino" those of training and of the second engine run too (torch is large).
EXTRAS ?= dev

.PHONY: demo test test-slow test-gpu check lint bench bench-adsb bench-plate bench-models fuzz clean

demo: $(STAMP)
	$(BIN)/skyspotter demo $(ARGS)

test: $(STAMP_DEV)
	$(BIN)/python -m pytest $(ARGS)

# On a machine with an NVIDIA GPU, TensorRT and pycuda; also prints latency per frame. PYTHON there may be 3.10.
test-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m pytest -s -m gpu tests/models/test_engine_gpu.py $(ARGS)

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

# Seconds of each target; atheris is installed for this alone.
FUZZ_S ?= 60
fuzz: $(STAMP_DEV)
	$(BIN)/pip install --quiet --disable-pip-version-check --only-binary=:all: atheris==3.0.0
	for target in frames beast cpr samples; do \
	  $(BIN)/python -m tests.bench.fuzz_adsb $$target -max_total_time=$(FUZZ_S) -rss_limit_mb=1500 || exit 1; done

# First how fast (ARGS), then how good (ACCURACY): photographs and all-sky frames ($SKYSPOTTER_DATA), the published study at
# 10 s, 2 s and as sums of five; a quarter of an hour on one core. ACCURACY=--quick takes two minutes;
# ACCURACY="--float RUN/field.float32.onnx --published RUN_OF_FIT" adds INT8 against float and the published network.
bench-models: $(STAMP_DEV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[train]"
	$(BIN)/python -m tests.bench.models $(ARGS)
	$(BIN)/python -m tests.bench.models_accuracy $(ACCURACY)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Skyspotter needs Python 3.11 or newer: make demo PYTHON=/path/to/python3.11"; exit 1; }
	@echo "installing into $(VENV): 0.7 GB of packages, a minute or more"
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --only-binary=:all: --no-binary=skyspotter -e .
	@touch $@

$(STAMP_DEV): $(STAMP)
	@echo "installing what the tests need as well"
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[$(EXTRAS)]"
	@touch $@

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
