# `make demo` on a fresh machine needs Python 3.11 or newer, git and make; everything else is set up below .venv and .tools.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test lint bench soak clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup: ## everything that is needed, into .venv and .tools; repeated safely
	@$(PYTHON) tools/bootstrap.py

demo: setup ## the shop's scenarios: real services, real faults, a report
	@$(BIN)/chaoskit demo

test: setup lint ## lint, types, layers, then all tests
	@mkdir -p reports
	@$(BIN)/pytest -n 2 -q -m "not soak and not alone" --junitxml=reports/tests.xml
	@$(BIN)/pytest -q -m "alone and not soak" --junitxml=reports/tests-alone.xml

lint: setup ## ruff, mypy strict, the layers of the architecture
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## all figures, side by side with what we measure against, into docs/benchmarks.md
	@$(PYTHON) tools/bootstrap.py --peers
	@$(BIN)/python -m tests.bench

soak: setup ## the long tests that `make test` leaves out, and the long figures, into docs/soak.md
	@$(BIN)/pytest -q -m soak
	@$(BIN)/python -m tests.soak

clean: ## remove all that set-up made, and the caches
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
