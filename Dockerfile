# syntax=docker/dockerfile:1

# Builds the one binary and puts it, alone, into an image without a shell and without root.
#
#   docker build --build-arg VERSION=0.1.0 -t cordon .
#   docker run --rm -v cordon-data:/data cordon keys create --name first --scopes all
#   docker run --rm -p 8080:8080 -v cordon-data:/data cordon

FROM golang:1.26 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOCACHE=/cache/build GOMODCACHE=/cache/modules

# The modules change seldom: they are a layer of their own.
COPY go.mod go.sum ./
COPY client/go.mod client/
RUN --mount=type=cache,target=/cache go mod download

COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/cache \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/cordon ./cmd/cordon
RUN mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/cordon /cordon
# A volume takes the owner of the folder it is mounted over.
COPY --from=build --chown=65532:65532 /out/data /data

ENV CORDON_DATA=/data CORDON_LISTEN=0.0.0.0:8080 CORDON_METRICS_LISTEN=0.0.0.0:9090
USER 65532:65532
VOLUME /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["/cordon", "healthcheck"]
ENTRYPOINT ["/cordon"]
CMD ["serve"]
