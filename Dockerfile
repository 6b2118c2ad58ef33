# The image that labs name, alamesh:latest. Build the clone first (npm ci), then:
#   docker build -t alamesh:latest .
#   docker build -t alamesh:latest --build-arg BASE=node:22-bookworm-slim .
# A base that has node (20.19 or newer), ip and ping needs no network to build on; another is a Debian
# or a derivative whose packages have such a node (13 "trixie" or newer).
ARG BASE=debian:trixie-slim
FROM ${BASE}

RUN set -eu; \
    missing=""; \
    command -v node >/dev/null || missing="$missing nodejs"; \
    command -v ip >/dev/null || missing="$missing iproute2"; \
    command -v ping >/dev/null || missing="$missing iputils-ping"; \
    if [ -n "$missing" ]; then \
      apt-get update; \
      apt-get install -y --no-install-recommends $missing; \
      rm -rf /var/lib/apt/lists/*; \
    fi; \
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number); \
      if (major > 20 || (major === 20 && minor >= 19)) process.exit(0); \
      console.error(`node ${process.version} is too old: take a BASE with 20.19 or newer`); \
      process.exit(1);'

WORKDIR /opt/alamesh
COPY package.json ./
COPY node_modules ./node_modules
COPY dist ./dist
COPY bin ./bin
COPY docker/entrypoint.sh /usr/local/bin/alamesh-entrypoint
RUN ln -s /opt/alamesh/bin/alamesh /usr/local/bin/alamesh && chmod 755 /usr/local/bin/alamesh-entrypoint

WORKDIR /
# NET_ADMIN and /dev/net/tun are all that it asks for.
ENTRYPOINT ["/usr/local/bin/alamesh-entrypoint"]
