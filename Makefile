# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Entry points; the work is done in tools/, lab/ and guest/. A bare Debian or Ubuntu needs: apt-get install make git python3

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

SYSTEM_PATH := $(PATH)
# The environment's programs, its Go toolchain among them, come before the machine's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export GOTOOLCHAIN := local
export CGO_ENABLED := 0
export PYTHONUNBUFFERED := 1
# The tests start thousands of Python processes. Each would compile all that it imports if this were set.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18

.PHONY: setup
setup: ## create .venv and install the system packages
	@PATH="$(SYSTEM_PATH)" python3 -m tools.setup

.PHONY: demo
demo: setup ## run the playbooks in the lab, from an empty cluster to containers and back
	@python -m tools.demo

.PHONY: test
test: setup ## run lint, unit, Go, integration, Molecule and end-to-end tests
	@python -m tools.test all

.PHONY: test-unit
test-unit: setup ## run the unit and property tests
	@python -m tools.test unit

.PHONY: test-integration
test-integration: setup ## run the modules against the lab's vCenter; nothing boots
	@python -m tools.test integration

.PHONY: test-govc
test-govc: setup ## run all of govc's own tests against the lab; nothing boots
	@python -m tools.test govc -- all

.PHONY: test-clients
test-clients: setup ## run modules of other collections against the lab; nothing boots
	@python -m tools.test clients

.PHONY: test-molecule
test-molecule: setup ## run the roles' Molecule scenarios against the lab; nothing boots
	@python -m tools.test molecule

.PHONY: test-e2e
test-e2e: setup ## run containers that boot
	@python -m tools.test e2e

.PHONY: test-matrix
test-matrix: setup ## run unit and smoke tests under each supported ansible-core
	@python -m tools.test matrix

.PHONY: test-fresh
test-fresh: setup ## follow the getting-started page on bare systems [SUITE=trixie SUDO=1 TEST='lint unit' COMMAND='make demo' KEEP=1]
	@python -m tools.fresh $(addprefix --suite ,$(SUITE)) $(if $(ARCHIVE),--archive $(ARCHIVE)) $(if $(SUDO),--user) \
		$(if $(TEST),--test $(TEST)) $(if $(COMMAND),--command "$$COMMAND") $(if $(KEEP),--keep)

.PHONY: lint
lint: setup ## run all static checks, also of the built collection
	@python -m tools.lint

.PHONY: docs
docs: setup ## build the documentation site and check its links (30 s)
	@python -m tools.docs

.PHONY: format
format: setup ## format the Python and Go sources
	@python -m tools.lint --fix

.PHONY: bench
bench: setup ## run the benchmarks
	@python -m tools.bench

.PHONY: lab-up
lab-up: setup ## start the lab
	@python -m lab up

.PHONY: lab-down
lab-down: setup ## stop the lab and remove what it left
	@python -m lab down

.PHONY: lab-status
lab-status: setup ## show what runs in the lab
	@python -m lab status

.PHONY: guest
guest: setup ## build the bootstrap ISO
	@python -m guest.build

.PHONY: release
release: setup ## build the collection, the runtime package and the rest of a release into dist/
	@python -m tools.release

.PHONY: lock
lock: setup ## update the lock files
	@python -m tools.lock

.PHONY: clean
clean: ## stop the lab and remove everything built or cached
	@PATH="$(SYSTEM_PATH)" python3 -m tools.clean
