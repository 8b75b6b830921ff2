# The receiver, for a PostgreSQL given by DATABASE_URL. The image does not carry the embedded PostgreSQL.

# glibc and not Alpine, the same system that the tests run on.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /opt/runledger
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY sdk sdk
COPY client client
COPY receiver receiver
COPY demo demo
COPY dashboard dashboard
RUN npm run build

FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /opt/runledger
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production \
    RUNLEDGER_HOST=0.0.0.0 \
    RUNLEDGER_DATA_DIR=/var/lib/runledger
WORKDIR /opt/runledger
COPY --from=packages /opt/runledger/node_modules node_modules
COPY --from=build /opt/runledger/dist dist
COPY package.json LICENSE ./
COPY sql sql
# What alerts link to.
COPY docs/runbooks docs/runbooks
# Tokens that were not given by the environment are made here, so the folder must outlive the container: mount a volume, or give both tokens.
RUN mkdir -p /var/lib/runledger && chown node:node /var/lib/runledger
USER node
VOLUME /var/lib/runledger
EXPOSE 4317 4318 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/receiver/cli/main.js"]
CMD ["start"]
