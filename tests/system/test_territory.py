"""tocsin territory: official files into the database, whole or not at all, and what is wrong in it."""

import concurrent.futures
import contextlib
import json
import pathlib
import re

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = SOURCE / "sql" / "sample"
CONTOURS = SOURCE.parent / "shared" / "territory" / "communes77-2026.geojson"

TINY_DEPARTMENT = "code;name;stand_in;operations\n90;Territoire d'essai;cic-90;ops-90\n"
TINY_CENTRES = """id;department;kind;name;other
cic-90;90;police;CIC 90;corg-90
corg-90;90;gendarmerie;CORG 90;cic-90
ops-90;90;operations;Exploitation;
"""
TINY_HEADER = "code_commune;libelle_commune;code_postal;institution;tribunal_judiciaire;lon;lat\n"
TINY_COMMUNES = TINY_HEADER + """90001;Essai-lès-Bains;90000;PN;Essai;6.85;47.65
90002;Épreuve;90000-90100;GN;Essai;6.95;47.65
90003;Saint-Contrôle;90100;GN;Essai;6.95;47.55
"""


def square(code, west, south, east, north, **properties):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "properties": {"code": code, **properties},
            "geometry": {"type": "Polygon", "coordinates": [ring]}}


TINY_CONTOURS = [square("90001", 6.8, 47.6, 6.9, 47.7, nom="Essai-lès-Bains"),
                 square("90002", 6.9, 47.6, 7.0, 47.7, nom="Épreuve"),
                 square("90003", 6.9, 47.5, 7.0, 47.6, nom="Saint-Contrôle")]


@pytest.fixture
def territory(tocsin, schema):
    """territory("import", ...): on the test's own database."""
    def run(action, *arguments, dsn=None, timeout=60):
        return tocsin("territory", action, "--database", dsn or schema.dsn(), *arguments, timeout=timeout)
    return run


@pytest.fixture
def write(tmp_path):
    """write("communes.csv", text or features): a file's path."""
    def make(name, content):
        path = tmp_path / name
        if isinstance(content, list):
            content = json.dumps({"type": "FeatureCollection", "features": content})
        path.write_text(content, encoding="utf-8")
        return path
    return make


@pytest.fixture
def sample(territory):
    """The sample department, imported."""
    done = territory("import", *sample_files())
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done


@pytest.fixture
def tiny(territory, write):
    """A department of three communes, imported without contours."""
    done = territory("import", "--departments", write("departments.csv", TINY_DEPARTMENT),
                     "--centres", write("centres.csv", TINY_CENTRES), "--communes", write("communes.csv", TINY_COMMUNES))
    assert done.returncode == 0, done.stderr
    return done


def sample_files():
    return [f"--{kind}={SAMPLE / name}" for kind, name in (
        ("departments", "departments.csv"), ("centres", "centres.csv"), ("tribunals", "tribunals.csv"),
        ("former", "former77.csv"), ("communes", "communes77.csv"), ("advisers", "advisers.csv"))]


def version(schema):
    return schema.run("SELECT version FROM territory_version")[0][0]


def lines(done):
    return done.stderr.splitlines()


def test_sample_department(territory, schema, sample):
    assert schema.run("SELECT centre, count(*) FROM communes GROUP BY 1 ORDER BY 1") == [("cic-77", 152), ("corg-77", 355)]
    assert schema.run("SELECT tribunal, count(*) FROM communes GROUP BY 1 ORDER BY 1") == [
        ("Fontainebleau", 96), ("Meaux", 224), ("Melun", 187)]
    assert schema.run("SELECT name, postal_codes, population, district, lat, lon FROM communes WHERE code = '77152'") != []
    assert schema.run("SELECT count(*) FROM adviser_communes") == [(507,)]
    assert schema.run("SELECT a.name FROM adviser_communes x JOIN advisers a ON a.id = x.adviser "
                      "WHERE commune IN ('77153', '77288', '77001') ORDER BY commune") == [
        ("Adjudant Yves Le Goff",), ("Adjudant-chef Claire Dumas",), ("Brigadier-chef Anne Vasseur",)]
    checked = territory("check")
    assert checked.returncode == 0
    assert lines(checked) == ["department 77: note: it has no contours: approximate cells stand for its communes, and "
                              "both sides of each border are informed"]
    assert checked.stdout == "version 1, 507 communes: 0 errors, 1 notes\n"


def test_a_second_import_changes_nothing(territory, schema, sample):
    before = schema.run("SELECT x.*, a.* FROM adviser_communes x JOIN advisers a ON a.id = x.adviser ORDER BY 1")
    again = territory("import", "--replace", *sample_files())
    assert again.returncode == 0, again.stderr
    assert "communes         507 read, 0 added, 0 changed\n" in again.stdout
    assert version(schema) == 1
    assert schema.run("SELECT x.*, a.* FROM adviser_communes x JOIN advisers a ON a.id = x.adviser ORDER BY 1") == before


def test_a_change_is_told_to_daemons(territory, schema, tiny, write):
    with contextlib.closing(schema.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("LISTEN tocsin_territory")
        changed = TINY_COMMUNES.replace("90002;Épreuve;90000-90100;GN", "90002;Épreuve;90000-90100;PN")
        done = territory("import", "--communes", write("communes.csv", changed))
        assert done.stdout == "communes         3 read, 0 added, 1 changed\nterritory        version 2\n"
        cursor.execute("SELECT 1")  # what was notified before it comes with its answer
        assert [(n.channel, n.payload) for n in connection.notifies] == [("tocsin_territory", "2")]
    assert schema.run("SELECT centre FROM communes WHERE code = '90002'") == [("cic-90",)]


def test_real_contours(territory, schema, sample):
    if not CONTOURS.exists():
        pytest.skip("no ../shared/territory/communes77-2026.geojson beside the project")
    done = territory("import", "--contours", CONTOURS)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout == "contours         507 read, 507 added, 0 changed\nterritory        version 2\n"
    assert territory("import", "--contours", CONTOURS, "--replace").stdout.endswith("version 2\n")
    checked = territory("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "version 2, 507 communes: 0 errors, 0 notes\n"


BAD_COMMUNES = TINY_HEADER + """90001;Essai-lès-Bains;90000;PN;Essai;6.85;47.65
9002;Trop court;90000;GN;Essai;6.95;47.65
90003;Sans force;90000;;Essai;6.95;47.55
90004;Code postal;9000;GN;Essai;6.95;47.55
90005;Point;90000;GN;Essai;6,95;47.55
90006;Au pôle;90000;GN;Essai;6.95;97.55
90001;Deux fois;90000;GN;Essai;6.95;47.55
75056;Paris;75001;PN;Essai;2.35;48.85
90007;Trop;90000;GN;Essai;6.95;47.55;de trop
90008; ;90000;GN;Essai;6.95;47.55
90ABC;Lettres;90000;GN;Essai;6.95;47.55
90009;Bien;90000;GN;Essai;6.95;47.55
90010;NaN;90000;GN;Essai;nan;47.55
"""


def test_rows_that_cannot_be_used(territory, schema, write):
    files = ["--departments", write("departments.csv", TINY_DEPARTMENT), "--centres", write("centres.csv", TINY_CENTRES),
             "--communes", write("communes.csv", BAD_COMMUNES)]
    refused = territory("import", *files)
    said = lines(refused)
    assert refused.returncode == 1
    path = files[5]
    assert said[:9] == [
        f"{path}:3: '9002' is no INSEE code of a commune",
        f"{path}:4: 90003 'Sans force': the force is PN or GN, not '', or the row names a centre",
        f"{path}:5: 90004 'Code postal': '9000' are no postal codes",
        f"{path}:6: 90005 'Point': '47.55', '6,95' is no point in degrees",
        f"{path}:7: 90006 'Au pôle': '97.55', '6.95' is no point in degrees",
        f"{path}:8: 90001 'Deux fois' stands in line 2 already",
        f"{path}:9: there is no department '75'",
        f"{path}:10: it has 8 fields where the first line has 7",
        f"{path}:11: value for domain named violates check constraint \"named_check\"",
    ]
    assert said[9].startswith(f"{path}:12: value for domain insee_code")
    assert said[10] == f"{path}:14: 90010 'NaN': '47.55', 'nan' is no point in degrees"
    assert said[-1] == ("tocsin territory import: 11 rows cannot be used, so nothing was imported "
                        "(--keep-going imports the others)")
    assert refused.stdout == ""
    assert schema.run("SELECT count(*) FROM departments") == [(0,)]
    assert version(schema) == 0
    assert territory("import", "--keep-going", "--replace", *files).returncode == 1
    assert version(schema) == 0
    kept = territory("import", "--keep-going", *files)
    assert kept.returncode == 0, kept.stderr
    assert schema.run("SELECT code FROM communes ORDER BY 1") == [("90001",), ("90009",)]


def test_files_that_cannot_be_read(territory, schema, write):
    for arguments, why in (
            (["--communes", "/nowhere/communes.csv"], "/nowhere/communes.csv: No such file or directory"),
            (["--communes", write("a.csv", "code_commune;libele_commune;lon;lat\n")],
             "a.csv: nobody knows a column 'libele_commune'"),
            (["--communes", write("b.csv", "code_commune;lon;lat\n")], "b.csv: there is no column 'libelle_commune'"),
            (["--contours", write("c.json", "{\n\"type\":")], "c.json: line 2: unexpected token near end of file"),
            (["--contours", write("d.json", "[]")], "d.json: it is no GeoJSON of features")):
        done = territory("import", *arguments)
        assert done.returncode == 1
        assert len(lines(done)) == 1 and why in done.stderr, done.stderr
    assert territory("import").returncode == 2
    assert territory("import", "--database", "host=/nowhere", "--communes", "x").returncode == 1
    assert version(schema) == 0


def test_names_are_never_guessed(territory, schema, sample, write):
    advisers = write("advisers.csv", "department;name;commune\n"
                                     "77;A;Crégy-lès-Meaux\n"
                                     "77;A;Crégy-les-Meaux\n"
                                     "77;A;Sait-Brice\n"
                                     "77;A;\"Épisy, Montarlot,Veneux-les-Sablons\"\n"
                                     "77;A;Tombouctou\n"
                                     "77;A;MELUN\n"
                                     "77;A;77288\n")
    refused = territory("import", "--former", SAMPLE / "former77.csv", "--advisers", advisers)
    assert refused.returncode == 1
    assert lines(refused)[:-1] == [
        f"{advisers}:3: there is no commune 'Crégy-les-Meaux' (is it 77143, 'Crégy-lès-Meaux'?)",
        f"{advisers}:4: there is no commune 'Sait-Brice' (is it 77403, 'Saint-Brice'?)",
        f"{advisers}:5: there is no commune 'Épisy' (it is now part of 77316, 'Moret-Loing-et-Orvanne')",
        f"{advisers}:5: there is no commune 'Montarlot' (it is now part of 77316, 'Moret-Loing-et-Orvanne')",
        f"{advisers}:5: there is no commune 'Veneux-les-Sablons' (it is now part of 77316, 'Moret-Loing-et-Orvanne')",
        f"{advisers}:6: there is no commune 'Tombouctou'",
        f"{advisers}:7: there is no commune 'MELUN' (is it 77288, 'Melun'?)",
    ]
    assert territory("import", "--keep-going", "--advisers", advisers).returncode == 0
    assert schema.run("SELECT commune FROM adviser_communes x JOIN advisers a ON a.id = x.adviser "
                      "WHERE a.name = 'A' ORDER BY 1") == [("77143",), ("77288",)]


def test_advisers(territory, schema, tiny, write):
    def refused(rows):
        done = territory("import", "--advisers", write("a.csv", "department;name;number;commune;circonscription;centre\n" + rows))
        assert done.returncode == 1
        return [line.split(": ", 1)[1] for line in lines(done)[:-1]]
    assert refused("90;A;;90001;;\n90;B;;90001;;\n") == ["90001 'Essai-lès-Bains' has an adviser already: 'A'"]
    assert refused("90;A;;;;\n") == ["it names none of commune, circonscription and centre: one is wanted"]
    assert refused("90;A;;90001;;cic-90\n") == ["it names several of commune, circonscription and centre: one is wanted"]
    assert refused("90;A;12;90001;;\n") == ["'12' is no telephone number (invalid)"]
    assert refused("90;A;3114;90001;;\n") == ["'3114' is no telephone number (short)"]
    assert refused("90;A;0199000001;90001;;\n90;A;0199000002;90002;;\n") == ["'A' has another number in an earlier row"]
    assert refused("90;A;;;Nulle part;\n") == ["there is no circonscription 'Nulle part'"]
    assert refused("90;A;;;;cic-91\n") == ["there is no centre 'cic-91'"]
    assert refused("91;A;;90001;;\n") == ["there is no department '91'"]
    good = write("good.csv", "department;name;number;commune;centre\n90;A;01 99 00 00 01;90003;\n90;B;;;corg-90\n")
    assert territory("import", "--advisers", good).returncode == 0
    assert schema.run("SELECT x.commune, a.name, a.number FROM adviser_communes x JOIN advisers a ON a.id = x.adviser "
                      "ORDER BY 1") == [("90002", "B", None), ("90003", "A", "+33199000001")]
    found = lines(territory("check"))
    assert "department 90: note: 1 of its 3 communes have no adviser: 90001" in found
    assert "adviser B: note: no number to call" in found


def test_tribunals(territory, schema, tiny, write):
    assert "note: department 90 gets a tribunal 'Essai', because communes name it" in tiny.stderr
    done = territory("import", "--communes", write("c.csv", TINY_COMMUNES.replace("GN;Essai;6.95;47.55", "GN;Esai;6.95;47.55")))
    assert done.returncode == 1
    assert "c.csv:4: 90003 'Saint-Contrôle': there is no tribunal 'Esai' (is it 'Essai'?)" in lines(done)[0]
    more = write("t.csv", "department;name\n90;Essai\n90;Esai\n")
    assert territory("import", "--tribunals", more, "--communes", write("c.csv", TINY_COMMUNES)).returncode == 0
    assert schema.run("SELECT name FROM tribunals ORDER BY 1") == [("Esai",), ("Essai",)]


def test_centres(territory, schema, tiny, write):
    second = write("centres.csv", TINY_CENTRES + "corg-90b;90;gendarmerie;CORG 90 bis;cic-90\n")
    done = territory("import", "--centres", second, "--communes", write("c.csv", TINY_COMMUNES))
    assert "has no centre of the gendarmerie, or several: name one in a column 'centre'" in done.stderr
    named = "code_commune;libelle_commune;institution;lon;lat;centre\n90002;Épreuve;;6.95;47.65;corg-90b\n"
    assert territory("import", "--centres", second, "--communes", write("c.csv", named)).returncode == 0
    assert schema.run("SELECT centre FROM communes ORDER BY code") == [("cic-90",), ("corg-90b",), ("corg-90",)]
    for bad, why in (("x;90;pompiers;X;\n", "a centre is police, gendarmerie or operations, not 'pompiers'"),
                     ("x;91;police;X;\n", "there is no department '91'"),
                     ("X;90;police;X;\n", "value for domain centre_code violates")):
        refused = territory("import", "--centres", write("x.csv", TINY_CENTRES + bad))
        assert refused.returncode == 1 and why in lines(refused)[0]
    dangling = territory("import", "--departments", write("d.csv", TINY_DEPARTMENT.replace("cic-90", "cic-91")))
    assert dangling.returncode == 1
    assert "cic-91" in dangling.stderr and "foreign key" in dangling.stderr
    assert territory("import", "--departments", write("d.csv", "code;name;stand_in;operations\n91;E;;ops-91\n")).returncode == 1


def test_replace_takes_away(territory, schema, tiny, write):
    fewer = write("c.csv", "".join(TINY_COMMUNES.splitlines(keepends=True)[:3]))
    kept = territory("import", "--communes", fewer)
    assert "1 more are known and not in the file: kept (--replace removes them)" in kept.stdout
    assert schema.run("SELECT count(*) FROM communes") == [(3,)]
    replaced = territory("import", "--replace", "--communes", fewer)
    assert "communes         2 read, 0 added, 0 changed, 1 removed\nterritory        version 2\n" in replaced.stdout
    assert schema.run("SELECT code FROM communes ORDER BY 1") == [("90001",), ("90002",)]


def test_contours(territory, schema, tiny, write):
    crossed = square("90001", 0, 0, 0, 0)
    crossed["geometry"]["coordinates"] = [[[6.8, 47.6], [6.9, 47.7], [6.9, 47.6], [6.8, 47.7], [6.8, 47.6]]]
    bad = write("bad.json", [
        crossed, square("90004", 6.8, 47.6, 6.9, 47.7), square("90002", 6.8, 47.6, 6.9, 47.7),
        square("90003", 47.5, 6.9, 47.6, 7.0), square("90003", 650000, 6860000, 660000, 6870000),
        *TINY_CONTOURS, TINY_CONTOURS[0], {"type": "Feature", "properties": {"code": "90001"}, "geometry": None}])
    refused = territory("import", "--contours", bad)
    said = [line.removeprefix(f"{bad}: ") for line in lines(refused)]
    assert said == [
        "feature 1: its area is not valid: Self-intersection at 6.85000, 47.65000",
        "feature 2: there is no commune '90004'",
        "feature 3: the contour of 90002 'Épreuve' does not hold the commune's own point (47.6500, 6.9500)",
        "feature 4: the contour of 90003 'Saint-Contrôle' does not hold the commune's own point (47.5500, 6.9500)",
        "feature 5: a corner at 650000, 6.86e+06 is not in degrees, longitude first",
        "feature 9: commune 90001 has a contour already, in feature 6",
        "feature 10: commune 90001 has a contour already, in feature 6",
        "tocsin territory import: 7 rows cannot be used, so nothing was imported (--keep-going imports the others)",
    ]
    assert schema.run("SELECT count(*) FROM contours") == [(0,)]
    renamed = [dict(c, properties=dict(c["properties"])) for c in TINY_CONTOURS]
    renamed[0]["properties"]["nom"] = "Essai-les-Bains"
    good = write("good.json", renamed)
    done = territory("import", "--contours", good)
    assert done.returncode == 0
    assert lines(done) == [f"{good}: feature 1: note: 90001 is called 'Essai-les-Bains' here and 'Essai-lès-Bains' "
                           "among the communes"]
    assert schema.run("SELECT octet_length(wkb) FROM contours") == [(9 + 4 + 5 * 16,)] * 3


def test_check_finds_what_is_wrong(territory, schema, tiny, write):
    contours = [TINY_CONTOURS[0], square("90002", 6.89, 47.6, 7.0, 47.7)]
    assert territory("import", "--contours", write("k.json", contours)).returncode == 0
    zones = [square("", 6.81, 47.61, 6.85, 47.65, department="90", name="A", centre="cic-90"),
             square("", 6.84, 47.64, 6.88, 47.68, department="90", name="B", centre="corg-90")]
    assert territory("import", "--zones", write("z.json", zones)).returncode == 0
    found = territory("check")
    assert found.returncode == 1
    said = lines(found)
    assert "commune 90003: 'Saint-Contrôle' has no contour, in a department that has contours: a place in it is outside" in said
    assert any(re.fullmatch(r"commune 90001: 'Essai-lès-Bains' shares 83\d\.\d ha with commune 90002, 'Épreuve'", line)
               for line in said)
    assert any(line.startswith("zone A: note: 'A' shares ") and line.endswith(" with zone B, 'B'") for line in said)
    assert said[-1] == "tocsin territory check: 2 errors"
    schema.run("UPDATE contours SET wkb = (SELECT wkb FROM contours WHERE commune = '90002') WHERE commune = '90001'")
    schema.run("UPDATE contours SET wkb = '\\x010300000000000000' WHERE commune = '90002'")
    as_json = json.loads(territory("check", "--json").stdout)
    errors = [(r["place"], r["what"]) for r in as_json["remarks"] if r["rank"] == "error"]
    assert ("commune 90001", "the contour of 'Essai-lès-Bains' does not hold the commune's own point") in errors
    assert ("commune 90002", "the area of 'Épreuve' is not valid: empty, or not in degrees") in errors
    assert ("territory", "a daemon would not load it: 90002: its contour is not a valid area") in errors
    assert as_json["errors"] == len(errors)


def test_check_of_an_empty_territory(territory):
    done = territory("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "version 0, 0 communes: 0 errors, 0 notes\n", "")


def test_zones(territory, schema, tiny, write):
    bad = write("z.json", [square("", 6.8, 47.6, 6.9, 47.7, department="91", name="A", centre="cic-90"),
                           square("", 6.8, 47.6, 6.9, 47.7, department="90", name="A", centre="cic-91"),
                           square("", 6.8, 47.6, 6.9, 47.7, department="90", name="", centre="cic-90")])
    said = lines(territory("import", "--zones", bad))
    assert said[0].endswith("feature 1: there is no department '91'")
    assert said[1].endswith("feature 2: there is no centre 'cic-91'")
    assert "domain named" in said[2]
    good = write("z.json", [square("", 6.88, 47.6, 6.92, 47.7, department="90", name="Aérodrome", centre="corg-90")])
    assert territory("import", "--zones", good).returncode == 0
    assert schema.run("SELECT department, name, centre FROM zones") == [("90", "Aérodrome", "corg-90")]


def test_two_departments(territory, schema, sample, tiny):
    assert schema.run("SELECT department, count(*) FROM communes GROUP BY 1 ORDER BY 1") == [("77", 507), ("90", 3)]
    done = territory("import", "--replace", *sample_files())  # of one: the other is not its business
    assert done.returncode == 0, done.stderr
    assert schema.run("SELECT count(*) FROM communes WHERE department = '90'") == [(3,)]


def test_dry_run_and_json(territory, schema, tiny, write):
    changed = write("c.csv", TINY_COMMUNES + "90004;Nouvelle;90000;GN;Essai;6.99;47.55\n9;x;;;;;\n")
    done = territory("import", "--dry-run", "--json", "--keep-going", "--communes", changed)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == {"imported": False, "dry_run": True, "version": 2,
                    "tables": {"communes": {"read": 4, "added": 1, "changed": 0, "kept": 0}},
                    "remarks": [{"rank": "error", "place": f"{changed}:6", "what": "'9' is no INSEE code of a commune"}]}
    assert (version(schema), schema.run("SELECT count(*) FROM communes")) == (1, [(3,)])
    refused = territory("import", "--json", "--communes", changed)
    assert refused.returncode == 1 and json.loads(refused.stdout)["imported"] is False


def test_roles(territory, schema, tiny, write):
    changed = write("c.csv", TINY_COMMUNES.replace("Épreuve", "Épreuves"))
    daemon = territory("import", "--communes", changed, dsn=schema.dsn(user="test_daemon"))
    assert daemon.returncode == 1 and "permission denied" in daemon.stderr
    assert territory("check", dsn=schema.dsn(user="test_daemon")).returncode == 0
    registry = territory("import", "--communes", changed, dsn=schema.dsn(user="test_registry"))
    assert registry.returncode == 0, registry.stderr
    assert schema.run("SELECT name FROM communes WHERE code = '90002'") == [("Épreuves",)]


def test_concurrent_imports(territory, schema):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: territory("import", *sample_files()), range(3)))
    assert [d.returncode for d in done] == [0] * 3, [d.stderr for d in done]
    assert version(schema) == 1
    assert schema.run("SELECT count(*) FROM advisers") == [(5,)]
