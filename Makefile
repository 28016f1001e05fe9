# The commands of the project. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export CARGO_TERM_COLOR ?= never
VENV := .venv/bin
STAGE ?= dev
ARCHITECTURE ?= arm64

.PHONY: help run test check generate release rie fuzz sam bench deploy tools clean-state

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: ## Build and start the whole product on this machine
	@scripts/need ffmpeg
	cargo run --release --locked --quiet -p local

test: ## Everything that must pass: unit, property, end-to-end, fault and gate suites
	@scripts/need ffmpeg chromium python-tools
	@scripts/test

check: ## Formatting, lints and the gates that need no build of the functions
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@scripts/need python-tools
	@scripts/check-templates

generate: ## Write templates and the OpenAPI document from the functions' declarations
	cargo run --release --quiet -p inventory
	cargo run --release --quiet -p generate

release: ## Build every function's binary for this machine (target/release)
	@ARCHITECTURE= scripts/build-function --all

rie: release ## Let every binary answer its sample event under the Lambda Runtime Interface Emulator
	@scripts/need ffmpeg python-tools
	@scripts/rie

fuzz: release ## Let Schemathesis call every endpoint of the running product's OpenAPI document
	@scripts/need ffmpeg python-tools
	@scripts/fuzz

sam: ## Build what `sam deploy` deploys
	@scripts/need python-tools
	@ARCHITECTURE=$(ARCHITECTURE) scripts/build-function --all
	BUILT=1 SAM_CLI_TELEMETRY=0 $(VENV)/sam build --parameter-overrides Architecture=$(ARCHITECTURE)

# `sam build` calls this for each function, with ARTIFACTS_DIR set.
build-%:
	@ARCHITECTURE=$(ARCHITECTURE) scripts/build-function $* "$(ARTIFACTS_DIR)"

bench: release ## Measure cold start, memory, size and throughput beside peers; writes docs/benchmarks.md
	@scripts/need ffmpeg python-tools
	@scripts/bench

deploy: ## Deploy to AWS, guided: make deploy STAGE=dev
	@scripts/need python-tools
	@scripts/deploy $(STAGE) $(ARCHITECTURE)

clean-state: ## Forget what `make run` has stored on this machine
	rm -rf .local
