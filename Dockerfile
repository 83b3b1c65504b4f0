# syntax=docker/dockerfile:1
# One image for every Dagster service. By default it serves the code location, and runs are processes inside it; with
# other commands it is the webserver or the daemon (deploy/compose.yaml).

FROM python:3.12-slim-bookworm AS build
RUN python -m venv /opt/spnst
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY spnst_core spnst_core
COPY spnst_pipeline spnst_pipeline
# The cache mount speeds up the next build and isn't part of any layer.
RUN --mount=type=cache,target=/root/.cache/pip /opt/spnst/bin/pip install '.[s3,postgres]'

FROM python:3.12-slim-bookworm
# A fixed uid, so that mounted folders can be assigned to it; numeric, so that a cluster can verify that it isn't root.
RUN useradd --uid 10001 --create-home spnst \
    && install --directory --owner spnst /dagster /dagster/storage /store /weights
COPY --from=build /opt/spnst /opt/spnst
COPY --chmod=755 deploy/with-secrets.sh /usr/local/bin/with-secrets
COPY deploy/dagster.postgres.yaml /dagster/dagster.yaml
COPY deploy/workspace.yaml /dagster/workspace.yaml
ENV PATH=/opt/spnst/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DAGSTER_HOME=/dagster \
    SPNST_HOME=/dagster \
    SPNST_OUT=/store \
    SPNST_WEIGHTS=/weights
WORKDIR /dagster
USER 10001
# Logs of runs, the store, and downloaded weights.
VOLUME ["/dagster/storage", "/store", "/weights"]
EXPOSE 4000
ENTRYPOINT ["with-secrets"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["dagster", "api", "grpc-health-check", "-p", "4000"]
CMD ["dagster", "code-server", "start", "-h", "0.0.0.0", "-p", "4000", "-m", "spnst_pipeline.definitions"]
