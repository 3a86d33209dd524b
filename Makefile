# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Names for what people do; the work is in tools/, lab/ and guest/. A fresh Debian needs: apt-get install make git python3

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

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

.PHONY: setup
setup: ## the development environment in .venv and the system packages
	@PATH="$(SYSTEM_PATH)" python3 -m tools.setup

.PHONY: demo
demo: setup ## from an image in a registry to a container that answers, in the lab
	@python -m tools.demo

.PHONY: test
test: setup ## everything: lint, unit, sanity, Go, integration, end to end
	@python -m tools.test all

.PHONY: test-unit
test-unit: setup ## unit and property tests
	@python -m tools.test unit

.PHONY: test-integration
test-integration: setup ## the modules against the lab's vCenter, nothing booted
	@python -m tools.test integration

.PHONY: test-e2e
test-e2e: setup ## containers that really boot
	@python -m tools.test e2e

.PHONY: test-matrix
test-matrix: setup ## unit tests and a smoke of the modules under each supported ansible-core
	@python -m tools.test matrix

.PHONY: lint
lint: setup ## all static checks, the built collection's among them
	@python -m tools.lint

.PHONY: format
format: setup ## Python and Go source in the form that lint asks for
	@python -m tools.lint --fix

.PHONY: bench
bench: setup ## measurements beside the peers
	@python -m tools.bench

.PHONY: lab-up
lab-up: setup ## start the lab
	@python -m lab up

.PHONY: lab-down
lab-down: setup ## stop the lab, leaving nothing
	@python -m lab down

.PHONY: lab-status
lab-status: setup ## what runs in the lab
	@python -m lab status

.PHONY: guest
guest: setup ## build the bootstrap ISO
	@python -m guest.build

.PHONY: lock
lock: setup ## write the lock files anew
	@python -m tools.lock

.PHONY: clean
clean: ## remove what was built or cached (a running lab is stopped first)
	@PATH="$(SYSTEM_PATH)" python3 -m tools.clean
