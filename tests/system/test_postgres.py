"""The private PostgreSQL itself: the other tests' failures are only as good as it is."""

import subprocess
import sys
import threading

import psycopg2
import pytest
from wait import process_is_running, wait_until


def test_is_version_15_with_durability_on(postgres):
    assert postgres.run("SHOW server_version_num")[0][0].startswith("15")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert postgres.run(f"SHOW {setting}") == [("on",)]


def test_is_reached_only_with_the_password(postgres):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres.dsn(host="127.0.0.1", password="guess"))
    psycopg2.connect(postgres.dsn(host="127.0.0.1")).close()


@pytest.mark.parametrize("turn", [1, 2])
def test_database_is_fresh(database, turn):
    database.run("CREATE TABLE once (turn int)")
    database.run(f"INSERT INTO once VALUES ({turn})")
    assert database.run("SELECT turn FROM once") == [(turn,)]


def test_comes_back_after_a_kill_with_what_was_committed(postgres, database):
    database.run("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.kill()
    with pytest.raises(psycopg2.OperationalError):
        postgres.connect()
    postgres.start()
    assert database.run("SELECT answer FROM kept") == [(42,)]


def test_frozen_it_does_not_answer_and_thawed_it_does(postgres):
    connection = postgres.connect()
    cursor = connection.cursor()
    answered = threading.Event()
    asking = threading.Thread(target=lambda: (cursor.execute("SELECT 1"), answered.set()))
    postgres.freeze()
    try:
        asking.start()
        assert not answered.wait(0.3)
    finally:
        postgres.thaw()
    assert answered.wait(10)
    asking.join()
    connection.close()


def test_dies_with_the_test_run(source):
    """A test run that is killed leaves no server behind."""
    script = ("import signal, sys; from postgres import Postgres; p = Postgres(sys.argv[1]);"
              "p.create(); p.start(); print(p.process.pid, flush=True); signal.pause()")
    folder = source / "build" / "system" / "orphan"
    with subprocess.Popen([sys.executable, "-c", script, folder], cwd=source / "tests" / "system",
                          stdout=subprocess.PIPE, text=True) as run:
        pid = int(run.stdout.readline())
        assert process_is_running(pid)
        run.kill()
    wait_until(lambda: not process_is_running(pid), 30, "the orphaned server ends")
