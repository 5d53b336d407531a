# Thin on purpose: each target is a script in tools/, which can be run by itself.
# Build folder, arguments and places:
#   make run ARGS=--check     make install DESTDIR=/tmp/root PREFIX=/usr
#   make fuzz FUZZ_SECONDS=600
.DEFAULT_GOAL := build
.PHONY: build run test soak bench fuzz check format install gencert readcert pb deps prove clean help

PREFIX ?= /usr/local
export PREFIX DESTDIR

build: ## build everything into build/ (the default)
	@tools/build

run: ## build, start a hub and an agent here, show this machine's figures (ARGS=--check: once)
	@tools/run $(ARGS)

test: ## all unit and system tests (ARGS=--sanitize: under ASan and UBSan)
	@tools/test $(ARGS)

soak: ## the long scenarios at full length (SOAK_MINUTES=10)
	@tools/soak $(ARGS)

bench: ## measure; prints figures beside those of peers in the same run
	@tools/bench $(ARGS)

fuzz: ## run each fuzz target for FUZZ_SECONDS (60)
	@tools/fuzz $(ARGS)

check: ## formatting, linters and the checks of layers, symbols, sizes, globals, #if
	@tools/check $(ARGS)

format: ## let clang-format rewrite the sources
	@tools/check-format --fix

install: ## programs, man pages, completion, systemd units (DESTDIR, PREFIX)
	@tools/install

gencert: ## make a new certificate for the hub of `make run`
	@tools/cert new $(ARGS)

readcert: ## show the certificate of the hub of `make run`
	@tools/cert show $(ARGS)

pb: ## compile the .proto files (a plain build does it too)
	@tools/pb

deps: ## install what is missing for building and testing (ARGS: build test check fuzz bench prove)
	@tools/deps $(if $(ARGS),$(ARGS),build test)

prove: ## make run and make test in a minimal Debian 12 that has only git and make (root)
	@tools/prove-minimal $(ARGS)

clean: ## remove the build folders
	@tools/clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
