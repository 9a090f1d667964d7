# Every target works from a clean clone and again on a second run.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup setup-dev demo test properties check bench faults races pages lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(VENV)/.made: deploy/requirements.txt pyproject.toml
	@bash deploy/make-venv "$(PYTHON)" $(VENV) deploy/requirements.txt
	@touch $@ && rm -f $(VENV)/.made-dev

$(VENV)/.made-dev: $(VENV)/.made deploy/requirements-dev.txt
	@bash deploy/make-venv "$(PYTHON)" $(VENV) deploy/requirements-dev.txt
	@touch $@

setup: $(VENV)/.made ## Make the environment (.venv) and nothing else
setup-dev: $(VENV)/.made-dev ## The environment with what tests and checks need

demo: setup ## Load a believable merchant, start the server, print links to click
	@$(BIN)/liftlink demo

check: setup-dev ## Lint, types, ranks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@# Types take one core and longer than all the rest, which goes on beside them.
	@$(BIN)/basedpyright & types=$$!; failed=0; \
	$(BIN)/deptry . || failed=1; $(BIN)/python -m pytest tests/architecture -p no:randomly || failed=1; \
	wait $$types && exit $$failed

test: setup-dev ## Everything that CI runs
	@bash tests/run

properties: setup-dev ## Every law of the pricing engine, 10,000 fresh examples of each
	@PROPERTY_EXAMPLES=$${PROPERTY_EXAMPLES:-10000} $(BIN)/python -m pytest tests/properties/test_laws.py -n 2 --durations=0 -rA

bench: setup-dev ## Speed, as ratios against references in the same run
	@$(BIN)/python -m bench

faults: setup-dev ## Break everything around a purchase, 500 times on each database
	@bash tests/setup-system
	@$(BIN)/python -m tests.faults --iterations $${FAULT_ITERATIONS:-500} --pairwise --restores --kills 30 --mutants --record --database both --seed $${FAULT_SEED:-$$RANDOM}

races: setup-dev ## Who presses at the same moment, each guard on and off, on both databases (ROUNDS=100)
	@for name in sqlite postgresql; do LIFTLINK_TEST_DATABASE=$$name $(BIN)/python -m tests.races --rounds $${ROUNDS:-100} || exit 1; done

pages: setup-dev ## Every page x script x theme x width, axe, Lighthouse (by hand)
	@bash tests/pages/run

lock: setup-dev ## Write the hashed locks anew from deploy/*.in (needs uv)
	@cd deploy && for f in requirements requirements-dev; do \
	  uv pip compile --generate-hashes --no-annotate --no-header --no-emit-index-url --universal --python-version 3.11 -q $$f.in -o $$f.txt; done

clean: ## Remove the environment and the local data
	@rm -rf $(VENV) instance/*.sqlite3* instance/outbox
