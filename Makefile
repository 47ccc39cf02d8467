# `make run` and `make test` need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Else each of the many processes that tests start would compile our sources anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run check test crash autumn fuzz midnight bi lint format bench sbom lock clean

# Tests of a module stay together, for what they share; what takes long begins first.
TESTS  := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder
PURE   := tests/contracts tests/transforms tests/documents tests/golden tests/cases tests/test_architecture.py

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "profmin needs Python 3.11 or newer; set PYTHON=")'
	@echo "preparing $(VENV) from requirements.lock (once; about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@-$(BIN)/python -m flows.service.prefect_tables
	@touch $(READY)

run: $(READY)  ## the September 2023 monitoring of Tomsk oblast, end to end
	@$(BIN)/profmin demo

check: $(READY)  ## the pure tests: contracts, transforms, documents, golden cases, architecture
	@$(TESTS) $(PURE)

test: $(READY)  ## every test that must pass; of crash points and of nights of the autumn those that fall to this commit
	@$(TESTS)

crash: $(READY)  ## every crash point; writes down with which sources they were met
	@PROFMIN_CRASH_POINTS=all $(TESTS) tests/crash
	@$(BIN)/python tests/met.py crash --met

autumn: $(READY)  ## each of the sixty nights of the autumn; writes down with which sources they were lived
	@PROFMIN_AUTUMN=all $(TESTS) -n 1 tests/flows/test_autumn.py
	@$(BIN)/python tests/met.py autumn --met

fuzz: $(READY)  ## each of the five thousand spoiled files
	@PROFMIN_FUZZ=5000 $(TESTS) tests/fuzz

midnight: $(READY)  ## what deals with days, while a day ends in local time and in the region's
	@$(BIN)/python tests/midnight.py -n auto --dist loadfile --no-loadscope-reorder tests/contracts tests/flows tests/warehouse

SUPERSET := $(VENV)/superset
bi: $(READY)  ## the bundle in a real Superset, which is installed once for it; its readers, its dashboards in a browser
	@PROFMIN_BI=$(abspath $(SUPERSET)) $(BIN)/python -m pytest -n 0 tests/bi

lint: $(READY)  ## style, types, import direction, promised names; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m contracts.versions
	@$(BIN)/python -m warehouse.marts.promised
	@$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(READY)  ## apply the style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)  ## measure against floors taken in the same run
	@$(BIN)/python -m benchmarks

sbom: $(READY)  ## what is delivered: every component with version and licence (CycloneDX)
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.cdx.json $(BIN)/python
	@echo "sbom.cdx.json"

lock: $(READY)  ## resolve requirements.lock again, ours and Superset's (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header \
	  --quiet --extra dev --output-file requirements.lock pyproject.toml requirements.build.in
	@cd deployments/superset && uv pip compile --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --quiet --output-file requirements.lock requirements.in

clean:  ## remove the virtual environment and the demo's state
	@rm -rf $(VENV) .profmin
