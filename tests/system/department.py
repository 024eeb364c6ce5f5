"""Fills a database with the sample department and people who never existed, as an operator would.

Numbers are of the ranges that the regulator keeps for fiction. Seine-et-Marne is whole, with its
real contours where they are; Essonne beside it has a few communes and no contours.
"""

import itertools
import random
import time

import psycopg2.extras
import territory
from pki import text_of

PEOPLE = 60
MELUN, NANGIS, EVRY = "77288", "77327", "91228"  # police, gendarmerie, and the next department's police


def uuid7():
    milliseconds, chance = int(time.time() * 1000), random.getrandbits(74)
    number = (milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1)
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def luhn(digits):
    """The digit that ISO/IEC 7812-1, annex B, puts after these."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        double = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += double - 9 if double > 9 else double
    return str(-total % 10)


def rpps(n):
    return (digits := f"1000{n:06d}") + luhn(digits)


def mobile(n):
    return f"+336399800{n:02d}" if n < 100 else f"+3363998{n:04d}"


class Person:
    """A registered practitioner, with a site, an own number and a device with a panic button."""

    def __init__(self, n, commune):
        self.id, self.name, self.number, self.rpps = uuid7(), f"Camille Martin-{n:02d}", mobile(n), rpps(n)
        self.site, self.commune, self.device = uuid7(), commune, f"bracelet-{n}"
        self.device_id = uuid7()
        self.site_label, self.address = f"Cabinet {n}", f"{n} rue des Tilleuls"


class Department:
    """The rows of one database, and what a test adds to them."""

    _fresh = itertools.count(1)

    def __init__(self, database, issuer):
        self.database, self.issuer = database, issuer
        self.communes = territory.communes()
        self.people = [Person(n, self.communes[MELUN if n % 2 else NANGIS]) for n in range(PEOPLE)]
        self.sources = {}

    def copy(self, database):
        """The same rows in a copy of the database."""
        other = object.__new__(Department)
        other.__dict__.update({**self.__dict__, "database": database, "sources": dict(self.sources)})
        return other

    def fill(self):
        connection = self.database.connect()
        connection.autocommit = False
        with connection, connection.cursor() as self._cursor:
            self._cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            self._fill_territory()
            self._fill_people()
            self._fill_sources()
        connection.close()
        del self._cursor
        return self

    def _insert(self, table, columns, rows):
        psycopg2.extras.execute_values(self._cursor, f"INSERT INTO {table} ({columns}) VALUES %s", rows)

    def _fill_territory(self):
        self._insert("departments", "code, name, stand_in, operations",
                     [("77", "Seine-et-Marne", "cic-77", "ops-77"), ("91", "Essonne", "cic-91", "ops-91")])
        self._insert("centres", "id, department, kind, name, other_centre", [
            ("cic-77", "77", "police", "CIC 77", "corg-77"), ("corg-77", "77", "gendarmerie", "CORG 77", "cic-77"),
            ("ops-77", "77", "operations", "Exploitation 77", None),
            ("cic-91", "91", "police", "CIC 91", "corg-91"), ("corg-91", "91", "gendarmerie", "CORG 91", "cic-91"),
            ("ops-91", "91", "operations", "Exploitation 91", None)])
        self._insert("tribunals", "department, name",
                     [("77", name) for name in sorted({c.tribunal for c in self.communes.values()})])
        self._insert("communes", "code, department, name, postal_codes, population, tribunal, centre, lat, lon",
                     [(c.code, "77", c.name, c.postal_codes, c.population, c.tribunal, c.centre, c.lat, c.lon)
                      for c in self.communes.values()])
        self._insert("communes", "code, department, name, centre, lat, lon", [
            (EVRY, "91", "Évry-Courcouronnes", "cic-91", 48.6238, 2.4294),
            ("91179", "91", "Le Coudray-Montceaux", "corg-91", 48.5652, 2.4970)])
        shapes = territory.contours() or {}
        if shapes:
            self._insert("contours", "commune, department, wkb",
                         [(code, "77", territory.wkb(polygons)) for code, polygons in shapes.items()])
        self.adviser = uuid7()
        self._insert("advisers", "id, department, name, number",
                     [(self.adviser, "77", "Major Lefort", "+33199009901")])
        self._insert("adviser_communes", "commune, department, adviser", [(MELUN, "77", self.adviser)])

    def _fill_people(self):
        people = self.people
        self._insert("sites", "id, department, label, address, access, commune, lat, lon, precision",
                     [(p.site, "77", p.site_label, p.address, "2e étage", p.commune.code, p.commune.lat,
                       p.commune.lon, "address") for p in people])
        self._insert("practitioners", "id, department, name, profession, specialty, rpps",
                     [(p.id, "77", p.name, "médecin", "médecine générale", p.rpps) for p in people])
        self._insert("practitioner_sites", "practitioner, site, department, place",
                     [(p.id, p.site, "77", 1) for p in people])
        self._insert("numbers", "practitioner, department, number, place, shared",
                     [(p.id, "77", p.number, 1, False) for p in people])
        self._insert("consents", "practitioner, department, centre, given_at, evidence",
                     [(p.id, "77", centre, "2026-01-05", "formulaire F-1")
                      for p in people for centre in ("cic-77", "corg-77")])

    def _fill_sources(self):
        rows = [self._row(p.device, "device", id=p.device_id, panic=True, owner=p.id) for p in self.people]
        rows += [self._row(f"console-{centre}", "console", centre=centre)
                 for centre in ("cic-77", "corg-77", "ops-77")]
        rows += [self._row(f"console-{centre}", "console", centre=centre, department="91")
                 for centre in ("cic-91", "corg-91", "ops-91")]
        rows += [self._row("exchange-cic", "exchange", centre="cic-77"), self._row("exchange", "exchange"),
                 self._row("sos", "regulation"), self._row("sos-91", "regulation", department="91"),
                 self._row("platform", "platform")]
        self._insert("sources", "id, department, name, kind, has_panic_button, owner, site, centre, issuer, "
                     "subject", rows)

    def _row(self, name, kind, id=None, panic=False, owner=None, site=None, centre=None, department="77"):
        self.sources[name] = id or uuid7()
        return (self.sources[name], department, name, kind, panic, owner, site, centre, self.issuer,
                text_of(name))

    # What a test adds while the daemon runs, by the registry's own role.

    def change(self, statement, *values):
        """Runs one statement as the tools do."""
        connection = self.database.connect(user="test_registry")
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                assert cursor.rowcount != 0, f"nothing changed: {statement}"
        finally:
            connection.close()

    def add_source(self, kind, **more):
        """A new source with a fresh name; returns the name."""
        name = f"{kind}-new-{next(self._fresh)}"
        self.change("INSERT INTO sources (id, department, name, kind, has_panic_button, owner, site, centre, "
                    "issuer, subject) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    *self._row(name, kind, **more))
        return name
