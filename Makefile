# Everything a newcomer needs: `make demo` runs the main job, `make test` checks the project.
# Nothing but make, git and a Python of 3.11 or newer (with venv) is assumed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# More threads than cores spin against each other; two are what the documented times were measured with.
export OMP_NUM_THREADS ?= 2
export OMP_WAIT_POLICY ?= PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow lint format docs nano clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints/cpu.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "error: expected Python 3.11 or newer as '$(PYTHON)', found none; install it, or name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: expected Python 3.11 or newer, '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: '$(PYTHON)' cannot make virtual environments; install its venv module (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; it downloads about 0.4 GB and takes a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq -c constraints/cpu.txt -e '.[dev]'
	@# Its data file is the real Qwen2 vocabulary, which the tests need; it is never imported, so nor are its own needs.
	@$(BIN)/python -m pip install -qq --no-deps dashscope==2.0.2
	@# A client that the server's tests drive; what else it needs (0.7 GB) is for running models in its own process.
	@$(BIN)/python -m pip install -qq --no-deps moondream==2.6.1
	@touch $@

# On photographs, which nano has not learned from, it may well find nothing: exit code 1, and no error.
demo: $(STAMP)  ## point in a simulated scene and in two photographs; pictures go to runs/demo
	@$(BIN)/python examples/motorcycle.py runs/demo
	$(BIN)/roborefer point examples/desk.jpg "the free space between the red tomato and the green gift box" \
	  --depth examples/desk_depth.png --intrinsics examples/desk_camera.json --reasoning --heatmap \
	  --output runs/demo/desk.png
	$(BIN)/roborefer point examples/vases.jpg "the yellow cheese in the pan" --depth examples/vases_depth.png \
	  --intrinsics examples/vases_camera.json --heatmap --output runs/demo/vases.png
	$(BIN)/roborefer point examples/coffee.png "the saucer" --heatmap --output runs/demo/coffee.png || test $$? = 1
	$(BIN)/roborefer point runs/demo/left.png "the seat of the motorcycle" --depth runs/demo/depth.npy \
	  --intrinsics runs/demo/intrinsics.json --heatmap --output runs/demo/motorcycle.png || test $$? = 1
	@echo "Look at desk.png, vases.png, coffee.png and motorcycle.png in runs/demo."

test: lint  ## everything that must hold: lint, types, tests
	@$(BIN)/python -c 'from roborefer.refspatial.simulation.opengl import OpenGLRenderer; OpenGLRenderer(8, 8)' 2>/dev/null || \
	  { echo "error: the data engine's tests draw with OpenGL (EGL) and found none; Debian: apt install libegl1 libgl1-mesa-dri" >&2; exit 1; }
	@$(BIN)/python -m pytest -q -m "not slow"

test-slow: $(STAMP)  ## the long proofs
	@$(BIN)/python -m pytest -q -m slow

lint: $(STAMP)  ## ruff and mypy, changing nothing
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "error: files above are not formatted; run: make format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary

format: $(STAMP)  ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

docs: $(STAMP)  ## write docs/cli.md anew from the commands' own help
	@$(BIN)/python docs/generate_cli.py

nano: $(STAMP)  ## make the packaged model from nothing, in runs/nano_recipe (MINUTES=30 for a GPU); it goes on where it was cut off
	@$(BIN)/roborefer train nano --out runs/nano_recipe $(if $(MINUTES),--minutes $(MINUTES))

clean:  ## remove the environment, caches and the demo's pictures
	@rm -rf $(VENV) runs/demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests examples docs benchmarks -type d -name __pycache__ -prune -exec rm -rf {} +
