#!/bin/sh
# Run by the image of PostgreSQL when its volume is new: the database and its two roles, with the passwords of the
# addresses that the app and the migrations are given.
set -eu

password_of() {
    sed 's#^[^:]*://[^:]*:\([^@]*\)@.*$#\1#' "/run/secrets/$1"
}

printf '\\set owner_password %s\n\\set app_password %s\n\\i /focys/roles.sql\n' \
    "$(password_of owner_database_url)" "$(password_of database_url)" | psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U postgres
