#!/bin/sh
# Runs after the migrations, as the owner of the tables. The password stays off the command line, which others can see.
set -eu
url=/run/secrets/owner_database_url
PGPASSWORD=$(sed 's#^.*://[^:]*:\([^@]*\)@.*$#\1#' "$url")
export PGPASSWORD
exec psql --quiet -f /focys/grants.sql "$(sed 's#://\([^:]*\):[^@]*@#://\1@#' "$url")"
