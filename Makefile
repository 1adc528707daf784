# `make help` lists what there is. Everything is built with Go alone; clang is
# needed only to rebuild the BPF objects, which are committed.

export PATH := $(PATH):/usr/local/go/bin
SHELL := /bin/bash -o pipefail

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/bobwatch
GOLANGCI_LINT := $(CACHE)/tools/golangci-lint-v2.15.0/golangci-lint
GOFUMPT := $(CACHE)/tools/gofumpt-v0.12.0/gofumpt

# grpcnotrace keeps html/template, and with it every exported method, out of
# the binary.
TAGS := grpcnotrace
GOBUILD := CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '-s -w -X main.version=$(VERSION)'

# Packages whose tests load BPF programs, start containers or change the network.
# They run one after another, each wants the machine for itself, and those that
# need Kubernetes come last: it may still be built. Their results depend on more
# than their files, so none comes from go's cache.
KERNEL := ./internal/sensor/... ./internal/testenv ./internal/workload ./internal/observe ./internal/agent/... ./internal/export ./internal/kubernetes
E2E := ./bench ./test/workloads ./test/trial ./test/e2e ./test/silence ./test/record ./test/monitoring ./test/alerting ./test/release ./test/kubernetes
# Virtual machines: emulated, so that the machine's own kernel has no part in it.
VM := ./test/vm
UNIT = $(filter-out $(shell go list $(KERNEL) $(E2E) $(VM)) bobwatch/test/vm/smoke,$(shell go list ./...))

# Packages with goroutines, in the code or in its tests, run with the race
# detector. It needs a C compiler, which `make test` installs. It makes learning
# from a hostile container take half an hour, so the learner runs without.
CONCURRENT = $(sort $(dir $(shell grep -rlE '^\s*go [a-zA-Z]|\.Go[^a-zA-Z]|errgroup' --include='*.go' cmd internal deploy docs test)))
RACED = $(filter-out bobwatch/internal/learner,$(filter $(CONCURRENT:%/=bobwatch/%),$(1)))
RACE := $$(command -v gcc >/dev/null && echo -race)
COVER := -cover -coverprofile bin/coverage

GOTEST := go test -tags $(TAGS) -timeout 45m -json
RUN_UNIT = { $(GOTEST) $(RACE) $(COVER)/concurrent.out $(call RACED,$(UNIT)); \
	$(GOTEST) $(COVER)/unit.out $(filter-out $(call RACED,$(UNIT)),$(UNIT)); }
RUN_KERNEL = $(GOTEST) -count=1 -p 1 $(RACE) $(COVER)/kernel.out $(KERNEL)
RUN_E2E = $(GOTEST) -count=1 -p 1 $(E2E)
RUN_VM = $(GOTEST) -count=1 -timeout 80m $(VM)
SUMMARY := bin/summary

.PHONY: help build generate demo screens test test-unit test-kernel test-e2e test-vm summary cluster-up cluster-load cluster-down bench silence soak redteam fuzz lint fmt image report-picture release clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/agent and bin/bobctl, static and stripped
	@$(GOBUILD) -o bin/agent ./cmd/agent
	@$(GOBUILD) -o bin/bobctl ./cmd/bobctl

generate: ## Rebuild all generated files (needs clang-19)
	go generate ./...
	test/tools/manifests.sh

demo: ## Learn a real web application in a container, then attack it (needs root)
	@[ "$$(id -u)" -eq 0 ] || { echo 'make demo loads BPF programs and starts containers: run it as root' >&2; exit 1; }
	@test/tools/install.sh demo
	@$(MAKE) --no-print-directory build
	@go build -o bin/demo ./test/demo
	@exec bin/demo

screens: ## Draw the pictures of a terminal in docs/screens (needs root; with KUBECONFIG, of a cluster too)
	@test/tools/install.sh screens
	@$(MAKE) --no-print-directory build
	@go run ./test/tools/screens

# Root is promised that every test runs, and everybody that tools are built for it.
test: export BOBWATCH_PROMISED := $(shell [ "$$(id -u)" -eq 0 ] && echo make)
test: export BOBWATCH_BUILD_TOOLS := make
test: summary ## Run everything that CI runs (needs root; installs what is missing)
	@test/tools/install.sh test
	@test/tools/background.sh bin/background.log &
	@$(SUMMARY) -profiles bin/coverage \
		<({ renice -n 10 $$BASHPID >/dev/null; test/tools/checks.sh; $(RUN_UNIT); } 2>&1) \
		<(nice -n 5 $(RUN_VM) 2>&1) \
		<({ $(RUN_KERNEL); $(RUN_E2E); } 2>&1)

test-unit: summary ## Run the tests that need neither root nor a kernel
	@$(SUMMARY) <($(RUN_UNIT) 2>&1)

test-kernel: summary ## Run the tests that load BPF programs (need root and BTF)
	@$(SUMMARY) <($(RUN_KERNEL) 2>&1)

test-e2e: summary build ## Run the agent against real containers (needs root)
	@$(SUMMARY) <($(RUN_E2E) 2>&1)

test-vm: summary ## Run the sensor's tests on other kernels, in virtual machines
	@$(SUMMARY) <($(RUN_VM) 2>&1)

summary:
	@rm -rf bin/coverage && mkdir -p bin/coverage
	@go build -o $(SUMMARY) ./test/tools/summary

NODES ?= 1
cluster-up: ## Bring up a real Kubernetes of NODES nodes with the agent loaded (needs root)
	@[ "$$(id -u)" -eq 0 ] || { echo 'make cluster-up makes namespaces and cgroups: run it as root' >&2; exit 1; }
	@test/tools/install.sh cluster
	@programs=$$(test/tools/kubernetes.sh) && go run ./test/cluster/local up $(NODES) $$programs

cluster-load: ## Build the agent and load it into the cluster as localhost/bobwatch:test
	@go run ./test/cluster/local load

cluster-down: ## Take it down
	@go run ./test/cluster/local down

bench: ## Measure what bobwatch costs, beside empty programs on the same hooks
	@go run ./bench

silence: ## Learn 40 real services, use them otherwise, and list the alerts (needs root)
	@test/tools/install.sh demo
	@go run ./test/silence/measure

soak: build ## Run the long forms of the end-to-end tests
	@BOBWATCH_SOAK=1 go test -tags $(TAGS) -timeout 2h -v -run 'TestCompleteness|TestSilence|TestChurn|TestKills' ./test/e2e

redteam: build ## Attack a real container in every way we know, and write docs/red-team.md (needs root)
	@go test -count=1 -run '^TestRedTeamPage$$' ./test/e2e -update-page
	@go test -count=1 -tags $(TAGS) -v -run '^(TestAttacks|TestEvasions|TestExecFromOutside|TestHostile.*|TestFloodSums)$$' ./test/e2e

FUZZTIME ?= 30s
fuzz: ## Fuzz everything that parses foreign bytes, FUZZTIME each
	@for package in $$(go list ./...); do \
		for name in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

lint: ## Check style, imports and formatting
	@test/tools/install.sh lint
	@go vet -tags $(TAGS) ./...
	@$(GOLANGCI_LINT) run --build-tags $(TAGS) ./...
	@clang-format-19 --dry-run -Werror $$(git ls-files '*.bpf.c' 'bpf/*.h')

fmt: ## Format Go and C
	@test/tools/install.sh lint
	@$(GOFUMPT) -w $$(git ls-files '*.go' | grep -v _bpfel.go)
	@clang-format-19 -i $$(git ls-files '*.bpf.c' 'bpf/*.h')

image: ## Build the container image with docker or buildah
	@test/tools/image.sh $(VERSION)

RELEASE ?= 0.1.0
release: ## Build release RELEASE into dist, signed with KEY; see docs/release.md
	@go mod download
	@go run ./deploy/release -version '$(RELEASE)' -out dist -key '$(KEY)'

report-picture: ## Make docs/report.png and docs/incident.png again (needs root)
	@test/tools/install.sh test
	@test/tools/report.sh

clean: ## Remove what was built
	rm -rf bin
