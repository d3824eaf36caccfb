# flowlaunch: `make demo` shows it, `make test` tests it, `make check` is what CI runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
.PHONY: demo test browser chaos check lint types contracts bench scorecard clean

demo: $(VENV)/.installed
	$(BIN)/flowlaunch demo

test: $(VENV)/.tested
	$(BIN)/pytest

browser: $(VENV)/.tested
	FLOWLAUNCH_BROWSER=required $(BIN)/pytest -m browser

chaos: $(VENV)/.tested
	FLOWLAUNCH_CHAOS=1 $(BIN)/pytest -s tests/batch tests/workers tests/chaos

check: lint types contracts cover

lint: $(VENV)/.checked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.checked
	$(BIN)/mypy
	$(BIN)/pyright

contracts: $(VENV)/.checked
	$(BIN)/lint-imports --no-cache

cover: $(VENV)/.tested
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

bench: $(VENV)/.tested
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m bench

# The official JavaScript SDK is installed outside the project: it is large, and only this needs it.
SCORE := $(BIN)/flowlaunch conformance run -o json --
JAVASCRIPT := $(or $(TMPDIR),/tmp)/flowlaunch-official-javascript
scorecard: $(VENV)/.tested
	mkdir -p $(JAVASCRIPT) && cp conformance/adapters/official-javascript/* $(JAVASCRIPT)
	cd $(JAVASCRIPT) && npm install --silent --no-audit --no-fund
	$(SCORE) $(BIN)/python conformance/adapters/flowlaunch_client.py > conformance/results/1-flowlaunch.json
	$(SCORE) $(BIN)/python conformance/adapters/official_python.py > conformance/results/2-official-python.json
	$(SCORE) node $(JAVASCRIPT)/client.js > conformance/results/3-official-javascript.json
	$(BIN)/flowlaunch conformance page conformance/results/*.json > docs/explanation/conformance-scorecard.md

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[fast,tls]"
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group test --group sdk
	@touch $@

$(VENV)/.checked: $(VENV)/.tested
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

clean:
	rm -rf $(VENV) build dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
