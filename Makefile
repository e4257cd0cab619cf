# make run     set everything up where needed, then serve the app on http://127.0.0.1:8501
# make test    the tests, a file a core at a time   ARGS="-k kernel" picks some, ARGS="-n 0" runs
#              one by one; browser tests need Chromium
# make check   ruff and mypy
# make bench   the figures in README        ARGS names which
# make faults  makes each fault (the server killed, the disk full, floods, strangers, ...) against a
#              real server and says what was seen, kept and held   ARGS names which
# make bundled-model  train the bundled model's adapter anew; on two cores this takes hours
# make eval-bundled   the scores of the bundled model on its held-out requests
# make setup   the set-up alone; asks apt again for what was missing
# make clean   remove what checks and tests left behind (rm -rf .venv to begin anew)
#
# The set-up makes .venv from the pinned requirements, and is done again only when they change.
# PYTHON chooses the interpreter it is made with. ARGS is passed on, as in
#   make run ARGS="--server.port 9000 --server.address 0.0.0.0"

ARGS ?=
BIN := .venv/bin

.PHONY: run test check bench faults bundled-model eval-bundled setup clean environment system
.DEFAULT_GOAL := run

run: system
	@exec $(BIN)/streamlit run app/main.py $(ARGS)

test: system
	@exec $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

bench: system
	@exec $(BIN)/python -m tests.bench $(ARGS)

faults: system
	@exec $(BIN)/python -m tests.faults $(ARGS)

bundled-model: environment
	@exec nice -n 19 $(BIN)/python -m finetune.bundled make $(ARGS)

eval-bundled: environment
	@exec nice -n 19 $(BIN)/python -m finetune.bundled evaluate $(ARGS)

check: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

environment:
	@scripts/setup.sh environment

system: environment
	@scripts/setup.sh system

setup: environment
	@scripts/setup.sh system again
	@echo "Ready: make run"

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/e2e/shots
	find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +
