# `make report` and `make test` do all the set-up. GNU make 3.81, the one of macOS, is enough.

# The first of these that is new enough is used.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
# The run that `make report` makes, and the folder of the report.
RUN ?= runs/report-run
REPORT ?= runs/report
EMERGENCE_ARGS ?= --attr color shape material
PYTEST_ARGS ?=
# `make lock LOCK_ARGS=--upgrade` moves every version to the newest within pyproject's ranges.
LOCK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# Python compiles a module when it is first imported. Pip would compile all of them, and most are
# never imported: that is half of its time.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile \
  --constraint requirements.lock
TEX_PACKAGES := texlive-latex-recommended texlive-fonts-recommended latexmk
RAY_TESTS := tests/probes/residuals/test_ray_engine.py
BENCHMARKS = $(wildcard tests/*/bench_*.py tests/*/*/bench_*.py)

# pyright comes whole from PyPI; without this it asks there for a newer one at every run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: report report-anew tex emergence browser test lint types layers format bench validate hostile lock clean

# With nothing changed this is a look at the files; every study has a memory of its own, too.
report: $(VENV)/installed
	@$(BIN)/python -m paper.build $(RUN) --out $(REPORT) --check --complete 2>/dev/null || \
	  $(MAKE) --no-print-directory report-anew

# The bundled model is so small that a second thread gains little; studies that do not need each
# other are run side by side instead, and TeX is installed beside them.
report-anew: export OMP_NUM_THREADS ?= 1
report-anew: $(VENV)/installed
	$(BIN)/python -m paper.stages --run $(RUN) --out $(REPORT) \
	  --tex '$(MAKE) --no-print-directory tex'

# For the PDF only: without TeX, and without the right to install it, the page is made all the same.
tex:
	@if command -v latexmk && kpsewhich mathptmx.sty booktabs.sty natbib.sty; then exit; fi \
	  >/dev/null; \
	become=; [ "$$(id -u)" = 0 ] || become='sudo -n'; \
	export DEBIAN_FRONTEND=noninteractive; \
	if command -v apt-get >/dev/null && $$become true 2>/dev/null && \
	  $$become apt-get update -qq && \
	  $$become apt-get install -qq -y --no-install-recommends $(TEX_PACKAGES); then exit; fi; \
	echo "no TeX, so no PDF: install it with apt-get install --no-install-recommends" \
	  "$(TEX_PACKAGES) (Debian, Ubuntu), brew install --cask mactex-no-gui (macOS), or TeX Live"

emergence: $(VENV)/installed
	$(BIN)/python -m analysis.emergence $(EMERGENCE_ARGS)

# For the tests of the page of analysis.explore only, which are left out without one.
browser:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then exit; fi \
	  >/dev/null; \
	export DEBIAN_FRONTEND=noninteractive; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  apt-get install -qq -y --no-install-recommends chromium; then exit; fi; \
	echo "no browser, so its tests are left out: install one with apt-get install chromium" \
	  "(Debian), or brew install --cask google-chrome (macOS), so that it is in the PATH"

# A process per core, each with one thread; a file's tests share what they have set up. Ray, which
# starts processes of its own and gives up on what is slow, is tested alone.
test: export OMP_NUM_THREADS ?= 1
test: $(VENV)/installed-test browser
	$(BIN)/python -m pytest $(RAY_TESTS)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
	  $(addprefix --ignore ,$(RAY_TESTS)) $(PYTEST_ARGS)

lint: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-test
	$(BIN)/pyright

layers: $(VENV)/installed-test
	$(BIN)/lint-imports --no-logo

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/installed-test
	set -e; for benchmark in $(BENCHMARKS); do PYTHONPATH=. $(BIN)/python $$benchmark; done

# Simulates every claim of the statistics: minutes.
validate: $(VENV)/installed
	$(BIN)/python -m analysis.validate

# Kills, flipped bits, two commands at once and damaged inputs: an hour or two.
hostile: $(VENV)/installed-test
	set -e; for script in kills flips together fuzz; do \
	  PYTHONPATH=. $(BIN)/python tests/hostile/$$script.py; done

# The packages that torch asks for on Linux with CUDA are left to torch: a machine with a CPU
# build needs none of them.
lock: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	cp requirements.lock $(VENV)/lock
	$(BIN)/uv pip compile --quiet --universal --all-extras --fork-strategy fewest --no-annotate \
	  --no-header $(LOCK_ARGS) --output-file $(VENV)/lock pyproject.toml
	{ echo '# Written by `make lock` for Linux and macOS.'; \
	  grep -vE '^(nvidia-|cuda-|triton=)' $(VENV)/lock; } > requirements.lock

# Caches and the environment. What studies produced, under runs/, is never touched.
clean:
	rm -rf $(VENV) onset.egg-info .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +

# torch goes first and alone: it is most of the download, and what the others ask of it, any
# torch, is then there. It brings setuptools, with which the project itself is put in place.
$(VENV)/installed: pyproject.toml requirements.lock | $(BIN)/python
	$(INSTALL) torch setuptools
	$(INSTALL) --no-build-isolation --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(INSTALL) --no-build-isolation --editable '.[test,render,ray,quantize,page]'
	touch $@

$(BIN)/python:
	@for python in $(PYTHON); do \
	  $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	    echo "$$python -m venv $(VENV)" && exec $$python -m venv --clear $(VENV); \
	done; \
	echo "no Python 3.11 or newer with venv found: install one (Debian, Ubuntu: apt-get install" \
	  "python3 python3-venv; macOS: brew install python@3.13) or name yours: make PYTHON=..." >&2; \
	exit 2
