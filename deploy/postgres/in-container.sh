#!/bin/sh
# Run by the PostgreSQL image when its volume is new: creates the database and its two roles, with the passwords from the
# database URLs of the app and the migrations.
set -eu

password_of() {
    password=$(sed 's#^[^:]*://[^:]*:\([^@]*\)@.*$#\1#' "/run/secrets/$1")
    case $password in
    '' | *[!A-Za-z0-9_-]*)
        echo "The password in secrets/$1 needs letters and digits only: openssl rand -hex 24" >&2
        exit 1
        ;;
    esac
    printf %s "$password"
}

owner=$(password_of owner_database_url)
app=$(password_of database_url)
printf '\\set owner_password %s\n\\set app_password %s\n\\i /focys/roles.sql\n' \
    "$owner" "$app" | psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U postgres
