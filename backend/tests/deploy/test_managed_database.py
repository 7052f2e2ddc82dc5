"""A PostgreSQL whose provider keeps the superuser to itself."""

from asyncio import to_thread
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from focys.infra.db.schema import migrate
from tests.cluster import Cluster
from tests.conftest import settings_for, world_on
from tests.support.roles import psql_command, two_roles


async def test_its_administrator_can_create_both_roles(cluster: Cluster):
    """CFG-06: that role may create roles and databases, and no more."""
    admin = f"admin_{uuid4().hex[:8]}"
    psql_command(cluster.url, f"CREATE ROLE {admin} LOGIN CREATEROLE CREATEDB PASSWORD 'of-the-provider'")
    there = urlsplit(cluster.url)
    place = there.netloc.rpartition("@")[2]
    server = urlunsplit(there._replace(netloc=f"{admin}:of-the-provider@{place}"))
    try:
        with two_roles(cluster) as names:
            roles = replace(names, server=server)

            assert [roles.prepare().stderr, roles.prepare().stderr] == ["", ""]
            await to_thread(migrate, settings_for(roles.owner).database)
            assert roles.grant().stderr == ""

            async with world_on(roles.app) as world:
                await world.an_account(enrolled=True)
            with pytest.raises(AssertionError, match="permission denied"):
                psql_command(roles.app, "CREATE TABLE mine (id int)")
            with pytest.raises(AssertionError, match="permission denied"):
                psql_command(roles.app, "DELETE FROM audit_events")
    finally:
        psql_command(cluster.url, f"DROP ROLE {admin}")
