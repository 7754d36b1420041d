# Every target makes .venv with what it needs when that is missing or out of date.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
# More than the cores of a small machine: a third of the tests wait for processes and clocks.
WORKERS ?= 4
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: run test check bench lock clean help
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## open the workstation on the practice exchange (ARGS="--seed 7 ...")
	@$(BIN)/kalshi-tui run $(ARGS) || { code=$$?; case $$code in \
		5) echo "The desk was stopped by risk or kill (exit code 5 of the command)." >&2;; \
		130|143) ;; \
		*) exit $$code;; esac; }

test: $(VENV)/.dev ## run the tests (ARGS="-k book")
	@$(PYTEST) $(ARGS)

check: $(VENV)/.dev ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/ruff check src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) $(ARGS)

bench: $(VENV)/.dev ## measure, as ratios taken in one run (peers get an environment of their own)
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## resolve the dependencies again, with hashes and without naming an index
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate -o requirements/run.txt pyproject.toml requirements/build.in -q
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --extra dev -o requirements/dev.txt pyproject.toml requirements/build.in -q

clean: ## remove what the other targets made
	rm -rf $(VENV) .bench-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "kalshi-tui needs Python 3.11 or newer on the PATH; none was found." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The stamps: installed again when the lock or the project's metadata is newer than the last install.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "setting up .venv (about a minute, once)" >&2
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@
