-- Creates the database and its two roles. Run it as PostgreSQL's superuser, or as a role that may create roles and databases, such as
-- the administrator of a managed PostgreSQL. Run it again to change a password:
--   focys_owner  owns the database and its tables and runs the migrations
--   focys        the service: reads and writes rows, but cannot alter tables or change audit events
--
--   psql -v owner_password=… -v app_password=… -f roles.sql
--
-- Others on the machine can see command lines. To keep the passwords off them:
--   printf '\\set owner_password %s\n\\set app_password %s\n\\i roles.sql\n' "$OWNER" "$APP" | psql -v ON_ERROR_STOP=1
-- Other names: -v owner_role=… -v app_role=… -v database=…
-- If the database already exists, focys_owner becomes the owner of everything in it.

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

-- Functions that others have put into a schema must not shadow PostgreSQL's own, neither here nor in the database below.
SET search_path = pg_catalog;

SELECT rolsuper AS is_superuser FROM pg_roles WHERE rolname = current_user \gset
SET password_encryption = 'scram-sha-256';
\if :is_superuser
  -- Keep the passwords out of the server's log and statistics.
  SET log_statement = 'none';
  SET log_min_duration_statement = -1;
  SET log_min_error_statement = 'panic';
  SET pg_stat_statements.track_utility = 'off';
\endif

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY[:'owner_role', :'app_role']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"owner_role" LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE :"app_role" LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
\if :is_superuser
  ALTER ROLE :"owner_role" NOSUPERUSER NOREPLICATION NOBYPASSRLS;
  ALTER ROLE :"app_role" NOSUPERUSER NOREPLICATION NOBYPASSRLS;
\else
  -- Only a member of the role may give it a database. It is one already if this is not the first time.
  SET client_min_messages = warning;
  GRANT :"owner_role" TO CURRENT_USER;
  RESET client_min_messages;
\endif

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

-- Everything in the schema that someone else owns, except extensions and objects that follow their table or type anyway.
SELECT format(
  'ALTER %s %s OWNER TO %I',
  CASE WHEN o.catalog = 'pg_proc'::regclass THEN 'routine' ELSE regexp_replace(i.type, ' object$', '') END,
  i.identity,
  :'owner_role'
)
FROM (
  SELECT 'pg_class'::regclass AS catalog, oid, relowner AS owner FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
  WHERE t.typnamespace = 'public'::regnamespace AND (c.oid IS NULL OR c.relkind = 'c')
  UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator WHERE oprnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfowner FROM pg_opfamily WHERE opfnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner FROM pg_opclass WHERE opcnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_collation'::regclass, oid, collowner FROM pg_collation WHERE collnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner FROM pg_conversion WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxowner FROM pg_statistic_ext
  WHERE stxnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgowner FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
  UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner FROM pg_ts_dict WHERE dictnamespace = 'public'::regnamespace
) AS o
CROSS JOIN LATERAL pg_identify_object(o.catalog, o.oid, 0) AS i
WHERE pg_get_userbyid(o.owner) <> :'owner_role'
  AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = o.catalog AND d.objid = o.oid AND d.refobjid <> d.objid
      AND (d.deptype IN ('e', 'i') OR (o.catalog = 'pg_class'::regclass AND d.deptype = 'a' AND i.type = 'sequence'))
  ) \gexec

-- The service can use new tables as soon as a migration has created them.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner_role" IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app_role";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner_role" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :"app_role";
COMMIT;

\ir grants.sql
