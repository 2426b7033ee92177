# Every target sets up what it needs: a fresh clone, python3 (3.11 or later) and a package index are enough.
#   make demo         grade real forecasts of flight delays (examples/flights)
#   make test         all tests and doctests
#   make lint         ruff and basedpyright
#   make bench        the benchmarks;  make bench-table  prints their last results as a table
#   make docs         write docs/losses.md and the stubs of the package from the catalogue
#   make accuracy     measure every loss against arbitrary precision, into docs/accuracy.md (minutes)
#   make clean        remove .venv and everything generated

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := test
.PHONY: demo test lint bench bench-table docs accuracy clean

demo: $(INSTALLED)
	$(BIN)/python -m examples.flights

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# Both checkers run, so that one run shows everything there is to mend.
lint: $(INSTALLED)
	@status=0; \
	for check in "ruff check ." "ruff format --check ." "basedpyright"; do \
		echo "$$check"; $(BIN)/$$check || status=1; \
	done; \
	exit $$status

# NumKong is a rival and nothing else: where there is none to install, its figures are left out.
bench: $(INSTALLED)
	-@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt numkong
	$(BIN)/python -m benchmarks

bench-table: $(INSTALLED)
	$(BIN)/python -m benchmarks.table

docs: $(INSTALLED)
	$(BIN)/python -m normwise.explanation.page docs/losses.md
	$(BIN)/python -m normwise.stubs src/normwise

accuracy: $(INSTALLED)
	$(BIN)/python -m tests.catalogue.accuracy docs/accuracy.md

# The environment is made anew where it is missing or its python is gone, and brought up to date where the
# dependencies have changed since. The stamp is written last: an interrupted install is taken up again.
$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing normwise and its development tools into .venv (the first time takes a minute or more) ..."
	@$(BIN)/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
