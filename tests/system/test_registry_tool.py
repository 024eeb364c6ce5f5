"""The verbs registry and source, as their role: all or nothing, each bad row with its place, and an
operator's name for everything that was done or looked at."""

import csv
import io
import json
import subprocess

import pytest

GROUND = """
    INSERT INTO departments (code, name, stand_in, operations) VALUES
        ('77', 'Seine-et-Marne', 'corg-77', 'ops-77'), ('91', 'Essonne', 'cic-91', 'ops-91');
    INSERT INTO centres (id, department, kind, name, other_centre) VALUES
        ('cic-77', '77', 'police', 'CIC 77', 'corg-77'), ('corg-77', '77', 'gendarmerie', 'CORG 77', 'cic-77'),
        ('ops-77', '77', 'operations', 'Exploitation 77', NULL), ('cic-91', '91', 'police', 'CIC 91', NULL),
        ('ops-91', '91', 'operations', 'Exploitation 91', NULL);
"""
PEOPLE = """\
department;name;profession;specialty;rpps;exposed;numbers;shared_numbers;site;address;access;commune;lat;lon;consents;given_at;evidence
77;Dr Aline Exemple;médecin;médecine générale;10100000016;;06 39 98 00 01, +33 (0)6 39 98 00 02;01 99 00 00 01;Cabinet des Tilleuls;"12 rue ""Inventée"", bât. A";1er étage;77288;48.54;2.66;cic-77, corg-77;2026-01-31;formulaire 1
77;Dr Aline Exemple;médecin;médecine générale;10100000016;;;;Clinique du Parc;3 allée Inventée;;77288;;;;;
# a remark, and a person without a number in the RPPS
77;Dr Bruno Exemple;médecin;pédiatrie;;menaces en 2025;06.39.98.00.03;01 99 00 00 01;Cabinet des Tilleuls;"12 rue ""Inventée"", bât. A";;77288;;;cic-77;2026-02-01;formulaire 2
"""


@pytest.fixture
def db(schema):
    schema.run(GROUND)
    return schema


@pytest.fixture
def tool(db, tocsin):
    """tool("registry", "show", ...): run as the registry's role, by C. Exemple."""
    def run(verb, action, *arguments, code=0, who="C. Exemple"):
        operator = ("--operator", who) if action not in ("list",) else ()
        done = tocsin(verb, action, "--database", db.dsn(user="test_registry"), *operator, *arguments)
        assert done.returncode == code, done.stderr
        return done
    return run


@pytest.fixture
def people(tool, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    tool("registry", "import", file)
    return file


def show(tool, whom, **more):
    return [json.loads(line) for line in tool("registry", "show", "--json", whom, **more).stdout.splitlines()]


def trail(db):
    assert db.run("SELECT * FROM trail_check()") == []
    return db.run("SELECT who, via, what, object, object_id, detail FROM trail ORDER BY seq")


def test_import(tool, people, db):
    [aline] = show(tool, "10100000016")
    assert (aline["name"], aline["specialty"]) == ("Dr Aline Exemple", "médecine générale")
    assert [(n["number"], n["shared"]) for n in aline["numbers"]] == [
        ("+33639980001", False), ("+33639980002", False), ("+33199000001", True)]
    assert [(s["label"], s["address"], s["access"], s["lat"], s["precision"]) for s in aline["sites"]] == [
        ("Cabinet des Tilleuls", '12 rue "Inventée", bât. A', "1er étage", 48.54, "address"),
        ("Clinique du Parc", "3 allée Inventée", "", None, "commune")]
    assert [c["centre"] for c in aline["consents"]] == ["cic-77", "corg-77"]
    [bruno] = show(tool, "dr bruno exemple")
    assert bruno["rpps"] is None and bruno["exposed"] == "menaces en 2025"
    assert bruno["sites"][0]["id"] == aline["sites"][0]["id"]  # one surgery, not two
    assert [p["id"] for p in show(tool, "01 99 00 00 01")] == [aline["id"], bruno["id"]]


def test_a_second_time_changes_nothing(tool, people, db):
    before = db.run("SELECT version FROM registry_version")
    assert tool("registry", "import", people).stdout == "2 people, 0 added, 0 changed\n"
    assert db.run("SELECT version FROM registry_version") == before


def test_brought_up_to_date(tool, people, tmp_path, db):
    file = tmp_path / "new.csv"
    file.write_text("department;name;profession;rpps;numbers\n77;Dr Aline Nouvelle;médecin;10100000016;06 39 98 00 09\n")
    assert tool("registry", "import", file).stdout == "1 people, 0 added, 1 changed\n"
    [aline] = show(tool, "0639980009")
    assert aline["name"] == "Dr Aline Nouvelle" and len(aline["numbers"]) == 1
    assert len(aline["sites"]) == 2 and len(aline["consents"]) == 2  # of which the file says nothing


BAD = """\
department;name;profession;rpps;numbers;site;address;commune;lat;lon;consents;given_at;evidence
77;Dr Un;médecin;10100000017;;;;;;;;;
77;Dr Deux;médecin;;12;;;;;;;;
77;Dr Trois;médecin;;;Cabinet;rue;77000 Melun;;;;;
77;Dr Quatre;médecin;;;;;;;;cic-77;;
99;Dr Cinq;médecin;;;;;;;;;;
77;Dr Six;médecin;;;Cabinet;rue;77288;91;2;;;
77;Dr Sept;médecin;;;;;;;;cic-99;2026-01-01;f
77;Dr Huit;médecin;;06 39 98 00 01;;;;;;;;
77;;médecin;;;;;;;;;;
77;"Dr Neuf;médecin
77;Dr Bon;médecin;;;;;;;;;;
"""


def test_all_or_nothing(tool, people, tmp_path, db):
    file = tmp_path / "bad.csv"
    file.write_text(BAD)
    before = db.run("SELECT version FROM registry_version")
    said = tool("registry", "import", file, code=1).stderr.splitlines()
    expected = [(2, "rpps:"), (3, "numbers: '12'"), (4, "commune: '77000 Melun'"), (5, "given_at:"),
                (6, "department: there is no '99'"), (7, "lat, lon: '91'"), (8, "consents: there is no centre 'cic-99'"),
                (9, "numbers: another person's own number is"), (10, "name:"), (11, "")]
    for (line, what), told in zip(expected, said, strict=False):
        assert told.startswith(f"{file}:{line}: {what}"), told
    assert "nothing was imported" in said[-1]
    assert db.run("SELECT version FROM registry_version") == before
    assert db.run("SELECT count(*) FROM trail WHERE what = 'add'")[0][0] == 2


def test_a_column_that_nobody_knows(tool, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("department;name;profession;nombers\n77;Dr Un;médecin;0639980001\n")
    assert "nombers" in tool("registry", "import", file, code=1).stderr


def test_dry_run(tool, tmp_path, db):
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    assert "2 added" in tool("registry", "import", "--dry-run", file).stdout
    assert db.run("SELECT count(*) FROM practitioners")[0][0] == 0


def test_each_look_is_noted(tool, people, db):
    [bruno] = show(tool, "0639980003", who="D. Autre")
    tool("registry", "show", "0639980099", code=1, who="D. Autre")
    tool("registry", "export", who="E. Encore")
    looks = [(who, via, what, object_id, detail) for who, via, what, _, object_id, detail in trail(db)
             if what in ("look", "export")]
    assert looks == [("D. Autre", "registry show", "look", bruno["id"], ""),
                     ("D. Autre", "registry show", "look", "", "found=0"),
                     ("E. Encore", "registry export", "export", "", "")]
    assert "33639980099" not in str(trail(db)) and "0639980099" not in str(trail(db))


def test_export_is_a_file_for_import(tool, people, tmp_path, db):
    out = tool("registry", "export").stdout
    rows = list(csv.DictReader(io.StringIO(out), delimiter=";"))
    assert [row["name"] for row in rows] == ["Dr Aline Exemple", "Dr Aline Exemple", "Dr Bruno Exemple"]
    assert rows[0]["address"] == '12 rue "Inventée", bât. A' and rows[0]["consents"] == "cic-77, corg-77"
    file = tmp_path / "again.csv"
    file.write_text(out)
    assert tool("registry", "import", file).stdout == "2 people, 0 added, 0 changed\n"
    everybody = db.run("SELECT count(*) FROM practitioners")[0][0]
    for who in ("10100000016", "Dr Bruno Exemple"):
        tool("registry", "withdraw", who)
    assert tool("registry", "import", file).stdout == f"{everybody} people, {everybody} added, 0 changed\n"
    assert tool("registry", "export").stdout == out


def test_withdraw(tool, people, db):
    tool("registry", "withdraw", "--centre", "corg-77", "10100000016")
    [aline] = show(tool, "10100000016")
    assert [c["withdrawn_at"] is None for c in aline["consents"]] == [True, False]
    tool("registry", "withdraw", "--centre", "corg-77", "10100000016", code=1)
    # An old file does not give it again.
    assert "withdrawn since" in tool("registry", "import", people).stderr
    assert len([c for c in show(tool, "10100000016")[0]["consents"] if c["withdrawn_at"] is None]) == 1
    assert "several people" in tool("registry", "withdraw", "01 99 00 00 01", code=1).stderr
    tool("registry", "withdraw", "10100000016")
    assert "nobody" in tool("registry", "show", "10100000016", code=1).stderr
    assert db.run("SELECT count(*) FROM numbers WHERE number = '+33639980001'")[0][0] == 0
    assert ("C. Exemple", "registry withdraw", "withdraw", "practitioner", aline["id"], "") in trail(db)
    assert "Aline" not in str(trail(db))  # it forgets nothing, so it bears no name


def test_add(tool, db):
    words = ("--department", "77", "--name", "Dr Zoé Exemple", "--profession", "sage-femme", "--numbers",
             "06 39 98 00 09", "--site", "Cabinet", "--address", "1 rue Inventée", "--commune", "77288", "--consents",
             "cic-77", "--given", "2026-01-01", "--evidence", "formulaire 9")
    made = tool("registry", "add", *words).stdout.strip()
    assert [p["id"] for p in show(tool, "0639980009")] == [made]
    assert tool("registry", "add", *words).stdout.strip() == made
    assert "evidence" in tool("registry", "add", *words[:-2], code=1).stderr


@pytest.fixture
def certificate(tmp_path):
    def make(subject):
        file = tmp_path / f"{subject}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", tmp_path / "key", "-out", file, "-subj", f"/C=FR/O=Exemple, SA/CN={subject}"],
                       check=True, capture_output=True)
        return file
    return make


def test_source(tool, people, db, certificate):
    file = certificate("bracelet-1")
    made = tool("source", "add", "--department", "77", "--name", "bracelet-1", "--kind", "device", "--owner",
                "10100000016", "--certificate", file, "--supervision", "180").stdout.strip()
    shown = json.loads(tool("source", "show", "--json", "bracelet-1").stdout)
    name = "CN=bracelet-1,O=Exemple\\, SA,C=FR"  # RFC 2253, 2.4
    assert (shown["id"], shown["issuer"], shown["subject"], shown["panic_button"], shown["supervision_s"]) == (
        made, name, name, True, 180)
    assert shown["owner"] == show(tool, "10100000016")[0]["id"]
    # One certificate speaks for one source, until that one is retired.
    words = ("source", "add", "--department", "77", "--name", "bracelet-2", "--kind", "device", "--certificate", file)
    assert "sources_identity" in tool(*words, code=1).stderr
    tool("source", "retire", "bracelet-1")
    tool(*words, "--no-panic")
    tool("source", "retire", "--revoke", "bracelet-2")
    listed = [json.loads(line) for line in tool("source", "list", "--json", "--kind", "device").stdout.splitlines()]
    assert [(s["name"], s["state"], s["panic_button"]) for s in listed] == [
        ("bracelet-1", "retired", True), ("bracelet-2", "revoked", False)]
    done = [(what, object_id) for _, _, what, kind, object_id, _ in trail(db) if kind == "source"]
    assert done[:2] == [("add", made), ("look", made)]
    assert [what for what, _ in done[2:]] == ["retire", "add", "revoke"]


def test_sources_that_are_refused(tool, db, certificate, tmp_path):
    file = tmp_path / "nothing.pem"
    file.write_text("nothing")
    words = ("source", "add", "--department", "77", "--name", "x")
    assert "no certificate" in tool(*words, "--kind", "button", "--certificate", file, code=1).stderr
    assert "there is no kind" in tool(*words, "--kind", "bracelet", code=2).stderr
    assert "no such owner" in tool(*words, "--kind", "device", "--owner", "10100000016", code=1).stderr
    assert tool(*words, "--kind", "console", "--centre", "cic-77", code=1).stderr  # it has no certificate
    for department in ("77", "91"):
        tool("source", "add", "--department", department, "--name", "accueil", "--kind", "button")
    assert "--department" in tool("source", "show", "accueil", code=1).stderr
    assert tool("source", "show", "--department", "91", "accueil").stdout


def test_the_daemon_may_not(db, tocsin):
    done = tocsin("registry", "withdraw", "--database", db.dsn(user="test_daemon"), "10100000016")
    assert done.returncode == 1 and done.stderr
