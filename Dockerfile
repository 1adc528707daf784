# The agent and bobctl as static binaries, and nothing else: no shell, no libc.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN make build VERSION=$VERSION

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="bobwatch" \
      org.opencontainers.image.description="Holds containers to their Bill of Behavior: the agent and bobctl" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"
# For sinks, and for registries.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/agent /src/bin/bobctl /
# No USER: loading BPF programs takes CAP_BPF and CAP_PERFMON, reading other
# processes CAP_SYS_PTRACE. Kubernetes gives capabilities to root alone, so the
# agent runs as root with all others dropped.
ENTRYPOINT ["/agent"]
