# `make` alone lists the targets; a line that begins with two # here is one line of that list.
#
# The set-up makes .venv from the pinned requirements, and is done again only when they change.

ARGS ?=
BIN := .venv/bin
# One more than there are cores: a third of the time a test waits for something.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
XDIST := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
PYTEST := $(BIN)/python -m pytest $(XDIST)

.PHONY: help run test test-fast coverage check bench faults bundled-model eval-bundled setup clean \
	environment system
.DEFAULT_GOAL := help

## run            set everything up where needed, then serve the app on http://127.0.0.1:8501
run: system
	@exec $(BIN)/streamlit run app/main.py $(ARGS)

## test           all tests, WORKERS files at a time; browser tests need Chromium
##                ARGS="-k kernel" picks some, ARGS="-n 0" runs one by one
test: system
	@exec $(PYTEST) $(ARGS)

## test-fast      the tests that need no browser, model, kernel or server: under a minute
test-fast: environment
	@exec $(PYTEST) -m "not slow and not e2e" --hypothesis-profile fast tests/unit $(ARGS)

## coverage       all tests, and which share of the lines they ran
##                ARGS="-m 'not slow and not e2e'" for those of test-fast
coverage: system
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(XDIST) $(ARGS); \
		status=$$?; $(BIN)/coverage combine -q && $(BIN)/coverage report; exit $$status

## check          ruff and mypy
check: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

## bench          the figures of assets/handbook/measurements.md   ARGS names which
bench: system
	@exec $(BIN)/python -m tests.bench $(ARGS)

## faults         makes each fault (the server killed, the disk full, floods, strangers, ...)
##                against a real server and says what held   ARGS names which
faults: system
	@exec $(BIN)/python -m tests.faults $(ARGS)

## bundled-model  train the bundled model's adapter anew; on two cores this takes hours
bundled-model: environment
	@exec nice -n 19 $(BIN)/python -m finetune.bundled make $(ARGS)

## eval-bundled   the scores of the bundled model on its held-out requests
eval-bundled: environment
	@exec nice -n 19 $(BIN)/python -m finetune.bundled evaluate $(ARGS)

## setup          the set-up alone; asks apt again for what was missing
setup: environment
	@scripts/setup.sh system again
	@echo "Ready: make run"

## clean          remove what checks and tests left behind (rm -rf .venv to begin anew)
clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/e2e/shots .coverage .coverage.*
	find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +

## help           this list
help:
	@sed -n -e 's/^##  /        /p' -e t -e 's/^## /  make /p' Makefile
	@echo
	@echo 'ARGS is passed on, as in  make run ARGS="--server.port 9000 --server.address 0.0.0.0"'
	@echo 'PYTHON chooses the interpreter of a new .venv.'

environment:
	@scripts/setup.sh environment

system: environment
	@scripts/setup.sh system
