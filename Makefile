# Each target sets up .venv by itself; all that is needed is Python 3.11 or newer, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help run test drift lab notebooks readme docs preview benchmark wheel clean

help:
	@echo "make run        train the default recipe on Fashion-MNIST, into runs/"
	@echo "make test       all checks: drift, notebooks, tests/"
	@echo "make lab        JupyterLab, with nbdev's git hooks installed"
	@echo "make notebooks  run every notebook from top to bottom and save what it shows"
	@echo "make readme     write README.md from nbs/index.ipynb"
	@echo "make docs       build the site into _docs/html; open index.html there, it needs no server"
	@echo "make preview    the site in a browser, built again when a notebook is saved"
	@echo "make benchmark  every measurement of benchmarks/, in small, to see that it works"
	@echo "make wheel      build dist/*.whl"

$(VENV)/ready: settings.ini setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "vae_nb needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), a few minutes the first time"
	$(BIN)/pip install --quiet --config-settings editable_mode=compat -e ".[dev]"
	@touch $@

run: $(VENV)/ready
	$(BIN)/vae_nb train

test: $(VENV)/ready drift
	$(BIN)/nbdev_test --n_workers 2 --timing
	$(BIN)/pytest -q tests

# What the notebooks say and what is exported, cleaned and written from them must be the same.
drift: $(VENV)/ready
	$(BIN)/python tests/drift.py

lab: $(VENV)/ready
	$(BIN)/nbdev_install_hooks
	$(BIN)/jupyter lab --notebook-dir nbs

notebooks: $(VENV)/ready
	$(BIN)/nbdev_export
	$(BIN)/python nbs/run.py
	$(BIN)/nbdev_clean
	$(MAKE) readme

readme: $(VENV)/ready
	$(BIN)/python nbs/readme.py

SPHINX := nbs _docs/html -d _docs/doctrees -n

docs: $(VENV)/ready
	$(BIN)/sphinx-build $(SPHINX) --fresh-env --fail-on-warning --keep-going --quiet
	@echo "built: _docs/html/index.html"

preview: $(VENV)/ready
	$(BIN)/sphinx-autobuild $(SPHINX) --open-browser --watch vae_nb --watch CHANGELOG.md --ignore '*/.ipynb_checkpoints/*'

benchmark: $(VENV)/ready
	$(BIN)/python benchmarks/all.py --quick

wheel: $(VENV)/ready
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist _docs *.egg-info
