# make check is what CI runs.

export CGO_ENABLED = 0

GO         ?= go
BIN        := bin
STATIC     := $(or $(shell command -v $(BIN)/staticcheck),$(shell command -v staticcheck))
FUZZTIME   ?= 30s
# Packages whose code runs in several goroutines. The race detector needs cgo.
CONCURRENT := ./client ./cmd/evf ./examples/invoice/... ./internal/api ./internal/approval ./internal/erasure ./internal/gate ./internal/identity \
              ./internal/ledger ./internal/packer ./internal/recorder ./internal/server ./internal/store/... ./internal/thread \
              ./internal/vault ./internal/workflow

.PHONY: check fmt vet static test elsewhere race build demo bench fuzz clean

check: fmt vet static test elsewhere race

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	if [ -n "$$out" ]; then echo "not gofmt'd:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...

# Without staticcheck this says so and goes on, but in CI it fails.
static:
ifneq ($(STATIC),)
	$(STATIC) ./...
else
	@echo "staticcheck is not installed: $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2"
	@[ -z "$$CI" ]
endif

# docs are among them: what they quote is compiled, what they show is run.
test:
	$(GO) test -timeout 15m ./...

# bench is a module of its own: its tests hold what leaves the house against
# libraries that the product does not depend on.
elsewhere:
	cd bench && $(GO) vet ./... && $(GO) test -timeout 15m ./...

race:
	CGO_ENABLED=1 $(GO) test -race -short -timeout 25m $(CONCURRENT)

build:
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/evf ./cmd/evf

demo:
	$(GO) run ./cmd/evf demo

bench:
	cd bench && $(GO) run .

fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

clean:
	rm -rf $(BIN)
