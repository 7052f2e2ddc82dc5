"""The service works as a role that can do nothing but its work; the migrations run as another one."""

import re
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from focys.cli.doctor import checks_database
from focys.cli.doctor.report import State
from focys.infra.db.database import Database
from focys.infra.db.rights import rights_of
from focys.infra.db.schema import migrate
from tests.cluster import Cluster, OwnCluster, find_programs, running_postgres
from tests.conftest import SECRET_KEY, settings_for, world_on
from tests.support.processes import copy_backend, environment, run
from tests.support.roles import SCRIPTS, Roles, production_roles, psql, psql_command, two_roles
from tests.support.service import OPERATOR

FACT = (
    "INSERT INTO audit_events (id, at, event, outcome, source, request_id) "
    "VALUES (gen_random_uuid(), now(), 'TOTP', 'ok', 'x', 'x')"
)


@pytest.fixture
def roles(cluster: Cluster) -> Iterator[Roles]:
    """A database as production has it: made, migrated and granted by what is shipped."""
    with production_roles(cluster) as made:
        yield made


@pytest.fixture
async def app(roles: Roles) -> AsyncIterator[AsyncEngine]:
    engine = engine_of(roles.app)
    yield engine
    await engine.dispose()


def engine_of(url: str) -> AsyncEngine:
    return create_async_engine(settings_for(url).database, isolation_level="AUTOCOMMIT")


async def run_sql(engine: AsyncEngine, sql: str) -> None:
    async with engine.connect() as connection:
        await connection.execute(text(sql))


async def test_the_services_role_can_do_everything_the_service_does(roles: Roles):
    async with world_on(roles.app) as world:
        account = await world.an_account(enrolled=True)
        browser, token = await world.signed_in(account)
        assert (await browser.me(token)).status_code == 200
        world.clock.advance(minutes=1)
        assert (await browser.post("/auth/refresh")).status_code == 200
        assert (await browser.post("/auth/logout")).status_code == 204

        stranger = await world.at_second_factor(account)
        assert (await stranger.offer("000000")).status_code == 401
        used = await stranger.post("/auth/backup-code/verify", {"code": account.backup_codes[0]})
        assert used.json()["step"] == "done"

        administration = world.services.administration
        await administration.unlock(account.email, OPERATOR)
        assert (await administration.rotate_keys(OPERATOR, lambda *_: None)).unreadable == 0
        await administration.end_all_sessions(OPERATOR, "a test")
        await administration.set_password(account.email, "another-bicycle-harbour-29", OPERATOR)
        await administration.reset_mfa(account.email, OPERATOR)
        world.clock.advance(days=400)
        await world.services.housekeeping.forget()
        await world.deliver()

        events = await world.services.database.rows(text("SELECT event FROM audit_events"))  # type: ignore[arg-type]
        assert len(events) >= 12


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE users ADD COLUMN mine int",
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "DROP TABLE users",
        "TRUNCATE users CASCADE",
        "TRUNCATE audit_events",
        "DELETE FROM audit_events",
        "UPDATE audit_events SET outcome = 'ok'",
        "ALTER TABLE audit_events DISABLE RULE x",
        "UPDATE alembic_version SET version_num = '0001'",
        "DELETE FROM alembic_version",
        "UPDATE schema_support SET oldest = '0001'",
        "COPY users TO PROGRAM 'cat'",
        "SET ROLE {owner}",
    ],
)
async def test_the_services_role_can_do_nothing_else(roles: Roles, app: AsyncEngine, sql: str):
    await run_sql(app, FACT)

    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner|must be superuser"):
        await run_sql(app, sql.format(owner=roles.owner_role))


async def test_an_audit_event_cannot_be_overwritten(app: AsyncEngine):
    await run_sql(app, FACT)

    with pytest.raises(ProgrammingError, match="permission denied"):
        await run_sql(app, f"{FACT} ON CONFLICT (id) DO UPDATE SET outcome = 'refused'")


async def test_a_new_table_is_usable_before_the_grants(roles: Roles, app: AsyncEngine):
    owner = engine_of(roles.owner)
    await run_sql(owner, "CREATE TABLE later (id serial PRIMARY KEY)")
    await owner.dispose()

    await run_sql(app, "INSERT INTO later DEFAULT VALUES")

    with pytest.raises(ProgrammingError, match="permission denied"):
        await run_sql(app, "TRUNCATE later")


async def test_the_doctor_reports_excess_rights(roles: Roles):
    """CFG-06, LOG-04: nothing of the service's, something of the owner's and the superuser's."""
    found = {}
    for name in ("app", "owner", "superuser"):
        database = Database(settings_for(getattr(roles, name)).database)
        found[name] = checks_database.rights_finding(await rights_of(database))
        await database.close()
    psql_command(roles.owner, f"GRANT DELETE ON audit_events TO {roles.app_role}")
    database = Database(settings_for(roles.app).database)
    loose = checks_database.rights_finding(await rights_of(database))
    psql_command(roles.owner, f"REVOKE ALL ON users FROM {roles.app_role}")
    useless = checks_database.rights_finding(await rights_of(database))
    await database.close()

    assert found["app"].state is State.OK
    assert found["owner"].detail == "can change tables, can change audit events"
    assert found["superuser"].detail.startswith("is a superuser")
    assert (loose.state, loose.detail) == (State.WARN, "can change audit events")
    assert useless.state is State.FAIL


async def test_neither_role_has_server_privileges_and_nobody_else_can_connect(roles: Roles, cluster: Cluster):
    server = engine_of(cluster.url)
    async with server.connect() as connection:
        powers = (
            await connection.execute(
                text(
                    "SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls), count(*) "
                    "FROM pg_roles WHERE rolname IN (:owner, :app)"
                ),
                {"owner": roles.owner_role, "app": roles.app_role},
            )
        ).one()
        others = await connection.scalar(
            text("SELECT has_database_privilege('public', :name, 'CONNECT')"), {"name": roles.database}
        )
    await server.dispose()

    assert tuple(powers) == (False, 2)
    assert others is False


async def test_a_database_with_one_role_is_converted(cluster: Cluster):
    """The service owned its tables until now, and has users in them."""
    with two_roles(cluster) as roles:
        assert roles.prepare().stderr == ""
        superuser = engine_of(roles.superuser)
        await run_sql(superuser, f"ALTER DATABASE {roles.database} OWNER TO {roles.app_role}")
        await run_sql(superuser, f"ALTER SCHEMA public OWNER TO {roles.app_role}")
        await superuser.dispose()
        await to_thread(migrate, settings_for(roles.app).database)

        assert roles.prepare().stderr == ""

        engine = engine_of(roles.app)
        with pytest.raises(ProgrammingError, match="permission denied"):
            await run_sql(engine, "DELETE FROM audit_events")
        with pytest.raises(ProgrammingError, match="permission denied"):
            await run_sql(engine, "CREATE TABLE mine (id int)")
        await engine.dispose()
        async with world_on(roles.app) as world:
            await world.an_account(enrolled=True)
        owner = engine_of(roles.owner)
        await run_sql(owner, "ALTER TABLE users ADD COLUMN theirs int")
        await owner.dispose()


OLD_OBJECTS = (
    "CREATE TABLE notes (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, body text, stamp text)",
    "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (9)",
    "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.stamp := 'seen'; RETURN NEW; END $$",
    "CREATE TRIGGER stamps BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stamp()",
    "CREATE PROCEDURE tidy(IN a int, INOUT b text) LANGUAGE sql AS 'SELECT b'",
    "CREATE SEQUENCE numbers",
    'CREATE VIEW "Seen; all" AS SELECT id FROM notes',
    "CREATE MATERIALIZED VIEW kept AS SELECT id FROM notes",
    "CREATE TYPE mood AS ENUM ('well')",
    "CREATE TYPE pair AS (a int, b mood)",
    "CREATE TYPE span AS RANGE (SUBTYPE = int4)",
    "CREATE DOMAIN small AS int CHECK (VALUE < 9)",
    "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)",
    "CREATE AGGREGATE number_of(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0')",
    "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
    "CREATE OPERATOR CLASS by_text FOR TYPE text USING hash AS OPERATOR 1 =, FUNCTION 1 hashtext(text)",
    'CREATE COLLATION plain FROM "C"',
    "CREATE CONVERSION latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
    "CREATE STATISTICS both_of ON id, body FROM notes",
    "CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple)",
    "CREATE TEXT SEARCH CONFIGURATION search (COPY = simple)",
)


async def test_every_object_of_an_old_database_gets_the_new_owner(cluster: Cluster):
    """CFG-06: pg_dump says who owns what."""
    with two_roles(cluster) as roles:
        assert roles.prepare().stderr == ""
        psql_command(roles.superuser, *OLD_OBJECTS)

        assert roles.prepare().stderr == ""

        dumped = await to_thread(
            run, [str(find_programs() / "pg_dump"), "--schema-only", roles.superuser], folder=SCRIPTS, env={}
        )
        owned = re.findall(r"^ALTER ([A-Z ]+?) (?:public|pg_).* OWNER TO (\S+);$", dumped.stdout, flags=re.MULTILINE)
        assert {owner for _, owner in owned} == {roles.owner_role}
        # A trigger has no owner; the schema, the key's sequence and the class's family are more.
        assert len(owned) == len(OLD_OBJECTS) - 1 + 3
        engine = engine_of(roles.app)
        await run_sql(engine, "INSERT INTO notes (body) VALUES ('x')")
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT stamp FROM notes"))).scalar_one() == "seen"
        await engine.dispose()


@pytest.mark.parametrize("script", ["roles.sql", "grants.sql"])
def test_the_scripts_call_no_function_planted_in_the_schema(cluster: Cluster, script: str):
    """CFG-06: anyone who may write to the schema, as the service's role could before, gains nothing by these scripts."""
    evil = f"evil_{uuid4().hex[:8]}"
    with two_roles(cluster) as roles:
        assert roles.prepare().stderr == ""
        migrate(settings_for(roles.owner).database)
        psql_command(
            roles.superuser,
            "CREATE TABLE public.theirs (id int)",
            "CREATE FUNCTION public.format(text, regclass, text) RETURNS text LANGUAGE sql"
            f" AS $$ SELECT 'CREATE ROLE {evil} SUPERUSER' $$",
        )

        done = (
            psql(roles.superuser, SCRIPTS / "grants.sql", app_role=roles.app_role)
            if "grants" in script
            else roles.prepare()
        )

        assert done.stderr == ""
        psql_command(roles.superuser, f"CREATE ROLE {evil}", f"DROP ROLE {evil}")


async def test_both_scripts_are_idempotent(roles: Roles):
    async def rights() -> list[tuple[str, ...]]:
        superuser = engine_of(roles.superuser)
        async with superuser.connect() as connection:
            rows = await connection.execute(
                text(
                    "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
                )
            )
            found = [tuple(row) for row in rows]
        await superuser.dispose()
        return found

    first = await rights()

    assert [roles.grant().stderr, roles.grant().stderr, roles.prepare().stderr] == ["", "", ""]
    assert await rights() == first


def test_roles_sql_needs_both_passwords(cluster: Cluster):
    with two_roles(cluster) as roles:
        done = psql(roles.server, SCRIPTS / "roles.sql", owner_role=roles.owner_role, owner_password="only-one")

        assert done.returncode != 0
        assert "owner_password and app_password" in done.stderr


def test_the_passwords_are_not_logged_by_the_server():
    """LOG-02: a server that logs every statement, and a statement that fails."""
    with running_postgres(own=True) as cluster, two_roles(cluster) as roles:
        assert isinstance(cluster, OwnCluster)
        psql_command(roles.server, "ALTER SYSTEM SET log_statement = 'all'")
        cluster.restart()

        made = roles.prepare(app_password="canary-4711")
        refused = roles.prepare(app_password="canary-4711", owner_role="pg_monitor")

        log = cluster.log()
        assert made.stderr == ""
        assert refused.returncode != 0
        assert "REVOKE" in log
        assert "canary" not in log


def test_migrations_run_as_the_owner_whatever_dotenv_says(cluster: Cluster, tmp_path: Path):
    """As the runbook says: DATABASE_URL_FILE before the command goes before what .env says."""
    backend = copy_backend(tmp_path)
    with two_roles(cluster) as roles:
        assert roles.prepare().stderr == ""
        (backend / ".env").write_text(f"DATABASE_URL={roles.app}\nSECRET_KEY={SECRET_KEY}\n")
        (tmp_path / "owner_database_url").write_text(f"{roles.owner}\n")
        env = environment(backend)

        refused = run("alembic upgrade head", folder=backend, env=env)
        asked = run("focys migrate", folder=backend, env=env)
        done = run(
            f"DATABASE_URL_FILE={tmp_path}/owner_database_url alembic upgrade head && focys users list",
            folder=backend,
            env=env,
        )

    for result in (refused, asked):
        assert result.returncode != 0
        assert "Traceback" not in result.stderr
        assert "DATABASE_URL_FILE=/etc/focys/owner_database_url" in result.stderr
    assert done.returncode == 0, done.stderr
