# `make` alone says what there is. What the targets do is in scripts/, which needs nothing but Python.

PORT ?= 8000
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do command -v $$name && break; done)
SETUP = $(or $(PYTHON),$(error FOCYS needs Python 3.11 or newer, and there is no python3 here: please install it)) scripts/setup.py
OURS = .venv/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test check e2e bench format lock audit sbom schema schema-check clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set everything up, then serve FOCYS with demo accounts on localhost (PORT=8000)
	@$(SETUP) run --port '$(PORT)'
	@exec .venv/bin/focys serve --demo --port '$(PORT)'

dev: ## Serve API and pages with reload on save (ports 8000 and 5173)
	@$(SETUP) dev --port 8000 --port 5173
	@exec $(OURS) scripts/dev.py

test: ## Check everything: style, types, rules, tests on SQLite and PostgreSQL, browser journeys
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py test

check: ## Check the fast part of it, in under a minute
	@$(SETUP) dev
	@exec $(OURS) scripts/verify.py check

e2e: ## Walk the browser journeys only (ARGS='-g lockout --headed')
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py e2e $(ARGS)

bench: ## Measure what matters, side by side with the bare parts
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py bench $(ARGS)

format: ## Put all code in shape
	@$(SETUP) dev
	@exec $(OURS) scripts/verify.py format

lock: ## Write the lock files anew (ARGS=--upgrade takes newer versions)
	@$(SETUP) dev
	@exec $(OURS) scripts/lock.py write $(ARGS)

audit: ## Ask whether what the locks pin has known vulnerabilities
	@$(SETUP) dev
	@exec $(OURS) scripts/audit.py

sbom: ## Write what is deployed to focys.cdx.json (CycloneDX)
	@$(SETUP) dev
	@exec $(OURS) scripts/sbom.py

schema: ## Write the pages' API types anew from the app
	@$(SETUP) dev
	@exec $(OURS) scripts/schema.py write

schema-check: ## Fail if the pages' API types differ from the app
	@$(SETUP) dev
	@exec $(OURS) scripts/schema.py check

clean: ## Remove what make made; your database stays
	rm -rf .venv frontend/node_modules frontend/dist frontend/test-results frontend/playwright-report
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf backend/.mypy_cache backend/.ruff_cache backend/.import_linter_cache backend/.hypothesis .ruff_cache scripts/.mypy_cache scripts/.ruff_cache
