PYTHON_VENV = .venv/bin/python
CHECKED = energysite meters solar control dashboard tests manage.py

.DEFAULT_GOAL = help
.PHONY: help setup run test lint bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile | expand -t 14
	@echo "Settings of make run: PORT=8000 BIND=127.0.0.1 DATA_DIR=var"

setup: ## .venv, packages, assets; quick when nothing changed
	@./setup.sh

run: ## everything, from a fresh checkout to a running site; Ctrl-C stops it
	@./setup.sh
	@$(PYTHON_VENV) manage.py up

test: ## all tests
	@./setup.sh test
	@$(PYTHON_VENV) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: ## style, types, templates, missing migrations, settings
	@./setup.sh dev
	$(PYTHON_VENV) -m ruff check $(CHECKED)
	$(PYTHON_VENV) -m ruff format --check $(CHECKED)
	$(PYTHON_VENV) -m mypy $(CHECKED)
	find templates -name '*.html' -print0 | xargs -0r .venv/bin/djade --check --target-version 5.2
	DATA_DIR=.venv/setup-data $(PYTHON_VENV) manage.py makemigrations --check --dry-run
	DATA_DIR=.venv/setup-data PUBLIC_URL=https://energy.example $(PYTHON_VENV) manage.py check --deploy --fail-level WARNING

bench: ## the figures, as a table and in var/bench.json
	@./setup.sh dev
	@$(PYTHON_VENV) -m tests.benchmarks

clean: ## remove what setup made; var/ with your data stays
	rm -rf .venv node_modules staticfiles dashboard/static/build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f energysite/locale/*/LC_MESSAGES/*.mo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
