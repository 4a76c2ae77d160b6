# Nightbell. `make run` shows it, `make test` proves it, `make help` lists the rest.

GO      ?= go
BIN     := bin/nightbell
TOOL    := $(GO) tool -modfile=tools/go.mod
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Shuffled, so that no test leans on the one before it.
TESTFLAGS ?= -race -shuffle=on

.DEFAULT_GOAL := help

## run: build and start the demo: embedded SQLite, two stand-in phones, a curl to ring them (ARGS="--listen 127.0.0.1:9000")
.PHONY: run
run: build
	@$(BIN) demo $(ARGS)

## build: the static binary, in bin/
.PHONY: build
build:
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/nightbell

## test: all tests with the race detector, on SQLite and on a throw-away PostgreSQL where one is installed
.PHONY: test
test:
	@$(GO) run ./test/withpostgres $(GO) test $(TESTFLAGS) $(ARGS) ./...

## test3: what a release needs: every test three times, shuffled
.PHONY: test3
test3:
	@$(MAKE) test TESTFLAGS='-race -shuffle=on -count=3'

## chromium: a real headless Chromium subscribes, rings and is settled (needs chromium; Debian: apt-get install -y chromium)
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { echo "there is no chromium on this machine; install it (Debian: apt-get install -y chromium)"; exit 1; }
	@$(GO) test -tags chromium -count=1 -v ./test/chromium

## fuzz: each fuzz test for FUZZTIME (default 20s)
FUZZTIME ?= 20s
.PHONY: fuzz
fuzz:
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

## check: the house rules: formatting, vet, golangci-lint, generated code up to date
.PHONY: check
check: check-generated
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt these:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(GO) vet ./...
	@$(TOOL) golangci-lint run ./...

## vuln: known vulnerabilities in what we call (needs to reach vuln.go.dev, or VULNDB=file:///a/copy)
.PHONY: vuln
vuln:
	@$(TOOL) govulncheck $(if $(VULNDB),-db $(VULNDB)) ./...

## generate: the API server from openapi.yaml
.PHONY: generate
generate:
	@$(TOOL) oapi-codegen -config api/oapi.yaml openapi.yaml

.PHONY: check-generated
check-generated:
	@cp api/server.gen.go /tmp/nightbell-server.gen.go && $(MAKE) -s generate && \
	  cmp -s api/server.gen.go /tmp/nightbell-server.gen.go || { echo "openapi.yaml and api/server.gen.go differ; commit what make generate wrote"; exit 1; }

## sdk: generate SDKs from openapi.yaml with two independent generators and run them against the server (needs node)
.PHONY: sdk
sdk:
	@$(GO) test -tags sdk -count=1 -v ./test/sdk

## bench: the published figures, also to bench/out (about four minutes; both databases)
.PHONY: bench
bench:
	@mkdir -p bench/out
	@$(GO) run ./test/withpostgres $(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchtime 1x -timeout 30m ./bench | tee bench/out/corridor.txt
	@$(GO) test -run '^$$' -bench . ./push ./push/apns ./push/fcm ./push/webpush ./realtime | tee bench/out/rooms.txt

## docker: the image
.PHONY: docker
docker:
	docker build --build-arg VERSION=$(VERSION) -t nightbell:$(VERSION) .

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z0-9]*\): \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
