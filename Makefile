# `make` lists the targets. The work is done in scripts/, which needs only Python.

PORT ?= 8000
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do command -v $$name && break; done)
SETUP = $(or $(PYTHON),$(error FOCYS needs Python 3.11 or newer, and there is no python3 here: please install it)) scripts/setup.py
OURS = .venv/bin/python

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test test-deployment check e2e bench format lock audit sbom schema schema-check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set everything up, then serve FOCYS with demo accounts on localhost (PORT=8000)
	@$(SETUP) run --port '$(PORT)'
	@exec .venv/bin/focys serve --demo --port '$(PORT)'

dev: ## Serve API and pages with reload on save (pages on port 5173, API on PORT=8000)
	@$(SETUP) dev --port '$(PORT)' --port 5173
	@exec $(OURS) scripts/dev.py --port '$(PORT)'

check: ## Check style, types, import rules and the domain, in under a minute
	@$(SETUP) dev
	@exec $(OURS) scripts/verify.py check

test: ## Check all behavior: backend, pages and browser journeys, in about seven minutes
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py test

test-deployment: ## Check the rest: deployment, faults, everything on PostgreSQL, vulnerabilities
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py test-deployment

e2e: ## Run the browser journeys only (ARGS='-g lockout --headed')
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py e2e $(ARGS)

bench: ## Run the benchmarks, beside the same work without FOCYS
	@$(SETUP) test
	@exec $(OURS) scripts/verify.py bench $(ARGS)

format: ## Format all code
	@$(SETUP) dev
	@exec $(OURS) scripts/verify.py format

lock: ## Update the lock files (ARGS=--upgrade takes newer versions)
	@$(SETUP) dev
	@exec $(OURS) scripts/lock.py write $(ARGS)

audit: ## Look for known vulnerabilities in the deployed packages
	@$(SETUP) dev
	@exec $(OURS) scripts/audit.py

sbom: ## Write the SBOM to python.cdx.json and pages.cdx.json (CycloneDX)
	@$(SETUP) dev
	PYTHONWARNINGS=ignore::UserWarning .venv/bin/cyclonedx-py requirements --index-url simple --short-PURLs --output-reproducible --pyproject backend/pyproject.toml -o python.cdx.json backend/requirements.txt
	cd frontend && npm sbom --package-lock-only --sbom-format cyclonedx --sbom-type application > ../pages.cdx.json

schema: ## Regenerate the pages' API types from the app
	@$(SETUP) dev
	@exec $(OURS) scripts/schema.py write

schema-check: ## Fail if the pages' API types differ from the app
	@$(SETUP) dev
	@exec $(OURS) scripts/schema.py check

clean: ## Remove everything that make created, but not your database
	rm -rf .venv frontend/node_modules frontend/dist frontend/dist-demo frontend/test-results frontend/playwright-report
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf backend/.mypy_cache backend/.ruff_cache backend/.import_linter_cache backend/.hypothesis .ruff_cache scripts/.mypy_cache scripts/.ruff_cache
