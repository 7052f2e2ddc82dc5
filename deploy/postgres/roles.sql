-- Makes the database and its two roles; PostgreSQL's superuser runs it once, and again to change a password:
--   focys_owner  owns the database and its tables and runs the migrations
--   focys        the service: reads and writes rows, changes no table, and cannot touch what stands in the audit
--
--   psql -v owner_password=… -v app_password=… -f roles.sql
--
-- What stands on a command line can be seen by others on the machine; given like this it cannot:
--   printf '\\set owner_password %s\n\\set app_password %s\n\\i roles.sql\n' "$OWNER" "$APP" | psql
-- Other names: -v owner_role=… -v app_role=… -v database=…
-- A database that is there already is taken over with its tables.

\set ON_ERROR_STOP on
\if :{?owner_role}
\else
  \set owner_role focys_owner
\endif
\if :{?app_role}
\else
  \set app_role focys
\endif
\if :{?database}
\else
  \set database focys_db
\endif
\if :{?owner_password}
\else
  DO $$ BEGIN RAISE EXCEPTION 'Give the passwords of both roles: owner_password and app_password.'; END $$;
\endif
\if :{?app_password}
\else
  DO $$ BEGIN RAISE EXCEPTION 'Give the passwords of both roles: owner_password and app_password.'; END $$;
\endif

-- What others have put into a schema must not be called in place of PostgreSQL's own; here, and in the database below.
SET search_path = pg_catalog;

-- The passwords must not stand in the server's log or statistics.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = 'off';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY[:'owner_role', :'app_role']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner_role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE :"app_role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';

SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING %L', :'database', :'owner_role', 'UTF8')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
ALTER DATABASE :"database" OWNER TO :"owner_role";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
REVOKE ALL ON DATABASE :"database" FROM :"app_role";
GRANT CONNECT ON DATABASE :"database" TO :"app_role";

\connect :"database"
SET search_path = pg_catalog;
BEGIN;
ALTER SCHEMA public OWNER TO :"owner_role";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM :"app_role";
GRANT USAGE ON SCHEMA public TO :"app_role";

-- Tables that somebody else owns, but for those of extensions; a column's sequence goes with its table.
SELECT format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, :'owner_role')
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace
  AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
  AND pg_get_userbyid(c.relowner) <> :'owner_role'
  AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND (d.deptype = 'e' OR (c.relkind = 'S' AND d.deptype IN ('a', 'i')))
  ) \gexec

-- Tables that a migration makes can be used at once.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner_role" IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app_role";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner_role" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app_role";
COMMIT;

\ir grants.sql
