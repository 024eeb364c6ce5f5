"""The follower with a real journal and a real PostgreSQL that hangs, dies, refuses, comes back older or
newer. The driver (follower_driver.c) stands for the loop."""

import contextlib
import json
import select
import socket
import subprocess
import threading

import pytest
from conftest import BUILD, drop
from wait import wait_until

ANSWER_S = 30


class Driver:
    """One life of a node: orders in, an answer a line out."""

    def __init__(self, folder, conninfo, node=1, pace_ms=20, queue_bytes=64 << 20, answer_ms=5000):
        folder.mkdir(exist_ok=True)
        self.log = open(folder.parent / f"{folder.name}.log", "a+", encoding="utf-8")
        self.process = subprocess.Popen(
            [BUILD / "follower_driver", folder, str(node), conninfo, str(pace_ms), str(queue_bytes),
             str(answer_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def order(self, line):
        self.process.stdin.write(line if isinstance(line, bytes) else line.encode())
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], ANSWER_S)
        assert readable, f"no answer to {line!r}: {self.said()}"
        answer = self.process.stdout.readline().decode().strip()
        assert answer, f"the driver ended at {line!r}: {self.said()}"
        return answer

    def status(self):
        return json.loads(self.order("status"))

    def until(self, condition, what, seconds=20):
        """The first status that meets the condition."""
        def look():
            status = self.status()
            return status if condition(status) else None
        try:
            return wait_until(look, seconds, what)
        except TimeoutError as late:
            raise AssertionError(f"{late}: {self.status()}\n{self.said()}") from None

    def state(self, name, seconds=20):
        return self.until(lambda s: s["state"] == name, name, seconds)

    def caught_up(self, seconds=60):
        return self.until(lambda s: s["confirmed"] == s["newest"], "caught up", seconds)

    def end(self, drain_ms=2000):
        """How long stopping took, in ms."""
        ms = int(self.order(f"end {drain_ms}").split()[2])
        assert self.process.wait(20) == 0, self.said()
        return ms

    def kill(self):
        self.process.kill()
        self.process.wait()

    def said(self):
        self.log.seek(0)
        return self.log.read()


@pytest.fixture
def live(tmp_path):
    """live(conninfo, …): a Driver; killed at the end if it still lives."""
    drivers = []

    def start(conninfo, folder="journal", **settings):
        drivers.append(Driver(tmp_path / folder, conninfo, **settings))
        return drivers[-1]
    yield start
    for driver in drivers:
        driver.kill()
        driver.process.stdin.close()
        driver.process.stdout.close()
        driver.log.close()


@pytest.fixture
def target(schema):
    """As the daemon connects: with its own account, over TCP."""
    return conninfo(schema)


def conninfo(schema, port=None):
    server = schema.server
    return (f"hostaddr=127.0.0.1 port={port or server.port} dbname={schema.name} user=test_daemon "
            f"password={server.password}")


def one(schema, sql):
    return schema.run(sql)[0][0]


def assert_whole(schema, alerts, node=1):
    """Every alert once, in order without a hole, and the cursor at the last record."""
    assert one(schema, f"SELECT count(*) FROM alerts WHERE node = {node}") == alerts
    assert schema.run(f"""SELECT epoch, number FROM (SELECT epoch, number,
        lag(number, 1, 0::bigint) OVER (PARTITION BY epoch ORDER BY number) AS before FROM (
            SELECT epoch, number FROM alerts WHERE node = {node} UNION
            SELECT epoch, number FROM trail WHERE node = {node} UNION
            SELECT epoch, number FROM set_aside WHERE node = {node}) AS every) AS a
        WHERE number <> before + 1""") == []


# What is written ---------------------------------------------------------------------------------------

def test_every_table(schema, live, target):
    driver = live(target)
    driver.order("raise 3")
    driver.order("press 5 3")
    driver.order("call 06 39 98 00 01")
    driver.order("act prends contact")
    driver.caught_up()
    assert one(schema, "SELECT count(*) FROM alerts") == 9
    assert one(schema, "SELECT count(*) FROM revisions") == 9
    assert schema.run("SELECT revision, state, taken_by, practitioners IS NOT NULL, centres, reasons, lat, commune "
                      "FROM incidents ORDER BY incident LIMIT 1") == [
        (2, "taken", "B. Exemple", True, ["cic-77:owner", "corg-77:informed"],
         ["who-source-owner", "route-commune"], 48.54, "77288")]
    assert schema.run("SELECT DISTINCT name, phone, retain_until - current_date FROM incident_names") == [
        ("Dr Aline Exemple", "+33639980001", 2192)]
    assert schema.run("SELECT phase, presented_to FROM calls") == [("answered", "cic-77")]
    assert schema.run("SELECT who, via, what, object, note_sha256 = sha256('prends contact') FROM trail") == [
        ("B. Exemple", "cic-77", "take", "incident", True)]
    assert schema.run("SELECT * FROM trail_check()") == []
    assert sorted(schema.run("SELECT coalesce(caller, address, note) FROM words")) == [
        ("06 39 98 00 01",), ("12 rue Inventée",), ("12 rue Inventée",), ("12 rue Inventée",), ("prends contact",)]
    assert driver.end() < 1000


def test_names_end_as_their_department_says(schema, live, target):
    schema.run("BEGIN; INSERT INTO departments (code, name, stand_in, operations, names_kept_days) "
               "VALUES ('77', 'Seine-et-Marne', 'corg-77', 'ops-77', 30); INSERT INTO centres (id, department, kind, "
               "name) VALUES ('corg-77', '77', 'gendarmerie', 'CORG'), ('ops-77', '77', 'operations', 'Ops'); COMMIT")
    driver = live(target)
    driver.order("raise 1")
    driver.caught_up()
    for table in ("incident_names", "words"):
        assert one(schema, f"SELECT retain_until - current_date FROM {table}") == 30


def test_changes_merge_across_batches(schema, live, target):
    """The same incident in one batch and in many: the same row in the end."""
    driver = live(target)
    driver.order("raise 1")
    driver.caught_up()
    for _ in range(5):
        driver.order("press 10 1")
        driver.caught_up()
    driver.order("act note")
    driver.caught_up()
    assert schema.run("SELECT state, priority, level, array_length(centres, 1), place_is FROM (SELECT *, "
                      "lat IS NOT NULL AND origin = 'live' AS place_is FROM incidents) i") == [("taken", 1, 0, 2, True)]
    assert one(schema, "SELECT alerts_total FROM incidents") == one(
        schema, "SELECT alerts_total FROM revisions WHERE alerts_total IS NOT NULL ORDER BY number DESC LIMIT 1")
    assert one(schema, "SELECT count(*) FROM revisions WHERE practitioners IS NULL") == 51  # unchanged


def test_pace(schema, live, target):
    """A steady trickle costs so many commits a second and no more; a single record does not wait."""
    driver = live(target, pace_ms=100)
    driver.order("raise 1")
    driver.caught_up()
    before = driver.status()["batches"]
    driver.order("rate 200 2")
    batches = driver.caught_up()["batches"] - before
    assert 5 <= batches <= 26, batches  # 2 s in steps of 100 ms


# Hung, gone, cut ---------------------------------------------------------------------------------------

def test_starts_without_a_database(schema, live, target):
    schema.server.stop()
    driver = live(target)
    away = driver.state("away")
    assert "refused" in away["why"]
    driver.order("raise 1000")
    schema.server.start()
    driver.caught_up()
    assert_whole(schema, 1000)


def test_killed_and_back(schema, live, target):
    """kill -9 of every backend, again and again, while records come."""
    driver = live(target)
    driver.order("raise 10")
    driver.caught_up()
    for _ in range(3):
        driver.order("press 3000 10")
        schema.server.kill()
        driver.order("press 3000 10")
        driver.state("away")
        schema.server.start()
        driver.state("following")
    driver.caught_up()
    assert_whole(schema, 18010)
    assert driver.status()["connections"] >= 4


def test_hung_and_stopped_in_time(schema, live, target):
    driver = live(target, answer_ms=60000)
    driver.order("raise 10")
    driver.caught_up()
    schema.server.freeze()
    driver.order("raise 10")  # a batch is on its way, and nothing answers
    driver.until(lambda s: s["lag_ms"] > 200, "a lag that shows")
    assert driver.end(drain_ms=300) < 1300


def test_hung_and_given_up(schema, live, target):
    """What was sent to a backend that hung may still be committed: nothing is doubled by that."""
    driver = live(target, answer_ms=500)
    driver.order("raise 10")
    driver.caught_up()
    schema.server.freeze()
    driver.order("press 500 10")
    away = driver.until(lambda s: s["state"] == "away" and "no answer" in s["why"], "away")
    assert away["confirmed"] != away["newest"]
    driver.order("press 500 10")
    schema.server.thaw()
    driver.caught_up()
    assert_whole(schema, 1010)


def test_hung_while_connecting(schema, live, target):
    schema.server.freeze()
    driver = live(target)
    away = driver.until(lambda s: s["state"] == "away", "away")
    assert away["why"] == "no answer while connecting"
    assert driver.end(drain_ms=100) < 1100


class Proxy:
    """A network that can be cut between the follower and PostgreSQL: bytes then vanish, nothing closes."""

    def __init__(self, port):
        self.server_port = port
        self.is_cut = False
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.is_cut:
                    sink.sendall(data)
            if not self.is_cut:
                sink.shutdown(socket.SHUT_WR)

    def close(self):
        for s in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def test_network_cut(schema, live):
    proxy = Proxy(schema.server.port)
    try:
        driver = live(conninfo(schema, proxy.port), answer_ms=700)
        driver.order("raise 10")
        driver.caught_up()
        proxy.is_cut = True
        driver.order("press 1000 10")
        driver.until(lambda s: s["state"] == "away", "away")
        proxy.is_cut = False
        driver.caught_up()
        assert_whole(schema, 1010)
    finally:
        proxy.close()


def test_second_host(schema, live):
    """The first host hangs, the second answers; and a standby's place is passed over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = schema.server
        driver = live(f"hostaddr=127.0.0.1,127.0.0.1 port={silent.getsockname()[1]},{server.port} "
                      f"dbname={schema.name} user=test_daemon password={server.password}")
        following = driver.state("following")
        assert following["host"] == f"127.0.0.1:{server.port}"
        driver.order("raise 1")
        driver.caught_up()


def test_read_only_is_no_place_to_follow(schema, live, target):
    schema.run(f"ALTER DATABASE {schema.name} SET default_transaction_read_only = on")
    driver = live(target)
    away = driver.state("away")
    assert "read-only" in away["why"]
    schema.server.run(f"ALTER DATABASE {schema.name} SET default_transaction_read_only = off")
    driver.state("following")


# Behind, older, newer ----------------------------------------------------------------------------------

def test_reads_the_journal_when_memory_let_go(schema, live, target):
    schema.server.stop()
    driver = live(target, queue_bytes=200_000)
    driver.order("raise 5000")
    status = driver.status()
    assert status["lag_bytes"] < 1_000_000 and status["lag_records"] == 5000
    schema.server.start()
    driver.order("press 5000 100")  # and more comes while it reads
    driver.caught_up()
    assert_whole(schema, 10000)
    assert driver.status()["lost"] == 0


def test_memory_keeps_what_the_journal_has_not_confirmed(schema, live, target):
    schema.server.stop()
    driver = live(target, queue_bytes=200_000)
    driver.state("away")
    driver.order("deaf 1")  # the journal confirms nothing any more
    answer = driver.order("fill 5000")
    assert answer.startswith("full after "), answer
    count = int(answer.split()[2])
    assert 100 < count < 1000
    schema.server.start()
    driver.caught_up()
    assert_whole(schema, count)
    assert driver.order("fill 1") == "not full after 1"


def test_a_new_life_goes_on(schema, live, target):
    """What one life of the node did not bring over, the next one reads from the journal."""
    first = live(target)
    first.order("raise 100")
    first.caught_up()
    schema.server.stop()
    first.order("raise 400")
    first.state("away")
    first.end(0)
    second = live(target)
    second.order("raise 50")
    schema.server.start()
    second.caught_up()
    assert_whole(schema, 550)
    assert one(schema, "SELECT count(DISTINCT epoch) FROM alerts") == 2


def test_killed_node(schema, live, target):
    """kill -9 of the node amid its work: the journal has all that it confirmed, and so has PostgreSQL then."""
    for _ in range(3):
        driver = live(target)
        driver.order("raise 3000")
        driver.kill()
    driver = live(target)
    driver.order("raise 1")
    driver.caught_up()
    rows = schema.run("SELECT epoch, count(*), max(number) FROM alerts GROUP BY 1 ORDER BY 1")
    assert rows and all(count == last for _, count, last in rows)


def test_an_older_database_is_filled_again(new_schema, live):
    """A backup of an hour ago takes the place of the database: the journal has what lies between."""
    schema = new_schema()
    driver = live(conninfo(schema))
    driver.order("raise 500")
    driver.caught_up()
    driver.end()
    server, backup = schema.server, f"{schema.name}_backup"
    server.run(f"CREATE DATABASE {backup} TEMPLATE {schema.name}")
    driver = live(conninfo(schema))
    driver.order("raise 700")
    driver.caught_up()
    server.run(f"ALTER DATABASE {schema.name} ALLOW_CONNECTIONS false")
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{schema.name}'")
    driver.state("away")
    server.run(f"DROP DATABASE {schema.name} WITH (FORCE)")
    server.run(f"ALTER DATABASE {backup} RENAME TO {schema.name}")
    driver.order("raise 20")
    driver.caught_up()
    assert_whole(schema, 1220)
    driver.end()
    drop(schema)


def test_a_cursor_set_back_by_hand(schema, live, target):
    """All is there already: nothing is doubled, nothing set aside, no newer state overwritten."""
    driver = live(target)
    driver.order("raise 200")
    driver.order("act note")
    driver.caught_up()
    driver.end()
    before = schema.run("SELECT * FROM incidents ORDER BY incident")
    schema.run("UPDATE node_cursor SET number = 20")
    driver = live(target)
    driver.order("raise 10")
    driver.caught_up()
    assert_whole(schema, 210)
    assert one(schema, "SELECT count(*) FROM set_aside") == 0
    assert schema.run("SELECT * FROM incidents ORDER BY incident")[:200] == before
    assert "postgres-has-it" in driver.said()


def test_a_cursor_moved_by_another(schema, live, target):
    """Two daemons with one number: neither writes over the other, and it is said."""
    driver = live(target)
    driver.order("raise 10")
    driver.caught_up()
    schema.run("UPDATE node_cursor SET number = 999999")
    driver.order("raise 10")
    foreign = driver.state("foreign")
    assert ":999999, which it never was" in foreign["why"]
    assert one(schema, "SELECT count(*) FROM alerts") == 10
    assert driver.end(100) < 1100


# The schema --------------------------------------------------------------------------------------------

def test_no_schema(database, live):
    database.server.run("DO $$ BEGIN CREATE ROLE test_daemon; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    driver = live(f"hostaddr=127.0.0.1 port={database.server.port} dbname={database.name} user=postgres "
                  f"password={database.server.password}")
    assert driver.state("schema")["why"] == "the database has no schema yet: tocsin db migrate"


def test_a_schema_that_is_too_new(schema, live, target):
    schema.run("UPDATE schema_serves SET oldest_daemon = 999")
    driver = live(target)
    status = driver.state("schema")
    assert "serves daemons from level 999" in status["why"]
    driver.order("raise 100")  # the daemon serves on
    assert one(schema, "SELECT count(*) FROM alerts") == 0
    schema.run("UPDATE schema_serves SET oldest_daemon = 1")
    driver.caught_up()
    assert_whole(schema, 100)


def test_a_schema_that_is_too_old(schema, live, target):
    schema.run("DELETE FROM schema_version WHERE number = (SELECT max(number) FROM schema_version)")
    assert "tocsin db migrate" in live(target).state("schema")["why"]


# What the database refuses -----------------------------------------------------------------------------

def test_poison_among_thousands(schema, live, target):
    schema.server.stop()
    driver = live(target)
    driver.order("raise 700")
    driver.order(b"note caf\xe9")  # not UTF-8: 22021
    driver.order("raise 800")
    driver.order("garbage")  # no record at all
    driver.order(b"note \xff\xfe")
    driver.order(b"note \xc3\x28")
    driver.order("note café")  # nothing wrong with it
    driver.order("raise 500")
    schema.server.start()
    status = driver.caught_up()
    assert (status["set_aside"], status["lost"]) == (4, 0)
    assert schema.run("SELECT number, sqlstate FROM set_aside ORDER BY number") == [
        (701, "22021"), (1502, "TC002"), (1503, "22021"), (1504, "22021")]
    assert bytes(one(schema, "SELECT record FROM set_aside WHERE number = 1502")) == b"\xff\xff\xff no record"
    assert b"caf\xe9" in bytes(one(schema, "SELECT record FROM set_aside WHERE number = 701"))
    assert one(schema, "SELECT note FROM words WHERE note IS NOT NULL") == "café"
    assert_whole(schema, 2001)
    assert driver.said().count("record-set-aside") == 3
    assert "caf" not in driver.said()  # a payload is never logged


def test_a_refusal_by_a_constraint(schema, live, target):
    """Any rule of the database's own: the record that breaks it is set aside with its reason."""
    schema.run("ALTER TABLE alerts ADD CONSTRAINT no_thirteen CHECK (number <> 13)")
    driver = live(target)
    driver.order("raise 40")
    driver.caught_up()
    assert schema.run("SELECT number, sqlstate, reason LIKE '%no_thirteen%' FROM set_aside") == [(13, "23514", True)]
    assert_whole(schema, 39)


def test_rights_are_not_the_records_fault(schema, live, target):
    """Without the right to write nothing is set aside: it waits, and says why."""
    schema.run("REVOKE INSERT ON alerts FROM tocsin_daemon")
    driver = live(target)
    driver.order("raise 10")
    away = driver.until(lambda s: s["state"] == "away" and "permission denied" in s["why"], "away")
    assert away["set_aside"] == 0
    schema.run("GRANT INSERT ON alerts TO tocsin_daemon")
    driver.caught_up()
    assert_whole(schema, 10)


def test_a_lock_holds_it_up_and_no_longer(schema, live, target):
    """A transaction that locks a table: statement_timeout ends each try, the queue grows, then all is written."""
    driver = live(target, answer_ms=600)
    driver.order("raise 10")
    driver.caught_up()
    connection = schema.connect()
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
        driver.order("press 300 10")
        driver.until(lambda s: s["state"] == "away", "away")
    connection.rollback()
    connection.close()
    driver.caught_up()
    assert_whole(schema, 310)
    assert driver.status()["set_aside"] == 0


def test_a_slow_database_gets_less_at_a_time(schema, live, target):
    """A batch that cannot be done in time is halved until it can: a slow database is never stuck."""
    schema.run("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
               "'BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END'")
    schema.run("CREATE TRIGGER slow BEFORE INSERT ON alerts FOR EACH ROW EXECUTE FUNCTION slow()")
    driver = live(target, answer_ms=400)
    driver.order("raise 150")  # 1.5 s and more
    driver.caught_up()
    assert_whole(schema, 150)
    assert driver.status()["set_aside"] == 0


def test_two_nodes_in_one_database(schema, live, target):
    one_node, other = live(target, "one", node=1), live(target, "other", node=2)
    for driver in (one_node, other):
        driver.order("raise 50")
        driver.order("act note")
    for driver in (one_node, other):
        driver.caught_up()
    assert schema.run("SELECT node, count(*) FROM alerts GROUP BY 1 ORDER BY 1") == [(1, 50), (2, 50)]
    assert schema.run("SELECT chain, seq, node FROM trail ORDER BY 1") == [(1, 1, 1), (2, 1, 2)]
    assert schema.run("SELECT * FROM trail_check()") == []


def test_the_end_drains(schema, live, target):
    driver = live(target, pace_ms=1000)
    driver.order("raise 1")
    driver.caught_up()
    driver.order("raise 2000")
    driver.end(10000)
    assert_whole(schema, 2001)


def test_no_password_in_the_log(schema, live, target):
    driver = live(target.replace(schema.server.password, "wrong-secret"))
    away = driver.state("away")
    assert "password authentication failed" in away["why"]
    assert "wrong-secret" not in driver.said() + json.dumps(away)
