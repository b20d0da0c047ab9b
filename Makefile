# Everything runs from a clean clone with Python 3.11: `make demo`, `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.8
BENCHMARKS := encoder_step langevin hmc convnet_langevin latent_step \
    replicas memory
# Tests that share a folder go to one worker. The workers share the cores: the
# threads of BLAS would fight for them.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest \
    -n auto --maxprocesses 4 --dist loadgroup --durations=10
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help setup demo test truth lint types bench lock clean

help:  ## say what each command does
	@sed -n 's/^\([a-z]*\):.*## /  make \1: /p' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## the virtual environment, from the lock file

$(VENV)/.ready: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(UV)
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.lock
	touch $@

demo: setup  ## train, export, serve, sample; leaves pictures in runs/demo
	$(BIN)/python demo.py

test: setup  ## every test but the long truth tests
	$(PYTEST) -m "not slow"

truth: setup  ## every test
	$(PYTEST)

lint: setup  ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## pyright
	$(BIN)/pyright

bench: setup  ## our speed against the limit and peers, as ratios
	-$(BIN)/uv pip install --quiet --python $(BIN)/python -r setup.cfg \
	    --extra bench --constraint requirements.lock
	for name in $(BENCHMARKS); do \
	    $(BIN)/python benchmarks/$$name.py || exit 1; \
	done

lock:  ## make requirements.lock anew from setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(UV)
	$(BIN)/uv pip compile setup.cfg --extra test --python-version 3.11 \
	    --upgrade --quiet --output-file requirements.lock

clean:  ## what the commands above left
	rm -rf $(VENV) runs build dist .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
