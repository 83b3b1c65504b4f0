#!/bin/sh
# Runs a command with secrets from files: for each NAME below whose NAME_FILE is set, NAME is the text of that file. The
# files are Docker's or Kubernetes' secrets, which neither `docker inspect` nor a pod's description shows.
set -eu
for name in DAGSTER_POSTGRES_PASSWORD AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY SPNST_FAILURE_WEBHOOK; do
    eval "file=\${${name}_FILE:-}"
    if [ -n "$file" ]; then
        value=$(cat "$file")
        export "$name=$value"
    fi
done
exec "$@"
