"""The loader alone, against a real PostgreSQL: what the registry in memory holds, how soon it follows,
and what it does without its database. registry_probe takes the loop's side."""

import json
import signal
import subprocess

import pytest
from wait import wait_until

GROUND = """
    INSERT INTO departments (code, name, stand_in, operations)
        VALUES ('77', 'Seine-et-Marne', 'corg-77', 'ops-77');
    INSERT INTO centres (id, department, kind, name, other_centre) VALUES
        ('cic-77', '77', 'police', 'CIC 77', 'corg-77'),
        ('corg-77', '77', 'gendarmerie', 'CORG 77', 'cic-77'),
        ('ops-77', '77', 'operations', 'Exploitation 77', NULL);
    INSERT INTO tribunals VALUES ('77', 'Melun');
    INSERT INTO communes (code, department, name, postal_codes, tribunal, centre, lat, lon) VALUES
        ('77288', '77', 'Melun', '{77000}', 'Melun', 'cic-77', 48.54, 2.66),
        ('77327', '77', 'Nangis', '{77370}', 'Melun', 'corg-77', 48.5545, 3.0088);
"""


def uuid7(n):
    return f"01900000-0000-7000-8000-{n:012x}"


NOBODY = "00000000-0000-0000-0000-000000000000"
PEOPLE = f"""
    INSERT INTO practitioners (id, department, name, profession, specialty, rpps, exposed) VALUES
        ('{uuid7(1)}', '77', 'Dr Aline Exemple', 'médecin', 'médecine générale', 10100000016, 'menaces'),
        ('{uuid7(2)}', '77', 'Dr Bruno Exemple', 'sage-femme', '', NULL, '');
    INSERT INTO sites (id, department, label, address, access, commune, lat, lon, precision) VALUES
        ('{uuid7(11)}', '77', 'Cabinet des Tilleuls', '12 rue Inventée', '1er étage', '77288', 48.54, 2.66, 'exact'),
        ('{uuid7(12)}', '77', 'Maison de santé', '3 allée Inventée', '', '77327', NULL, NULL, 'commune');
    INSERT INTO practitioner_sites VALUES
        ('{uuid7(1)}', '{uuid7(12)}', '77', 2), ('{uuid7(1)}', '{uuid7(11)}', '77', 1);
    INSERT INTO numbers (practitioner, department, number, place, shared) VALUES
        ('{uuid7(1)}', '77', '+33199000001', 2, true), ('{uuid7(1)}', '77', '+33639980001', 1, false),
        ('{uuid7(2)}', '77', '+33199000001', 1, true);
    INSERT INTO consents (practitioner, department, centre, given_at, evidence, withdrawn_at) VALUES
        ('{uuid7(1)}', '77', 'cic-77', '2026-01-02', 'formulaire 1', NULL),
        ('{uuid7(1)}', '77', 'corg-77', '2026-01-02', 'formulaire 1', '2026-02-01');
    INSERT INTO sources (id, department, name, kind, has_panic_button, owner, site, issuer, subject, supervision_s)
        VALUES ('{uuid7(21)}', '77', 'bracelet-1', 'device', true, '{uuid7(1)}', NULL, 'CN=Test CA', 'CN=bracelet-1', 180),
               ('{uuid7(22)}', '77', 'bouton-1', 'button', true, NULL, '{uuid7(11)}', '', '', 0);
    INSERT INTO advisers VALUES ('{uuid7(31)}', '77', 'Major Exemple', '+33199000031');
    INSERT INTO adviser_communes VALUES ('77288', '77', '{uuid7(31)}');
"""


class Probe:
    """registry_probe: ask("state") gives what it answers."""

    def __init__(self, program, conninfo, folder, answer_ms=1000):
        self.process = subprocess.Popen([program, conninfo, folder, str(answer_ms)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def state(self):
        return self.ask("state")

    def person(self, n):
        return self.ask("person", uuid7(n))

    def until(self, condition, what, seconds=10):
        return wait_until(lambda: condition(self), seconds, what)

    def current(self):
        self.until(lambda p: p.state()["connected"], "the registry is current", 30)

    def stop(self):
        """How long it took to stop, in milliseconds."""
        _, said = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, said
        return int(said.split("stopped in ")[1].split()[0])

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def db(schema):
    for sql in (GROUND, PEOPLE):
        schema.run(sql)
    return schema


@pytest.fixture
def start(db, build, tmp_path):
    """start(): a probe that connects as the daemon's role."""
    probes = []

    def make(**more):
        probes.append(Probe(build / "registry_probe", db.dsn(user="test_daemon"), tmp_path, **more))
        return probes[-1]
    yield make
    for probe in probes:
        probe.kill()


def within_a_second(probe, condition, what):
    probe.until(condition, what, seconds=1)


def test_everything_is_there(start):
    probe = start()
    probe.current()
    assert probe.person(1) == {
        "id": uuid7(1), "department": "77", "name": "Dr Aline Exemple", "profession": "médecin",
        "specialty": "médecine générale", "exposed": "menaces", "rpps": 10100000016,
        "numbers": [["+33639980001", False], ["+33199000001", True]],
        "sites": [uuid7(11), uuid7(12)], "consents": ["cic-77"]}
    assert probe.person(2)["rpps"] == 0
    assert sorted(probe.ask("number", "+33199000001")) == [uuid7(1), uuid7(2)]
    assert probe.ask("number", "+33639980001") == [uuid7(1)]
    assert probe.ask("number", "+33639989999") == []
    site = probe.ask("site", uuid7(11))
    assert (site["label"], site["access"], site["commune"], site["lat"], site["lon"], site["has_point"]) == (
        "Cabinet des Tilleuls", "1er étage", "77288", 48.54, 2.66, True)
    assert not probe.ask("site", uuid7(12))["has_point"]
    source = probe.ask("source", "bracelet-1")
    assert (source["owner"], source["issuer"], source["subject"], source["supervision"], source["panic"]) == (
        uuid7(1), "CN=Test CA", "CN=bracelet-1", 180, True)
    assert probe.ask("source", "bouton-1")["site"] == uuid7(11)
    assert probe.ask("commune", "77288") == {"name": "Melun", "tribunal": "Melun", "centre": "cic-77",
                                             "adviser": "Major Exemple", "adviser_number": "+33199000031"}
    assert probe.ask("commune", "77327")["adviser"] == ""
    state = probe.state()
    assert (state["refused"], state["loads"], state["why"]) == (0, 1, "")


CHANGES = {
    "name": ("UPDATE practitioners SET name = 'Dr Aline Autre' WHERE id = %s",
             lambda p: p.person(1)["name"] == "Dr Aline Autre"),
    "number added": (f"INSERT INTO numbers VALUES ('{uuid7(1)}', '77', '+33639980007', 3, '', false)",
                     lambda p: p.ask("number", "+33639980007") == [uuid7(1)]),
    "number removed": (f"DELETE FROM numbers WHERE practitioner = '{uuid7(1)}' AND number = '+33639980001'",
                       lambda p: p.ask("number", "+33639980001") == []),
    "consent withdrawn": (f"UPDATE consents SET withdrawn_at = now() WHERE practitioner = '{uuid7(1)}' AND "
                          "centre = 'cic-77'", lambda p: p.person(1)["consents"] == []),
    "main site": (f"UPDATE practitioner_sites SET place = 3 - place WHERE practitioner = '{uuid7(1)}'",
                  lambda p: p.person(1)["sites"] == [uuid7(12), uuid7(11)]),
    "site": (f"UPDATE sites SET access = 'sonnette' WHERE id = '{uuid7(11)}'",
             lambda p: p.ask("site", uuid7(11))["access"] == "sonnette"),
    "source revoked": ("UPDATE sources SET state = 'revoked' WHERE name = 'bracelet-1'",
                       lambda p: p.ask("source", "bracelet-1")["state"] == 2),
    "source removed": ("DELETE FROM sources WHERE name = 'bouton-1'", lambda p: p.ask("source", "bouton-1") is None),
    "person removed": (f"DELETE FROM practitioners WHERE id = '{uuid7(1)}'",
                       lambda p: p.person(1) is None and p.ask("number", "+33639980001") == []
                       and p.ask("source", "bracelet-1")["owner"] == NOBODY),
    "commune": ("UPDATE communes SET centre = 'corg-77' WHERE code = '77288'",
                lambda p: p.ask("commune", "77288")["centre"] == "corg-77"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_followed_within_a_second(start, db, change):
    sql, seen = CHANGES[change]
    probe = start()
    probe.current()
    assert not seen(probe)
    db.run(sql.replace("%s", f"'{uuid7(1)}'"))
    within_a_second(probe, seen, change)
    assert probe.state()["loads"] == 1 and probe.state()["registries"] == 1  # not all of it anew


def test_away_and_back(start, db, postgres):
    probe = start()
    probe.current()
    postgres.kill()
    probe.until(lambda p: not p.state()["connected"], "it says that the database is away")
    assert probe.state()["why"] and probe.person(1)["name"] == "Dr Aline Exemple"
    postgres.start()
    db.run(f"UPDATE practitioners SET name = 'Dr Revenue' WHERE id = '{uuid7(1)}'")
    probe.until(lambda p: p.person(1)["name"] == "Dr Revenue", "the change is there after the reconnection")
    assert probe.state()["loads"] == 1


def test_frozen(start, postgres):
    probe = start(answer_ms=500)
    probe.current()
    postgres.freeze()
    try:
        probe.until(lambda p: not p.state()["connected"], "it says that the database does not answer")
        assert probe.state()["why"] == "no answer in time"
        assert probe.person(1)["name"] == "Dr Aline Exemple"
        assert probe.stop() < 1000
    finally:
        postgres.thaw()


def test_starts_from_the_snapshot(start, db, postgres, tmp_path):
    probe = start()
    probe.current()
    assert probe.stop() < 1000
    for name in ("registry", "territory"):
        assert (tmp_path / f"{name}.snapshot").stat().st_mode & 0o777 == 0o600
    postgres.stop()
    probe = start()
    probe.until(lambda p: p.person(1), "the snapshot serves")
    probe.until(lambda p: p.state()["why"], "and it says why it is old")
    state = probe.state()
    assert state["from_snapshot"] and not state["connected"] and state["as_of"]
    assert probe.ask("commune", "77288")["centre"] == "cic-77"
    postgres.start()
    db.run(f"DELETE FROM practitioners WHERE id = '{uuid7(2)}'")
    probe.until(lambda p: p.person(2) is None, "the changes since are read")
    probe.current()
    assert probe.state()["loads"] == 1 and probe.state()["registries"] == 1  # that of the snapshot


def test_withdrawn_leaves_the_snapshot(start, db, tmp_path):
    probe = start()
    probe.current()

    def holds(text):
        return text.encode() in (tmp_path / "registry.snapshot").read_bytes()
    wait_until(lambda: holds("Dr Bruno Exemple"), 5, "the snapshot is written")
    db.run(f"DELETE FROM practitioners WHERE id = '{uuid7(2)}'")
    wait_until(lambda: not holds("Dr Bruno Exemple"), 1, "the person is out of the snapshot")
    assert holds("Dr Aline Exemple")


def test_killed_between_change_and_snapshot(start, db):
    """What the snapshot lacks is read at the next start, from its version on."""
    probe = start()
    probe.current()
    probe.process.send_signal(signal.SIGKILL)
    probe.process.wait()
    db.run(f"UPDATE practitioners SET name = 'Dr Entretemps' WHERE id = '{uuid7(1)}'")
    probe = start()
    probe.current()
    probe.until(lambda p: p.person(1)["name"] == "Dr Entretemps", "the change is there")


def test_many_changes(start, db):
    """Some hundreds come as changes, very many by reading everything again."""
    probe = start()
    probe.current()
    db.run("INSERT INTO practitioners (id, department, name, profession) SELECT "
           "('01900000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, '77', 'Dr ' || n, 'médecin' "
           "FROM generate_series(1, 900) AS n")
    probe.until(lambda p: p.ask("size")["practitioners"] == 902, "900 more")
    assert probe.state()["loads"] == 1
    db.run("INSERT INTO practitioners (id, department, name, profession) SELECT "
           "('01900000-0000-7000-8002-' || lpad(to_hex(n), 12, '0'))::uuid, '77', 'Dr ' || n, 'médecin' "
           "FROM generate_series(1, 25000) AS n")  # more than one portion of 20,000
    probe.until(lambda p: p.ask("size")["practitioners"] == 25902, "25,000 more", 60)
    assert probe.state()["loads"] == 2
    db.run("DELETE FROM practitioners WHERE name LIKE 'Dr 1%'")
    count = db.run("SELECT count(*) FROM practitioners")[0][0]
    probe.until(lambda p: p.ask("size")["practitioners"] == count, "many are gone", 60)


def test_a_schema_that_is_not_ours(database, build, tmp_path):
    probe = Probe(build / "registry_probe", database.dsn(), tmp_path)
    try:
        probe.until(lambda p: "db migrate" in p.state()["why"], "it says that there is no schema")
    finally:
        probe.kill()
