# Everything a checkout needs, with nothing but Python 3.11 or newer and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# A checkout uses the versions that were tested, whatever has been released since; build backends included.
PIP = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Distributions of their own, in the same repository: each with its pyproject.toml, sources, tests and changelog.
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))

.DEFAULT_GOAL := help
.PHONY: help demo dev test newest mutants lint reformat bench soak doc constraints clean

include peers.mk

help: ## List the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.runtime ## Verify the signed images of this repository: accepted, refused, explained
	@RATIFY=$(BIN)/ratify sh examples/demo.sh

dev: $(VENV)/.dev ## Set up for development

test: $(VENV)/.dev ## Run all tests; those that need other programs are skipped where these are not
	$(BIN)/pytest --cov --cov-report=term $(PYTEST_ARGS)

newest: ## Run the tests against the newest version of every dependency, in an environment of its own
	@PYTHON="$(PYTHON)" sh tests/newest.sh $(PYTEST_ARGS)

mutants: $(VENV)/.mutants ## Change the security modules in small places, and print how many changes the tests notice
	$(BIN)/python tests/mutants.py $(if $(MUTANTS),'$(MUTANTS)')

lint: $(VENV)/.dev ## Check style, types, layers and docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate -q -c pyproject.toml src $(wildcard plugins/*/src)

reformat: $(VENV)/.dev ## Put the code into its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure against the real peers (after make peers)
	$(BIN)/python -m bench

soak: $(VENV)/.dev ## Run a provider under load while everything around it fails (ten minutes; DURATION=SECONDS)
	$(BIN)/python -m bench.soak $(DURATION)

doc: $(VENV)/.dev ## Write docs/reference and deploy/crds from the code
	$(BIN)/python docs/generate.py

constraints: ## Write constraints.txt: the newest versions of today, to be tested and committed
	@PYTHON="$(PYTHON)" sh tests/constraints.sh

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-newest mutants build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "pyratify needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "the module venv is missing; on Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up (once) ..."
	@$(PIP) --editable '.[cel]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(PLUGINS:=/pyproject.toml) | $(BIN)/python
	@echo "setting up for development (once) ..."
	@$(PIP) --editable '.[dev]' $(foreach plugin,$(PLUGINS),--editable './$(plugin)[dev]')
	@# An editable installation compiles no module, and where PYTHONDONTWRITEBYTECODE is set each start would compile them all.
	@$(BIN)/python -m compileall -q src $(PLUGINS:=/src)
	@touch $@ $(VENV)/.runtime

$(VENV)/.mutants: $(VENV)/.dev
	@$(PIP) --editable '.[dev,mutants]'
	@touch $@
