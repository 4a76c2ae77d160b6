# Nightbell: one static binary, no shell, not root.
FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/nightbell ./cmd/nightbell \
 && mkdir -p /out/data

# distroless/static carries CA certificates (APNs and FCM need them) and time zones.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/nightbell /usr/local/bin/nightbell
# The volume must belong to the user that the image runs as.
COPY --from=build --chown=nonroot:nonroot /out/data /var/lib/nightbell
ENV NIGHTBELL_DATA_DIR=/var/lib/nightbell \
    NIGHTBELL_LISTEN=0.0.0.0:8080
VOLUME /var/lib/nightbell
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/nightbell"]
CMD ["serve"]
