# OVZPanel. `make` lists what there is.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
MANAGE := $(PY) manage.py
# Tests wait more than they compute; more than four labs at once would only disturb each other.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores > 4 ? 4 : cores)))
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: ## install everything the project needs (Debian or Ubuntu, as root)
	@bash scripts/setup.sh

demo: setup ## panel, worker and lab; stays up until Ctrl-C
	@$(PY) -m lab.demo

proof: setup ## move containers under load and prove that nothing was lost
	@$(PY) -m lab.proof

lab: setup ## only the lab
	@$(PY) -m lab up

lab-down: ## take the lab down
	@$(PY) -m lab down

run: setup ## the web pages alone, for development
	@$(MANAGE) migrate && $(MANAGE) runserver

work: setup ## the worker alone
	@$(MANAGE) work

test: setup ## every test: unit, gate, lab, browser, SQLite and PostgreSQL
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: setup ## format and lint: Python, templates, shell
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/djlint --check --lint --quiet templates
	@git ls-files '*.sh' 'gate/*' '.ci/run' | xargs -r grep -lE '^#!.*(sh|bash)$$' | xargs -r $(VENV)/bin/shellcheck -x

types: setup ## mypy, strict
	@$(VENV)/bin/mypy

layers: setup ## the import law
	@$(VENV)/bin/lint-imports

deploy-check: setup ## what Django says of the settings of a real deployment
	@OVZ_DEPLOY_CHECK=1 SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))') ALLOWED_HOSTS=panel.example.net \
		$(MANAGE) check --deploy --fail-level WARNING
	@$(MANAGE) makemigrations --check --dry-run

check: lint types layers deploy-check test ## all of the above; what CI runs

bench: setup ## every benchmark
	@set -e; for b in bench/bench_*.py; do $(PY) -m bench.$$(basename $$b .py); done

bench-%: setup ## one benchmark: make bench-orchestration
	@$(PY) -m bench.bench_$*

.PHONY: help setup demo proof lab lab-down run work test lint types layers deploy-check check bench
