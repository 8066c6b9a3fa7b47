# Everything a newcomer or a contributor needs is one command here. The set-up itself is in tools/setup.sh.
# Paths are relative and variables reach the shell through the environment, so that spaces in them do no harm.

PYTHON ?=
PHOTOS ?=
OUT ?=
ONLY ?=
QUICK ?=
LARGE ?=
BENCH ?=
N ?= 2
export PYTHON PHOTOS OUT ONLY QUICK LARGE BENCH N

PY := .venv/bin/python
SETUP := @sh tools/setup.sh
COVERAGE ?=
COVERAGE_FLOOR := 85
# One process of tests a core (tests/conftest.py says which tests stay together).
export PYTEST_WORKERS := -n auto

# The tests see the installed package, never the folder pyface/ of the checkout, which has no compiled module.
export PYTHONSAFEPATH := 1
# Matplotlib would make a folder in the user's home.
export MPLCONFIGDIR ?= $(CURDIR)/.venv/matplotlib

.PHONY: help demo test test-busy peers dev lint format types bench wheel asan tsan arm64 clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile
	@echo "Python 3.11 or newer is needed; PYTHON=python3.12 names another one than python3."

demo: ## cluster sample photos, or yours: make demo PHOTOS="~/My Pictures" [OUT=folder]
	@sh tools/demo.sh check
	$(SETUP) package models demo
	@sh tools/demo.sh run

test test-busy peers: export PYFACE_CACHE := $(CURDIR)/.venv/cache
# Threads of NumPy and scikit-learn beside as many processes wait for each other: a seventh of the processor time.
test test-busy: export OMP_NUM_THREADS := 1
test test-busy: export OPENBLAS_NUM_THREADS := 1

test: ## run the whole test suite: make test [COVERAGE=1]
	$(SETUP) package models test dlib review graph dask
	@$(PY) -m pytest $(PYTEST_WORKERS) \
		$(if $(COVERAGE),--cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR))

test-busy: ## the tests N times while all cores are busy: make test-busy [N=2] [ONLY="tests/cli"]
	$(SETUP) package models test dlib review graph dask
	@sh tools/test_busy.sh

peers: ## the tests of scikit-learn and SciPy, run on pyface: make peers [ONLY="dbscan"]
	$(SETUP) package models test
	@PYTHONPATH=tools $(PY) -m peers $(if $(ONLY),-k "$$ONLY")

dev: ## editable build in .venv; again after a change in csrc/
	$(SETUP) editable models dlib review graph dask test lint bench dev
	@echo "Ready: Python edits are live; after a change in csrc/ run 'make dev' again. Tests: .venv/bin/python -m pytest"

lint: ## ruff check and format --check
	$(SETUP) tools lint
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: ## let ruff put the Python files in order
	$(SETUP) tools lint
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: ## mypy, strict
	$(SETUP) tools core models dlib review graph dask test lint
	@$(PY) -m mypy

bench: ## the benchmarks, beside their competitors: make bench [ONLY="engine"] [QUICK=1] [LARGE=200000]
	$(SETUP) package models dlib test bench
	@sh tools/bench.sh

wheel: ## sdist and wheel into dist/, the wheel tested where no compiler is
	$(SETUP) tools build
	@sh tools/wheel.sh

asan: ## kernel tests under AddressSanitizer and UBSan (Linux): make asan [ONLY="tests/geometry"]
	$(SETUP) tools build core models dlib review test dev
	@sh tools/asan.sh

tsan: ## the engine without Python under ThreadSanitizer (Linux, macOS)
	$(SETUP) tools dev
	@sh tools/tsan.sh

arm64: ## the kernels without Python for arm64, in an emulator (Linux) or on such a machine
	@sh tools/arm64.sh check
	$(SETUP) tools dev
	@sh tools/arm64.sh run

clean: ## remove everything that these commands have made: .venv, build, dist, demo, caches
	@rm -rf .venv build dist demo wheelhouse bench/results .coverage .coverage.* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	@find bench examples pyface tests tools -type d -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
