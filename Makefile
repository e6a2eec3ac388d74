# Each target sets up .venv by itself; all that is needed is Python 3.11 or newer, make and git.
PYTHON ?= python3
VENV := .venv
# A file of versions for pip, such as .github/oldest.py prints
CONSTRAINTS ?=
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help run test lint format export drift lab notebooks docs preview benchmark mutants wheel clean

help:
	@echo "make run        train the default recipe on Fashion-MNIST, into runs/"
	@echo "make lab        JupyterLab on the notebooks"
	@echo "make export     after an edit: write vae_nb/ and README.md from the notebooks"
	@echo "make format     tidy notebooks and scripts with ruff, then export"
	@echo "make lint       what can be checked without running anything: style and types"
	@echo "make test       all checks: lint, drift, notebooks, tests/"
	@echo "make notebooks  run every notebook from top to bottom and save what it shows"
	@echo "make docs       build the site into _docs/html; open index.html there, it needs no server"
	@echo "make preview    the site in a browser, built again when a notebook is saved"
	@echo "make benchmark  every measurement of benchmarks/, in small, to see that it works"
	@echo "make mutants    break the library a line at a time: does a check notice each? half an hour"
	@echo "make wheel      build dist/*.tar.gz, and dist/*.whl from it"
	@echo "make clean      remove the environment and all that was built"

$(VENV)/ready: settings.ini setup.py nbs/_jupyter/ipython_kernel_config.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "vae_nb needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), a few minutes the first time"
	$(BIN)/pip install --quiet --config-settings editable_mode=compat $(CONSTRAINTS:%=--constraint %) -e ".[dev]"
	@mkdir -p $(VENV)/etc/ipython && cp nbs/_jupyter/ipython_kernel_config.py $(VENV)/etc/ipython
	@touch $@

run: $(VENV)/ready
	$(BIN)/vae_nb train

# Types are checked with the newest versions only.
test: $(VENV)/ready $(if $(CONSTRAINTS),,lint) drift
	$(BIN)/nbdev_test --n_workers 2 --timing
	$(BIN)/pytest -q -n 2 --dist loadscope tests

# ruff and mypy; their settings are in pyproject.toml.
lint: $(VENV)/ready
	$(BIN)/python nbs/lint.py

format: $(VENV)/ready
	$(BIN)/ruff check --quiet --fix-only
	$(BIN)/ruff format
	$(MAKE) export

export: $(VENV)/ready
	$(BIN)/python nbs/export.py

# What the notebooks say and what is exported, cleaned and written from them must be the same.
drift: $(VENV)/ready
	$(BIN)/python tests/drift.py

# Notebooks open as saved and are saved clean; git merges them cell by cell.
lab: $(VENV)/ready
	-@git config merge.nbdev-merge.driver "$(BIN)/nbdev_merge %O %A %B %P"
	JUPYTER_CONFIG_PATH=$(CURDIR)/nbs/_jupyter:$$JUPYTER_CONFIG_PATH $(BIN)/jupyter lab --notebook-dir nbs

notebooks: export
	$(BIN)/python nbs/run.py
	$(MAKE) export

SPHINX := nbs _docs/html -d _docs/doctrees -n

docs: $(VENV)/ready
	$(BIN)/sphinx-build $(SPHINX) --fresh-env --fail-on-warning --keep-going --quiet
	@echo "built: _docs/html/index.html"

preview: $(VENV)/ready
	$(BIN)/sphinx-autobuild $(SPHINX) --open-browser --watch vae_nb --watch CHANGELOG.md --ignore '*/.ipynb_checkpoints/*'

benchmark: $(VENV)/ready
	$(BIN)/python benchmarks/all.py --quick

mutants: $(VENV)/ready
	$(BIN)/python tests/mutants.py

wheel: $(VENV)/ready
	rm -rf dist
	$(BIN)/python -c 'from setuptools.build_meta import build_sdist; build_sdist("dist")' >/dev/null
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist dist/*.tar.gz

clean:
	rm -rf $(VENV) build dist _docs nbs/commands nbs/modules *.egg-info
