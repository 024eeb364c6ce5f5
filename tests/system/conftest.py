"""What every system test can ask for: a private PostgreSQL and a fresh database in it."""

import itertools
import os
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True  # nothing is written outside build/
from postgres import Database, Postgres  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TOCSIN_BUILD", SOURCE / "build" / "tests"))

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def source():
    """The project's root."""
    return SOURCE


@pytest.fixture(scope="session")
def build():
    """The folder of the built programs: tocsind, tocsin."""
    return BUILD


@pytest.fixture(scope="session")
def tocsin():
    """tocsin("db", "status"): the command's finished process, its output as text."""
    def run(*arguments, text="", timeout=60):
        return subprocess.run([BUILD / "tocsin", *map(str, arguments)], input=text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False)
    return run


@pytest.fixture(scope="session")
def cluster():
    """The PostgreSQL of the session. A test that stops or kills it may leave it so."""
    server = Postgres(SOURCE / "build" / "system" / "postgres")
    server.create()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def running(cluster):
    """The cluster, running and answering whatever was done to it."""
    if cluster.process:
        cluster.thaw()
    if cluster.process and cluster.process.poll() is not None:
        cluster.process = None
    if not cluster.process:
        cluster.start()
    return cluster


@pytest.fixture
def postgres(cluster):
    """The PostgreSQL of the session, running and answering."""
    return running(cluster)


@pytest.fixture
def database(postgres):
    """A fresh, empty database; dropped with whoever is still connected."""
    name = f"test_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE template0")
    database = Database(postgres, name)
    yield database
    drop(database)


def drop(database):
    """Drops it with whoever is still connected; nothing to do when the server is gone."""
    server = database.server
    if server.process and server.process.poll() is None:
        server.thaw()
        server.run(f"DROP DATABASE {database.name} WITH (FORCE)")


TEMPLATE = "with_schema"  # migrated once


@pytest.fixture(scope="session")
def new_schema(cluster, tocsin):
    """new_schema(): a fresh Database with the schema, and an account for each role: test_daemon,
    test_registry, test_report, with the cluster's password. drop() it."""
    def make():
        postgres = running(cluster)
        if not postgres.run(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}' AND datistemplate"):
            postgres.run(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            postgres.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            done = tocsin("db", "migrate", "--dir", SOURCE / "sql", "--database", postgres.dsn(TEMPLATE))
            assert done.returncode == 0, done.stderr
            for role in ("daemon", "registry", "report"):
                postgres.run(f"CREATE ROLE test_{role} LOGIN PASSWORD '{postgres.password}' "
                             f"IN ROLE tocsin_{role}")
            postgres.run(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")
        database = Database(postgres, f"test_{next(_numbers)}")
        postgres.run(f"CREATE DATABASE {database.name} TEMPLATE {TEMPLATE}")
        return database
    return make


@pytest.fixture
def schema(new_schema):
    """A fresh database with the schema, for one test."""
    database = new_schema()
    yield database
    drop(database)
