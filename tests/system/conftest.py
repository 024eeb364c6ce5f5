"""What every system test can ask for: a private PostgreSQL, a fresh database in it, and a whole
service: a daemon with the sample department behind it.
"""

import itertools
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True  # nothing is written outside build/
from daemon import Daemon  # noqa: E402
from department import Department  # noqa: E402
from pki import Authority  # noqa: E402
from postgres import Database, Postgres  # noqa: E402
from service import PATIENT, Service  # noqa: E402

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


# A whole service.

@pytest.fixture(scope="session")
def authority():
    """Who issues the certificates of the session."""
    folder = SOURCE / "build" / "system" / "tls"
    shutil.rmtree(folder, ignore_errors=True)
    return Authority(folder)


@pytest.fixture(scope="session")
def filled(new_schema, authority):
    """The sample department in a database of its own, to be copied."""
    database = new_schema()
    department = Department(database, authority.issuer).fill()
    yield department
    drop(database)


@pytest.fixture(scope="session")
def new_service(cluster, filled, authority):
    """new_service(name, **options): a daemon on a fresh copy of the department, not started yet.
    close_service() it."""
    made = []

    def make(name, patient=True, user="test_daemon", **options):
        postgres = running(cluster)
        database = Database(postgres, f"test_{next(_numbers)}")
        postgres.run(f"CREATE DATABASE {database.name} TEMPLATE {filled.database.name}")
        folder = SOURCE / "build" / "system" / "daemons" / name
        shutil.rmtree(folder, ignore_errors=True)
        conninfo = database.dsn(user=user)
        daemon = Daemon(BUILD / "tocsind", folder, authority, conninfo,
                        **(PATIENT if patient else {}), **options)
        made.append(Service(daemon, database, filled.copy(database), authority))
        return made[-1]
    yield make
    for service in made:
        service.daemon.kill()


def close_service(service):
    service.close_links()
    try:
        service.daemon.stop()
    finally:
        drop(service.database)


@pytest.fixture(scope="module")
def shared_service(request, new_service):
    """One running service for the tests of a file, with its OPTIONS."""
    service = new_service(request.module.__name__, **getattr(request.module, "OPTIONS", {}))
    service.daemon.start()
    yield service
    close_service(service)


@pytest.fixture
def service(shared_service):
    """The file's service. Whatever a test opened there is closed behind it."""
    yield shared_service
    shared_service.close_links()
    shared_service.daemon.check()
    assert shared_service.daemon.is_running(), shared_service.daemon.text()[-3000:]


@pytest.fixture
def own_service(request, new_service):
    """own_service(**options): a service for this test alone, not started yet."""
    made = []

    def make(**options):
        made.append(new_service(f"{request.module.__name__}-{request.node.name}-{len(made)}", **options))
        return made[-1]
    yield make
    for service in made:
        close_service(service)
