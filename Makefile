# What a newcomer types. Each target makes its own virtual environment first, once.
#
#   make demo                     a small company, its plan, its run, its verified ledger
#   make docs                     these pages as a site, in build/site
#   make test PYTHON=python3.12   with another Python; the environment is made anew for it

.POSIX:
.SUFFIXES:

PYTHON  = python3
VENV    = .venv
WORKERS = auto
COUNT   = 100000

BIN   = $(VENV)/bin
RUNS  = $(VENV)/ready-to-run
READY = $(VENV)/ready

help:
	@echo "make demo    build a small company in demo/ and show plan, run and verification"
	@echo "make test    run the tests, but for the heavy ones"
	@echo "make lint    ruff, formatting, mypy"
	@echo "make faults  run the heavy tests: kills, races, full disks; and what takes turns: other databases, more cases"
	@echo "make oracle  hold the engine against $(COUNT) small companies (COUNT=...), on every database that answers"
	@echo "make bench   measure"
	@echo "make docs    build the documentation as a site, in build/site; a dead link is an error"
	@echo "make pictures   the picture of the terminal in README.md, taken of a real demo"
	@echo "make clean   remove what these targets made"
	@echo
	@echo "PYTHON=python3.12 picks another Python (3.11 or later); now: $(PYTHON)"

demo: $(RUNS)
	@if [ -d demo ] && [ ! -f demo/policies.toml ]; then \
		echo "demo/ is there already and is no demo; move it away first" >&2; exit 1; fi
	rm -rf demo
	$(BIN)/retention demo demo

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not heavy"

faults: $(READY)
	$(BIN)/python -m pytest -m heavy

oracle: $(READY)
	$(BIN)/python -m tests.oracles.lawyer --count $(COUNT)

bench: $(READY)
	$(BIN)/python -m bench

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/ready-for-docs
	rm -rf build/site
	$(BIN)/sphinx-build -q -E -n -W --keep-going -d build/doctrees docs build/site
	@echo "build/site/index.html"

pictures: $(READY)
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) .python-asked-for build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	if [ -f demo/policies.toml ]; then rm -rf demo; fi
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when what is to be installed changes, or the Python that is asked for.
$(RUNS): pyproject.toml constraints.txt .python-asked-for
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[postgresql,mysql]'
	touch $@

# Tests, linters and types besides, of which a demo needs nothing.
$(READY): $(RUNS)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,postgresql,mysql]'
	touch $@

$(VENV)/ready-for-docs: $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@

.python-asked-for: always
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "retention needs Python 3.11 or later, and $(PYTHON) is" \
			"$$($(PYTHON) --version 2>&1 | head -n 1); name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "$(PYTHON)" | cmp -s - $@ || echo "$(PYTHON)" > $@

always:

.PHONY: help demo test faults oracle bench lint docs pictures clean always
