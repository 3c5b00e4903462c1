# Envoy, the module and `weir` in one image; docker-compose.yml runs it as gateway, sidecar and simulator.

FROM rust:1.95.0-bookworm AS build
# rust-toolchain.toml follows stable; an image follows nothing.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN rustup target add wasm32-wasip1
WORKDIR /weir
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/weir/target \
    cargo build --locked --release --target wasm32-wasip1 -p weir-filter && \
    cargo build --locked --release -p weir-sidecar && \
    install -D -t /out target/release/weir target/wasm32-wasip1/release/weir_filter.wasm

FROM envoyproxy/envoy:v1.40.0 AS envoy

FROM debian:12.12-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=envoy /usr/local/bin/envoy /usr/local/bin/
COPY --from=build /out/weir /usr/local/bin/
COPY --from=build /out/weir_filter.wasm /usr/local/lib/weir/
COPY envoy/compose/configure envoy/compose/healthy envoy/compose/with-secret /usr/local/bin/
COPY envoy/compose/gateway.yaml envoy/compose/simulated.yaml /etc/weir/
# A volume that is mounted there first belongs to whom this belongs to.
RUN install -d -o 10101 -g 10101 /run/weir
ENV WEIR_FILTER=/usr/local/lib/weir/weir_filter.wasm
USER 10101:10101
CMD ["weir", "--help"]
