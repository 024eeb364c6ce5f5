"""The sample data: what it says of itself, and that the imports take it."""

import csv
import json
import pathlib
import re

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = SOURCE / "sql" / "sample"
CONTOURS = SOURCE.parent / "shared" / "territory" / "communes77-2026.geojson"

# Décision ARCEP 2018-0881: numbers for works of fiction; no RPPS number begins with 999.
FICTION = re.compile(r"(01 ?99 ?00|02 ?61 ?91|03 ?53 ?01|04 ?65 ?71|05 ?36 ?49|06 ?39 ?98)( ?\d\d){2}")


def rows(name):
    with open(SAMPLE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter=";"))


def holds(ring, lon, lat):
    """Whether a ring holds a point, by counting the crossings of a ray."""
    inside = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:]):
        if (ay > lat) != (by > lat) and lon < (bx - ax) * (lat - ay) / (by - ay) + ax:
            inside = not inside
    return inside


def territory_files():
    return [f"--{kind}={SAMPLE / name}" for kind, name in (
        ("departments", "departments.csv"), ("centres", "centres.csv"), ("tribunals", "tribunals.csv"),
        ("former", "former77.csv"), ("communes", "communes77.csv"), ("advisers", "advisers.csv"))]


def test_nobody_is_real():
    people = rows("practitioners.csv")
    numbers = [n for p in people for n in (p["numbers"] + "," + p["shared_numbers"]).split(",") if n]
    numbers += [a["number"] for a in rows("advisers.csv")]
    assert numbers and [n for n in numbers if not FICTION.fullmatch(n)] == []
    assert [p["rpps"] for p in people if p["rpps"] and not p["rpps"].startswith("999")] == []


def test_sites_lie_where_they_say():
    if not CONTOURS.exists():
        pytest.skip("no ../shared/territory/communes77-2026.geojson beside the project")
    rings = {f["properties"]["code"]: f["geometry"]["coordinates"][0]
             for f in json.loads(CONTOURS.read_text(encoding="utf-8"))["features"]}
    sites = [p for p in rows("practitioners.csv") if p["lat"]]
    assert len(sites) > 30
    assert [p["site"] for p in sites if not holds(rings[p["commune"]], float(p["lon"]), float(p["lat"]))] == []


def test_former_communes_are_gone():
    today = {c["code_commune"]: c["libelle_commune"] for c in rows("communes77.csv")}
    assert [f for f in rows("former77.csv") if f["commune"] not in today or f["name"] in today.values()] == []


def test_people(tocsin, schema):
    target = ["--database", schema.dsn()]
    assert tocsin("territory", "import", *target, *territory_files()).returncode == 0
    done = tocsin("registry", "import", *target, SAMPLE / "practitioners.csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "32 people, 32 added, 0 changed\n", "")
    again = tocsin("registry", "import", *target, SAMPLE / "practitioners.csv")
    assert (again.returncode, again.stdout) == (0, "32 people, 0 added, 0 changed\n")
    assert schema.run("SELECT count(*) FROM sites") == [(20,)]
    assert schema.run("SELECT count(*) FROM practitioners WHERE exposed <> ''") == [(3,)]
    assert schema.run("SELECT count(*) FROM practitioner_sites WHERE place = 2") == [(9,)]
    assert schema.run("SELECT count(*) FROM numbers WHERE number = '+33199007701' AND shared") == [(4,)]
    assert schema.run("SELECT count(*) FROM sites s LEFT JOIN communes c ON c.code = s.commune WHERE c.code IS NULL") == [(0,)]
    withdrawn = tocsin("registry", "withdraw", *target, "Dr Monique Lefranc")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert schema.run("SELECT count(*) FROM practitioners") == [(31,)]
