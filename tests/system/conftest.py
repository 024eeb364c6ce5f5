"""What every system test can ask for: a private PostgreSQL and a fresh database in it."""

import itertools
import os
import pathlib
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
def cluster():
    """The PostgreSQL of the session. A test that stops or kills it may leave it so."""
    server = Postgres(SOURCE / "build" / "system" / "postgres")
    server.create()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres(cluster):
    """The PostgreSQL of the session, running and answering."""
    if cluster.process:
        cluster.thaw()
    if cluster.process and cluster.process.poll() is not None:
        cluster.process = None
    if not cluster.process:
        cluster.start()
    return cluster


@pytest.fixture
def database(postgres):
    """A fresh, empty database; dropped with whoever is still connected."""
    name = f"test_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Database(postgres, name)
    if postgres.process and postgres.process.poll() is None:
        postgres.thaw()
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
