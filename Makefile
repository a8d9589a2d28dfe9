# Few verbs; `make help` lists them. Everything a verb needs it installs itself, on a Debian 12 with only `make`.

PYTHON ?= python3.11
VENV := .venv
IN := $(VENV)/bin/
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo check test interop bench fix lock packages

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="	" read -r verb does; do printf '  make %-9s%s\n' "$$verb" "$$does"; done

setup: $(VENV)/tools.stamp ## the virtual environment with everything for development

demo: $(VENV)/program.stamp ## the broker with its demo federation, on this machine only (ARGS=--once: one login through each kind of eID, then stop)
	$(IN)python -m broker demo $(ARGS)

check: $(VENV)/tools.stamp ## lint, types, layers and the fast tests: no server, no browser, no network
	$(IN)ruff check
	$(IN)ruff format --check
	$(IN)mypy
	$(IN)lint-imports
	$(IN)python -m pytest -q -n 2 -m "not services and not browser and not interop and not machine"

test: $(VENV)/tools.stamp packages ## every test, with real services and a real browser
	$(IN)python -m pytest -n 2 --dist loadfile -m "not machine"
	$(IN)python -m pytest -m machine

interop: $(VENV)/tools.stamp packages ## logins with Debian's Shibboleth SP and SimpleSAMLphp only
	$(IN)python -m pytest -m interop

bench: $(VENV)/tools.stamp packages ## what a login costs, with either pair of stores (ARGS="--logins 200 --rounds 1"; ARGS=--profile: where it goes)
	PYTHONPATH=tests $(IN)python -m bench $(ARGS)

fix: $(VENV)/tools.stamp ## format, and mend what lint can mend
	$(IN)ruff check --fix
	$(IN)ruff format

# Universal, so that one lock serves every Python 3.11 (Debian's 3.11.2 needs more than later ones) and later.
COMPILE := uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: $(VENV)/tools.stamp ## write the lock files anew after a change of dependencies
	$(IN)$(COMPILE) --group dev -o requirements-dev.lock
	$(IN)$(COMPILE) -c requirements-dev.lock -o requirements.lock

$(VENV)/bin/python:
	.ci/packages .ci/debian-demo.txt
	$(PYTHON) -m venv $(VENV)

# What runs the broker: nothing but its dependencies, by hash. `python -m broker` finds the program in this folder.
$(VENV)/program.stamp: requirements.lock | $(VENV)/bin/python
	$(IN)python -m pip install -q --require-hashes -r requirements.lock
	touch $@

# What develops it as well: a superset of the above, and `broker` as a command that follows the source.
$(VENV)/tools.stamp: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(IN)python -m pip install -q --require-hashes -r requirements-dev.lock
	$(IN)python -m pip install -q --no-deps --no-build-isolation -e .
	touch $(VENV)/program.stamp $@

packages:
	.ci/packages .ci/debian-demo.txt .ci/debian-test.txt
