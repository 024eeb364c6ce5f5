"""tocsin db: a database's schema brought up to this tocsin's, once, whole, by one at a time."""

import concurrent.futures
import json
import pathlib
import shutil

import pytest
from postgres import Postgres

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"


@pytest.fixture
def folder(tmp_path):
    return pathlib.Path(shutil.copytree(SQL, tmp_path / "sql"))


def last_number(folder):
    return max(int(f.name[:4]) for f in folder.glob("*.sql"))


def dump(database):
    return database.run("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                                   "ORDER BY 1")


def test_migrate_twice(tocsin, database):
    target = database.dsn()
    dry = tocsin("db", "migrate", "--dry-run", "--dir", SQL, "--database", target)
    files = sorted(f.name for f in SQL.glob("*.sql"))
    assert (dry.returncode, dry.stdout.splitlines()) == (0, [f"{f} would be applied" for f in files])
    assert dump(database) == []
    first = tocsin("db", "migrate", "--dir", SQL, "--database", target)
    assert (first.returncode, first.stderr) == (0, "")
    assert [line.split()[:2] for line in first.stdout.splitlines()] == [[f, "applied"] for f in files]
    made, versions = dump(database), database.run("TABLE schema_version")
    second = tocsin("db", "migrate", "--dir", SQL, "--database", target)
    assert (second.returncode, second.stdout) == (0, f"nothing to do: level {len(files)}\n")
    assert (dump(database), database.run("TABLE schema_version")) == (made, versions)


def test_migrate_concurrently(tocsin, database):
    def migrate(_):
        return tocsin("db", "migrate", "--dir", SQL, "--database", database.dsn())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, range(4)))
    assert [d.returncode for d in done] == [0] * 4, [d.stderr for d in done]
    assert sum("applied in" in d.stdout for d in done) == 1
    assert sum("nothing to do" in d.stdout for d in done) == 3


def test_a_changed_file_is_refused(tocsin, database, folder):
    target = database.dsn()
    assert tocsin("db", "migrate", "--dir", folder, "--database", target).returncode == 0
    victim = folder / "0002_territory.sql"
    victim.write_text(victim.read_text() + "\n")
    (folder / f"{last_number(folder) + 1:04}_next.sql").write_text("CREATE TABLE next (a int);")
    for verb in (["migrate"], ["migrate", "--dry-run"], ["status"]):
        refused = tocsin("db", *verb, "--dir", folder, "--database", target)
        assert refused.returncode == 1
        assert "0002_territory.sql was changed after it was applied" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
    assert database.run("SELECT to_regclass('next')") == [(None,)]


def test_a_newer_database_is_refused(tocsin, database, folder):
    target = database.dsn()
    name = f"{last_number(folder) + 1:04}_next.sql"
    (folder / name).write_text("CREATE TABLE next (a int);")
    assert tocsin("db", "migrate", "--dir", folder, "--database", target).returncode == 0
    refused = tocsin("db", "migrate", "--dir", SQL, "--database", target)
    assert refused.returncode == 1 and f"newer than this tocsin: {name}" in refused.stderr


def test_a_failed_file_leaves_nothing(tocsin, database, folder):
    target = database.dsn()
    level = last_number(folder)
    broken = folder / f"{level + 1:04}_broken.sql"
    broken.write_text("-- é\nCREATE TABLE half (a int);\n\nSELECT nonsense;\n")
    refused = tocsin("db", "migrate", "--dir", folder, "--database", target)
    assert refused.returncode == 1
    assert refused.stderr == f'tocsin db migrate: {broken.name}:4: column "nonsense" does not exist\n'
    assert database.run("SELECT level, to_regclass('half') FROM schema_now") == [(level, None)]
    broken.write_text("CREATE TABLE half (a int); COMMIT;")
    refused = tocsin("db", "migrate", "--dir", folder, "--database", target)
    assert refused.returncode == 1 and "ends the transaction" in refused.stderr


def test_status(tocsin, database):
    target = ["--dir", SQL, "--database", database.dsn()]
    status = tocsin("db", "status", "--json", *target)
    assert (status.returncode, json.loads(status.stdout)["level"]) == (0, 0)
    assert tocsin("db", "migrate", *target).returncode == 0
    database.run("SELECT cursor_move(1, 0, 0, 3, 42)")
    database.run("BEGIN; INSERT INTO departments VALUES ('77', 'Seine-et-Marne', 'corg-77', 'ops-77'); "
                 "INSERT INTO centres VALUES ('corg-77', '77', 'gendarmerie', 'CORG 77'), "
                 "('ops-77', '77', 'operations', 'Exploitation 77'); COMMIT")
    status = tocsin("db", "status", "--json", "--trail", *target)
    said = json.loads(status.stdout)
    assert status.returncode == 0
    assert (said["level"], said["known"], said["oldest_daemon"]) == (last_number(SQL), last_number(SQL), 1)
    assert [m["name"] for m in said["migrations"]] == sorted(f.name for f in SQL.glob("*.sql"))
    assert said["registry"]["version"] == 0 and said["territory"]["version"] == 1
    assert [n["position"] for n in said["nodes"]] == ["1:3:42"]
    assert (said["set_aside"], said["trail"]) == (0, {"whole": True})
    text = tocsin("db", "status", "--trail", *target).stdout
    assert "up to 1:3:42" in text and "whole" in text


def test_status_of_a_broken_trail(tocsin, database):
    target = ["--dir", SQL, "--database", database.dsn()]
    tocsin("db", "migrate", *target)
    database.run("INSERT INTO trail (chain, at, department, who, via, what, object, object_id) VALUES "
                 "(0, now(), '77', 'C. Exemple', 'registry show', 'look', 'practitioner', 'x')")
    database.run("ALTER TABLE trail DISABLE TRIGGER append_only")
    database.run("UPDATE trail SET who = 'D. Exemple'")
    assert tocsin("db", "status", *target).returncode == 0
    broken = tocsin("db", "status", "--trail", *target)
    assert (broken.returncode, broken.stderr) == (1, "tocsin db status: the trail is broken\n")
    assert "BROKEN in chain 0 at 1: changed after it was written" in broken.stdout


def test_errors_of_use(tocsin, database, tmp_path):
    for wrong in (["db"], ["db", "undo"], ["db", "migrate", "--json"], ["db", "status", "--dry-run"],
                  ["db", "status", "x"], ["db", "status", "--nonsense"]):
        done = tocsin(*wrong)
        assert (done.returncode, done.stdout) == (2, ""), wrong
        assert done.stderr != ""
    assert tocsin("db", "--help").returncode == 0
    assert "--dry-run" in tocsin("db", "migrate", "--help").stdout
    nowhere = tocsin("db", "status", "--dir", SQL, "--database", "host=/nonexistent")
    assert nowhere.returncode == 1 and len(nowhere.stderr.splitlines()) == 1
    nothing = tocsin("db", "migrate", "--dir", tmp_path, "--database", database.dsn())
    assert nothing.returncode == 1 and "no migrations" in nothing.stderr


def test_roles_that_cannot_be_made_are_named(tocsin, source):
    """A cluster without the roles, migrated by somebody who may not make any."""
    other = Postgres(source / "build" / "system" / "postgres-without-roles")
    other.create()
    other.start()
    try:
        other.run(f"CREATE ROLE plain LOGIN PASSWORD '{other.password}'")
        other.run("CREATE DATABASE plain OWNER plain TEMPLATE template0")
        target = ["--dir", SQL, "--database", other.dsn("plain", user="plain")]
        refused = tocsin("db", "migrate", *target)
        assert refused.returncode == 1
        assert "role tocsin_daemon does not exist and plain may not create it" in refused.stderr
        assert "CREATE ROLE tocsin_daemon NOLOGIN" in refused.stderr
        for role in ("daemon", "registry", "report"):
            other.run(f"CREATE ROLE tocsin_{role} NOLOGIN")
        done = tocsin("db", "migrate", *target)
        assert done.returncode == 0, done.stderr
    finally:
        other.stop()


def test_an_encoding_that_cannot_hold_names_is_refused(postgres, tocsin):
    postgres.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        refused = tocsin("db", "migrate", "--dir", SQL, "--database", postgres.dsn("latin"))
    finally:
        postgres.run("DROP DATABASE latin")
    assert refused.returncode == 1 and "encoded in LATIN1, tocsin needs UTF8" in refused.stderr
