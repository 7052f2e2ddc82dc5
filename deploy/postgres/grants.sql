-- The service's permissions on each table. Run this after every migration, as focys_owner or as PostgreSQL's superuser;
-- running it twice does no harm:
--   sudo -u postgres psql -f /app/deploy/postgres/grants.sql focys_db
-- Another name for the service's role: -v app_role=…

\set ON_ERROR_STOP on
\if :{?app_role}
\else
  \set app_role focys
\endif

BEGIN;
-- Functions that others have put into a schema must not shadow PostgreSQL's own.
SET LOCAL search_path = pg_catalog;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"app_role";
GRANT USAGE ON SCHEMA public TO :"app_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"app_role";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"app_role";

-- Audit events are added and read, never changed. To delete old ones: focys audit prune, as focys_owner.
SELECT format('REVOKE UPDATE, DELETE ON %s FROM %I', c.oid::regclass, :'app_role')
FROM pg_class AS c
WHERE c.oid = to_regclass('public.audit_events') \gexec

-- Only migrations may record which migrations have run, and which versions can serve after them.
SELECT format('REVOKE INSERT, UPDATE, DELETE ON %s FROM %I', c.oid::regclass, :'app_role')
FROM pg_class AS c
WHERE c.oid IN (to_regclass('public.alembic_version'), to_regclass('public.schema_support')) \gexec
COMMIT;
