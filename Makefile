# Two commands on a fresh machine with Python 3.11, pip and make:
#   make demo    sets everything up and runs the main job on the sample exports
#   make test    sets everything up and passes formatting, lint, types and tests
# Setting up makes the folder .venv, which takes a few minutes once, and again when pyproject.toml or
# constraints.txt change. Another interpreter than python3: make PYTHON=python3.11 demo
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DELETE_ON_ERROR:
.PHONY: demo test check format docs wheel clean

demo: $(VENV)/.installed
	@$(BIN)/fedi-dataset demo --out demo-release

test: check
	@$(BIN)/pytest --quiet --numprocesses auto -m 'not large'
	@$(BIN)/python -m scripts.check_wheel

check: $(VENV)/.installed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.installed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# what the documents take from the code: the commands' help, the map of the modules, the demo's output,
# what came out of the world of canaries, how rules and rows of several responses compare
docs: $(VENV)/.installed
	@$(BIN)/python -m scripts.make_cli_docs
	@$(BIN)/python -m scripts.make_map
	@$(BIN)/python -m scripts.make_readme
	@$(BIN)/python -m scripts.canaries --write > /dev/null
	@$(BIN)/python -m scripts.compare_threading --write > /dev/null
	@$(BIN)/python -m scripts.measure_economy --write > /dev/null

# sdist and wheel, and the demo run from the wheel alone, outside this folder
wheel: $(VENV)/.installed
	@$(BIN)/python -m scripts.check_wheel

clean:
	rm -rf $(VENV) demo-release demo-release.work demo-release.samples dist build

# Written last, so that an installation that broke off is begun again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
