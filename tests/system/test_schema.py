"""The schema in a real PostgreSQL: what it refuses, who may do what, that versions never hide a
change and that the trail shows who touched it. Fictional people; numbers of the regulator's
fiction ranges."""

import concurrent.futures
import contextlib

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest
from conftest import drop
from postgres import wait_until



def uuid7(n):
    return f"01900000-0000-7000-8000-{n:012x}"


SEINE_ET_MARNE = """
    INSERT INTO departments (code, name, stand_in, operations)
        VALUES ('77', 'Seine-et-Marne', 'corg-77', 'ops-77'), ('91', 'Essonne', 'cic-91', 'ops-91');
    INSERT INTO centres (id, department, kind, name, other_centre) VALUES
        ('cic-77', '77', 'police', 'CIC 77', 'corg-77'),
        ('corg-77', '77', 'gendarmerie', 'CORG 77', 'cic-77'),
        ('ops-77', '77', 'operations', 'Exploitation 77', NULL),
        ('cic-91', '91', 'police', 'CIC 91', NULL),
        ('ops-91', '91', 'operations', 'Exploitation 91', NULL);
    INSERT INTO tribunals VALUES ('77', 'Melun'), ('91', 'Évry');
    INSERT INTO communes (code, department, name, postal_codes, tribunal, centre, lat, lon) VALUES
        ('77288', '77', 'Melun', '{77000}', 'Melun', 'cic-77', 48.54, 2.66);
"""
PEOPLE = f"""
    INSERT INTO practitioners (id, department, name, profession, specialty, rpps) VALUES
        ('{uuid7(1)}', '77', 'Dr Aline Exemple', 'médecin', 'médecine générale', 10100000016),
        ('{uuid7(2)}', '77', 'Dr Bruno Exemple', 'médecin', 'pédiatrie', NULL),
        ('{uuid7(3)}', '91', 'Dr Chloé Exemple', 'médecin', '', 10100000016);
    INSERT INTO sites (id, department, label, address, commune, lat, lon, precision) VALUES
        ('{uuid7(11)}', '77', 'Cabinet des Tilleuls', '12 rue Inventée', '77288', 48.54, 2.66, 'address'),
        ('{uuid7(13)}', '91', 'Cabinet du Lac', '1 rue Inventée', '91228', NULL, NULL, 'commune');
    INSERT INTO practitioner_sites VALUES ('{uuid7(1)}', '{uuid7(11)}', '77', 1);
    INSERT INTO numbers (practitioner, department, number, place, shared) VALUES
        ('{uuid7(1)}', '77', '+33639980001', 1, false), ('{uuid7(1)}', '77', '+33199000001', 2, true),
        ('{uuid7(2)}', '77', '+33199000001', 1, true);
    INSERT INTO consents (practitioner, department, centre, given_at, evidence)
        VALUES ('{uuid7(1)}', '77', 'cic-77', '2026-01-02', 'formulaire 1');
    INSERT INTO sources (id, department, name, kind, has_panic_button, owner, issuer, subject) VALUES
        ('{uuid7(21)}', '77', 'bracelet-1', 'device', true, '{uuid7(1)}', 'CN=Test CA', 'CN=bracelet-1'),
        ('{uuid7(22)}', '91', 'bracelet-1', 'device', true, '{uuid7(3)}', 'CN=Test CA', 'CN=bracelet-91');
"""


@pytest.fixture
def db(schema):
    """The schema's owner in a database with two departments and some people; each statement commits."""
    connection = schema.connect()
    with connection.cursor() as cursor:
        cursor.execute(SEINE_ET_MARNE)
        cursor.execute(PEOPLE)
        yield cursor
    connection.close()


@pytest.fixture(scope="module")
def shared(new_schema):
    database = new_schema()
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute(SEINE_ET_MARNE)
        cursor.execute(PEOPLE)
    connection.autocommit = False
    yield connection
    connection.close()
    drop(database)


@pytest.fixture
def undone(shared):
    """The same people for many small tests: each in a transaction that is rolled back."""
    with shared.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield cursor
    shared.rollback()


def ask(db, sql, *arguments):
    db.execute(sql, arguments or None)
    return db.fetchall()


def value(db, sql, *arguments):
    return ask(db, sql, *arguments)[0][0]


# What constraints refuse -----------------------------------------------------------------------------

REFUSED = [
    # territory
    ("INSERT INTO departments VALUES ('20', 'Corse', 'cic-77', 'ops-77')", "department_code_check"),
    ("UPDATE departments SET stand_in = 'ops-77' WHERE code = '77'", "departments_stand_in_fkey"),
    ("UPDATE departments SET stand_in = 'cic-91' WHERE code = '77'", "departments_stand_in_fkey"),
    ("UPDATE departments SET operations = 'cic-77' WHERE code = '77'", "departments_operations_fkey"),
    ("UPDATE departments SET operations = 'ops-91' WHERE code = '77'", "departments_operations_fkey"),
    ("UPDATE centres SET other_centre = id WHERE id = 'cic-77'", "centres_check"),
    ("UPDATE centres SET kind = 'army' WHERE id = 'cic-77'", "centres_kind_check"),
    ("UPDATE centres SET kind = 'operations' WHERE id = 'corg-77'", "departments_stand_in_fkey"),
    ("INSERT INTO centres VALUES ('CIC 78', '77', 'police', 'x')", "centre_code_check"),
    ("INSERT INTO centres VALUES ('a23456789012345678901234', '77', 'police', 'x')", "centre_code_check"),
    ("DELETE FROM centres WHERE id = 'cic-77'", "centres_other_centre_fkey"),
    ("UPDATE communes SET code = '7728'", "insee_code_check"),
    ("UPDATE communes SET code = '20004', department = '77'", "insee_code_check"),
    ("UPDATE communes SET code = '2C004'", "insee_code_check"),
    ("UPDATE communes SET code = '91228'", "communes_check"),
    ("UPDATE communes SET postal_codes = '{7700}'", "communes_postal_codes_check"),
    ("UPDATE communes SET postal_codes = '{77000,NULL}'", "communes_postal_codes_check"),
    ("UPDATE communes SET postal_codes = '{{77000},{77100}}'", "communes_postal_codes_check"),
    ("UPDATE communes SET lat = 91", "latitude_check"),
    ("UPDATE communes SET lat = 'NaN'", "latitude_check"),
    ("UPDATE communes SET lon = '-Infinity'", "longitude_check"),
    ("UPDATE communes SET tribunal = 'Évry'", "communes_department_tribunal_fkey"),
    ("UPDATE communes SET centre = 'cic-75'", "communes_centre_fkey"),
    ("INSERT INTO contours VALUES ('77288', '77', '\\x0101000000')", "contours_wkb_check"),
    ("INSERT INTO contours VALUES ('77288', '77', '\\x0101000000000000000000000000')", "contours_wkb_check"),
    ("INSERT INTO contours VALUES ('77288', '91', '\\x010300000000000000')", "contours_check"),
    # people
    ("UPDATE practitioners SET rpps = 10100000017 WHERE rpps IS NULL", "rpps_number_check"),
    ("UPDATE practitioners SET rpps = 1010000001 WHERE rpps IS NULL", "rpps_number_check"),
    ("UPDATE practitioners SET rpps = 0 WHERE rpps IS NULL", "rpps_number_check"),
    ("UPDATE practitioners SET rpps = 10100000016 WHERE rpps IS NULL", "practitioners_department_rpps_key"),
    ("UPDATE practitioners SET name = ''", "named_check"),
    ("UPDATE practitioners SET name = ' Dr Exemple'", "named_check"),
    ("UPDATE practitioners SET name = E'Dr\\u009bExemple'", "named_check"),
    ("UPDATE practitioners SET name = repeat('é', 64)", "named_check"),
    ("UPDATE practitioners SET exposed = E'two\\nlines'", "one_line_check"),
    ("INSERT INTO practitioners (id, department, name, profession) VALUES "
     "('5b9e1f4e-5bb6-4d62-8a34-33b7e0b6cb8a', '77', 'x', 'x')", "uuid7_check"),
    ("INSERT INTO practitioners (id, department, name, profession) VALUES (%(new)s, '92', 'x', 'x')",
     "practitioners_department_fkey"),
    ("UPDATE sites SET lat = NULL WHERE lat IS NOT NULL", "sites_check"),
    ("UPDATE sites SET precision = 'exact' WHERE lat IS NULL", "sites_check1"),
    ("UPDATE sites SET precision = 'unknown'", "sites_precision_check"),
    ("UPDATE sites SET commune = '77'", "insee_code_check"),
    ("UPDATE sites SET address = ''", "sites_address_check"),
    ("INSERT INTO site_hours VALUES (%(site)s, '77', 8, '08:00', '12:00')", "site_hours_weekday_check"),
    ("INSERT INTO site_hours VALUES (%(site)s, '77', 1, '08:00', '08:00')", "site_hours_check"),
    ("INSERT INTO practitioner_sites VALUES (%(bruno)s, %(site)s, '77', 17)", "practitioner_sites_place_check"),
    ("INSERT INTO practitioner_sites VALUES (%(bruno)s, %(site91)s, '77', 1)",
     "practitioner_sites_department_site_fkey"),
    ("INSERT INTO practitioner_sites VALUES (%(bruno)s, %(site91)s, '91', 1)",
     "practitioner_sites_department_practitioner_fkey"),
    ("DELETE FROM sites WHERE id = %(site)s", "practitioner_sites_department_site_fkey"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '0199000002', 2, '', false)", "e164_check"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '+0199000002', 2, '', false)", "e164_check"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '+33 199000002', 2, '', false)", "e164_check"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '+3319900000200000', 2, '', false)", "e164_check"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '17', 2, '', false)", "e164_check"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '+33639980001', 2, '', false)", "numbers_own"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '77', '+33199000002', 1, '', false)", "numbers_practitioner_place_key"),
    ("INSERT INTO numbers VALUES (%(bruno)s, '91', '+33199000002', 2, '', false)",
     "numbers_department_practitioner_fkey"),
    ("UPDATE consents SET withdrawn_at = '2026-01-01'", "consents_check"),
    ("UPDATE consents SET evidence = ''", "consents_evidence_check"),
    ("INSERT INTO consents VALUES (%(aline)s, '77', 'cic-77', '2026-02-01', 'formulaire 2')", "consents_standing"),
    ("INSERT INTO consents VALUES (%(aline)s, '77', 'cic-75', '2026-02-01', 'formulaire 2')", "consents_centre_fkey"),
    # sources
    ("UPDATE sources SET kind = 'drone'", "sources_kind_check"),
    ("UPDATE sources SET state = 'lost'", "sources_state_check"),
    ("UPDATE sources SET supervision_s = 1", "sources_supervision_s_check"),
    ("UPDATE sources SET issuer = ''", "sources_certificate"),
    ("UPDATE sources SET subject = 'CN=bracelet-1' WHERE department = '91'", "sources_identity"),
    ("UPDATE sources SET state = 'revoked', subject = 'CN=bracelet-1' WHERE department = '91'", "sources_identity"),
    ("UPDATE sources SET owner = %(chloe)s WHERE department = '77'", "sources_department_owner_fkey"),
    ("UPDATE sources SET site = %(site91)s WHERE department = '77'", "sources_department_site_fkey"),
    ("UPDATE sources SET kind = 'exchange', has_panic_button = false", "sources_owner"),
    ("UPDATE sources SET kind = 'regulation', owner = NULL", "sources_panic"),
    ("UPDATE sources SET centre = 'cic-77'", "sources_centre"),
    ("UPDATE sources SET kind = 'console', owner = NULL, has_panic_button = false", "sources_centre"),
    ("UPDATE sources SET kind = 'console', owner = NULL, has_panic_button = false, centre = 'cic-77', "
     "issuer = '', subject = ''", "sources_console"),
    ("INSERT INTO sources (id, department, name, kind, has_panic_button) VALUES "
     "(%(new)s, '77', 'bracelet-1', 'device', true)", "sources_department_name_key"),
    # what happened
    ("INSERT INTO alerts (node, epoch, number, alert, department, ref, kind, priority, exercise, doubts, "
     "received_at) VALUES (1, 1, 1, %(new)s, '77', '', 'fire', 1, false, 0, now())", "alerts_kind_check"),
    ("INSERT INTO alerts (node, epoch, number, alert, department, ref, kind, priority, exercise, doubts, "
     "received_at, lat) VALUES (1, 1, 1, %(new)s, '77', '', 'panic', 1, false, 0, now(), 48)", "alerts_check"),
    ("INSERT INTO incidents (incident, node, epoch, number, revision, department, owner, state, priority, kind) "
     "VALUES (%(new)s, 1, 1, 1, 1, '77', 'cic-77', 'open', 5, 'panic')", "incidents_priority_check"),
    ("INSERT INTO incidents (incident, node, epoch, number, revision, department, owner, state, priority, kind) "
     "VALUES (%(new)s, 1, 1, 1, 1, '77', 'cic-77', 'asleep', 1, 'panic')", "incidents_state_check"),
    ("INSERT INTO trail (chain, at, department, who, via, what, object, object_id) VALUES "
     "(1, now(), '77', 'a', 'b', 'c', 'd', 'e')", "trail_check1"),
    ("INSERT INTO trail (chain, at, department, who, via, what, object, object_id, node, epoch) VALUES "
     "(1, now(), '77', 'a', 'b', 'c', 'd', 'e', 1, 1)", "trail_check"),
    ("UPDATE schema_serves SET oldest_daemon = 0", "schema_serves_oldest_daemon_check"),
]
IDS = {"aline": uuid7(1), "bruno": uuid7(2), "chloe": uuid7(3), "site": uuid7(11), "site91": uuid7(13),
       "new": uuid7(99)}


@pytest.mark.parametrize("sql, constraint", REFUSED, ids=[f"{i}-{c}" for i, (_, c) in enumerate(REFUSED)])
def test_refused(undone, sql, constraint):
    with pytest.raises(psycopg2.IntegrityError) as refused:
        undone.execute(sql, IDS)
    assert refused.value.diag.constraint_name == constraint


ALLOWED = [
    # a successor gets the certificate's names of a retired device
    "UPDATE sources SET state = 'retired' WHERE department = '77'; "
    "UPDATE sources SET subject = 'CN=bracelet-1' WHERE department = '91'",
    # consent given again after a withdrawal
    "UPDATE consents SET withdrawn_at = '2026-03-01'; "
    "INSERT INTO consents VALUES (%(aline)s, '77', 'cic-77', '2026-04-01', 'formulaire 2')",
    # a recipient in another department
    "INSERT INTO consents VALUES (%(aline)s, '77', 'cic-91', '2026-04-01', 'formulaire 2')",
    # places exchanged
    "UPDATE numbers SET place = 3 - place WHERE practitioner = %(aline)s",
    # a panel of a site without a person, an exchange of a centre, a platform with buttons
    "UPDATE sources SET kind = 'panel', owner = NULL, site = %(site)s WHERE department = '77'",
    "UPDATE sources SET kind = 'exchange', owner = NULL, has_panic_button = false, centre = 'cic-77'",
    "UPDATE sources SET kind = 'platform', owner = NULL",
    # open past midnight
    "INSERT INTO site_hours VALUES (%(site)s, '77', 6, '20:00', '02:00')",
    # Corsica, overseas
    "SELECT '2A004'::insee_code, '2B033'::insee_code, '97411'::insee_code, '98818'::insee_code",
    # a commune without a postal code yet; a point on the far side of the world
    "UPDATE communes SET postal_codes = '{}', lat = -21.1, lon = 179.9",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(undone, sql):
    undone.execute(sql, IDS)


def test_consents_are_bounded(undone):
    undone.execute("INSERT INTO centres (id, department, kind, name) "
               "SELECT 'cic-' || n, '91', 'police', 'CIC ' || n FROM generate_series(1, 16) n")
    undone.execute("INSERT INTO consents SELECT %s, '77', 'cic-' || n, now(), 'f' FROM generate_series(1, 15) n",
                   (uuid7(1),))
    with pytest.raises(psycopg2.errors.CheckViolation, match="more than 16"):
        undone.execute("INSERT INTO consents VALUES (%s, '77', 'cic-16', now(), 'f')", (uuid7(1),))


def test_withdrawal_leaves_the_device(undone):
    undone.execute("DELETE FROM practitioners WHERE id = %s", (uuid7(1),))
    device = ask(undone, "SELECT owner, department, state FROM sources WHERE id = %s", uuid7(21))
    assert device == [(None, "77", "active")]
    assert value(undone, "SELECT count(*) FROM numbers WHERE practitioner = %s", uuid7(1)) == 0
    assert value(undone, "SELECT count(*) FROM consents") == 0
    assert value(undone, "SELECT count(*) FROM sites") == 2


def test_two_departments_stay_apart(undone):
    """The same name, RPPS number and certificate folder in both; nothing of one can refer to the other."""
    assert value(undone, "SELECT count(*) FROM sources WHERE name = 'bracelet-1'") == 2
    assert value(undone, "SELECT count(*) FROM practitioners WHERE rpps = 10100000016") == 2
    tables = ask(undone, """
        SELECT t.table_name FROM information_schema.tables t
        WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND NOT EXISTS (
            SELECT FROM information_schema.columns c WHERE c.table_schema = 'public'
                AND c.table_name = t.table_name AND c.column_name = 'department') ORDER BY 1""")
    assert [name for name, in tables] == [
        # the department itself, what belongs to the whole database, and records that nobody could read
        "departments", "node_cursor", "registry_change", "registry_version", "schema_serves", "schema_version",
        "set_aside", "territory_version", "trail_chain"]


def test_every_table_and_function_says_what_it_is_for(undone):
    assert ask(undone, """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
            AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND obj_description(oid, 'pg_proc') IS NULL
        UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
            AND obj_description(oid, 'pg_type') IS NULL""") == []


def luhn(digits):
    total = 0
    for i, d in enumerate(reversed(str(digits))):
        d = int(d) * (1 + i % 2)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def test_rpps_check_digit(undone):
    numbers = [10100000016 + 37 * n for n in range(500)]
    assert value(undone, "SELECT array_agg(rpps_is_valid(n) ORDER BY i) FROM unnest(%s::bigint[]) "
                     "WITH ORDINALITY AS u (n, i)", numbers) == [luhn(n) for n in numbers]


# Who may do what -------------------------------------------------------------------------------------

REGISTRY = ["practitioners", "sites", "site_hours", "practitioner_sites", "staff", "numbers", "consents", "sources"]
TERRITORY = ["departments", "centres", "tribunals", "communes", "contours", "zones", "advisers", "adviser_communes"]
HAPPENED = ["alerts", "calls", "incidents", "revisions", "incident_names", "words", "set_aside", "trail"]
MACHINERY = ["schema_version", "schema_serves", "registry_version", "registry_change", "territory_version",
             "trail_chain", "node_cursor"]


def may(db, role, privilege, table):
    return value(db, "SELECT has_any_column_privilege(%s, %s, %s)" if privilege != "DELETE" and privilege != "TRUNCATE"
                 else "SELECT has_table_privilege(%s, %s, %s)", role, table, privilege)


def test_the_daemon_cannot_alter_the_registry(undone):
    for table in REGISTRY + TERRITORY:
        assert may(undone, "tocsin_daemon", "SELECT", table)
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert not may(undone, "tocsin_daemon", privilege, table), (table, privilege)


def test_the_daemon_reads_no_names_back_and_deletes_nothing(undone):
    for table in ("incident_names", "words", "trail"):
        assert not may(undone, "tocsin_daemon", "SELECT", table)
    for table in HAPPENED + MACHINERY:
        assert not may(undone, "tocsin_daemon", "DELETE", table)
        assert not may(undone, "tocsin_daemon", "TRUNCATE", table)
        assert may(undone, "tocsin_daemon", "UPDATE", table) == (table == "incidents"), table


def test_the_registry_cannot_read_what_happened(undone):
    for table in HAPPENED:
        for privilege in ("SELECT", "UPDATE", "DELETE", "TRUNCATE"):
            assert not may(undone, "tocsin_registry", privilege, table), (table, privilege)
        assert may(undone, "tocsin_registry", "INSERT", table) == (table == "trail"), table
    for table in REGISTRY + TERRITORY:
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            assert may(undone, "tocsin_registry", privilege, table)
    for table in MACHINERY:
        assert not may(undone, "tocsin_registry", "UPDATE", table)
        assert not may(undone, "tocsin_registry", "INSERT", table)


def test_the_report_reads_no_names(undone):
    """Every column that it may read, by hand: a new one must be put here by somebody who thought of it."""
    forbidden = {"name", "number", "phone", "caller", "person_name", "person_number", "address", "access", "label",
                 "note", "rpps", "exposed", "who", "detail", "evidence", "subject", "issuer", "taken_by", "agent",
                 "line", "record", "reason", "ref", "lat", "lon", "note_sha256", "method", "fixed_at", "accuracy_m"}
    public = {"departments", "centres", "tribunals", "communes", "contours", "zones", "schema_version"}
    readable = ask(undone, """
        SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
            AND has_column_privilege('tocsin_report', format('public.%%I', table_name), column_name, 'SELECT')
        """.replace("%%", "%"))
    positions = {"alerts", "calls", "incidents", "revisions", "set_aside", "node_cursor"}  # number: of a record
    wrong = [(t, c) for t, c in readable if c in forbidden and t not in public
             and not (c == "number" and t in positions)]
    assert wrong == []
    for table in REGISTRY + TERRITORY + HAPPENED + MACHINERY:
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert not may(undone, "tocsin_report", privilege, table), (table, privilege)
    assert not may(undone, "tocsin_report", "SELECT", "numbers")
    assert not may(undone, "tocsin_report", "SELECT", "incident_names")
    assert may(undone, "tocsin_report", "SELECT", "incidents")


def test_nobody_else_may_anything(db):
    db.execute("CREATE ROLE test_stranger")
    try:
        for table in REGISTRY + TERRITORY + HAPPENED + MACHINERY:
            for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"):
                assert not may(db, "test_stranger", privilege, table), (table, privilege)
        for function in ("cursor_move(integer,bigint,bigint,bigint,bigint)", "trail_check()"):
            assert not value(db, "SELECT has_function_privilege('test_stranger', %s, 'EXECUTE')", function)
    finally:
        db.execute("DROP ROLE test_stranger")


def as_role(schema, sql, *arguments, user):
    with contextlib.closing(schema.connect(user=user)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else None


def test_roles_at_work(db, schema):
    """The rights, used: the triggers behind them run with their owner's."""
    as_role(schema, "UPDATE practitioners SET exposed = 'menaces' WHERE id = %s", uuid7(2), user="test_registry")
    as_role(schema, "DELETE FROM practitioners WHERE id = %s", uuid7(1), user="test_registry")
    as_role(schema, "UPDATE communes SET population = 43000", user="test_registry")
    as_role(schema, "SELECT cursor_move(1, 0, 0, 1, 2)", user="test_daemon")
    as_role(schema, "INSERT INTO trail (chain, at, department, who, via, what, object, object_id, node, "
                  "epoch, number) VALUES (1, now(), '77', 'B. Exemple', 'cic-77', 'take', 'incident', 'x', 1, 1, 1)",
                  user="test_daemon")
    as_role(schema, "INSERT INTO trail (chain, at, department, who, via, what, object, object_id) "
                  "VALUES (0, now(), '77', 'C. Exemple', 'registry show', 'look', 'practitioner', 'x')",
                  user="test_registry")
    assert as_role(schema, "SELECT * FROM trail_check()", user="test_report") == []
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(schema, "INSERT INTO trail (chain, seq, prev, hash, at, department, who, via, what, object, "
                      "object_id) VALUES (0, 7, '', '', now(), '77', 'a', 'b', 'c', 'd', 'e')", user="test_registry")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(schema, "CREATE TABLE mine (a int)", user="test_daemon")


# Versions --------------------------------------------------------------------------------------------

def changes(db, after):
    return ask(db, "SELECT version, entity, id::text FROM registry_change WHERE version > %s "
                   "ORDER BY version, entity, id", after)


def registry_version(db):
    return value(db, "SELECT version FROM registry_version")


@pytest.mark.parametrize("sql, expected", [
    ("UPDATE practitioners SET exposed = 'menaces' WHERE id = %(aline)s", [("practitioner", 1)]),
    ("DELETE FROM numbers WHERE number = '+33199000001'", [("practitioner", 1), ("practitioner", 2)]),
    ("UPDATE numbers SET practitioner = %(bruno)s, place = 2 WHERE number = '+33639980001'",
     [("practitioner", 1), ("practitioner", 2)]),
    ("INSERT INTO practitioner_sites VALUES (%(bruno)s, %(site)s, '77', 1)", [("practitioner", 2)]),
    ("UPDATE consents SET withdrawn_at = now()", [("practitioner", 1)]),
    ("UPDATE sites SET access = 'code 12' WHERE id = %(site)s", [("site", 11)]),
    ("UPDATE sources SET state = 'revoked'", [("source", 21), ("source", 22)]),
    ("DELETE FROM practitioners WHERE id = %(aline)s", [("practitioner", 1), ("source", 21)]),
    ("UPDATE sites SET access = 'x' WHERE false", []),
    ("INSERT INTO sites SELECT * FROM sites WHERE false", []),
    ("UPDATE communes SET population = 1", []),
])
def test_a_change_is_noted_and_told(db, sql, expected):
    before = registry_version(db)
    db.execute("LISTEN tocsin_registry")
    db.execute(sql, IDS)
    noted = changes(db, before)
    assert [(entity, int(id[-12:], 16)) for _, entity, id in noted] == expected
    assert registry_version(db) == before + bool(expected)
    db.connection.poll()
    told = [n.payload for n in db.connection.notifies]
    assert told == [str(before + 1)] * bool(expected)


def test_one_transaction_is_one_version(db):
    before = registry_version(db)
    db.execute("BEGIN; UPDATE sites SET access = 'a'; SAVEPOINT s; UPDATE sites SET access = 'b'; ROLLBACK TO s; "
               "UPDATE practitioners SET exposed = 'x'; COMMIT")
    assert registry_version(db) == before + 1
    assert {v for v, _, _ in changes(db, before)} == {before + 1}
    db.execute("BEGIN; SAVEPOINT s; UPDATE sites SET access = 'c'; ROLLBACK TO s; COMMIT")
    assert registry_version(db) == before + 1
    db.execute("BEGIN; SAVEPOINT s; UPDATE sites SET access = 'c'; ROLLBACK TO s; "
               "UPDATE sites SET access = 'd' WHERE department = '77'; COMMIT")
    assert changes(db, before + 1) == [(before + 2, "site", uuid7(11))]


def test_versions_commit_in_their_order(db, schema):
    """A writer that took a version holds the next one up until it commits: a reader that saw version n has
    seen every change up to n."""
    before = registry_version(db)
    first, second = schema.connect(), schema.connect()
    first.autocommit = second.autocommit = False
    with first.cursor() as cursor:
        cursor.execute("UPDATE sites SET access = 'first' WHERE department = '77'")

    def write_second():
        with second, second.cursor() as cursor:
            cursor.execute("UPDATE sites SET access = 'second' WHERE department = '91'")
            cursor.execute("SELECT version FROM registry_version")
            return cursor.fetchone()[0]

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        later = pool.submit(write_second)
        wait_until(lambda: value(db, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                                   "AND datname = current_database()") == 1, 10, "the second writer waits")
        assert not later.done() and registry_version(db) == before
        first.commit()
        assert later.result(10) == before + 2
    assert [v for v, _, _ in changes(db, before)] == [before + 1, before + 2]
    first.close()
    second.close()


def test_old_changes_are_forgotten_and_the_floor_says_so(undone):
    undone.execute("UPDATE registry_version SET version = 20000, xact = '0'")
    undone.execute("UPDATE sites SET access = 'x'")
    assert ask(undone, "SELECT version, floor FROM registry_version") == [(20001, 10001)]
    assert value(undone, "SELECT min(version) FROM registry_change") == 20001


def test_a_truncate_cannot_pass_unseen(db):
    for table in ("practitioners", "sites", "sources", "numbers", "consents", "practitioner_sites"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            db.execute(f"TRUNCATE {table} CASCADE")


def test_territory_version(db):
    before = value(db, "SELECT version FROM territory_version")
    db.execute("LISTEN tocsin_territory")
    db.execute("BEGIN; UPDATE communes SET population = 1; UPDATE centres SET name = 'CIC' WHERE id = 'cic-77'; COMMIT")
    db.execute("INSERT INTO advisers VALUES (%s, '77', 'Major Exemple', '+33199000009')", (uuid7(50),))
    assert value(db, "SELECT version FROM territory_version") == before + 2
    db.connection.poll()
    assert [n.payload for n in db.connection.notifies] == [str(before + 1), str(before + 2)]
    assert registry_version(db) == value(db, "SELECT max(version) FROM registry_change")


# The cursor and the trail ----------------------------------------------------------------------------

def test_the_cursor_moves_only_from_where_it_was_seen(db):
    db.execute("SELECT cursor_move(1, 0, 0, 1, 10)")
    for wrong in ("1, 0, 0, 1, 11", "1, 1, 9, 1, 11", "1, 1, 10, 1, 9", "1, 1, 10, 0, 99", "2, 1, 10, 1, 11"):
        with pytest.raises(psycopg2.Error) as refused:
            db.execute(f"SELECT cursor_move({wrong})")
        assert refused.value.pgcode == "TC001"
    db.execute("SELECT cursor_move(1, 1, 10, 2, 1)")
    assert ask(db, "SELECT node, epoch, number FROM node_cursor") == [(1, 2, 1)]


def fill_trail(db, count=20):
    db.execute("INSERT INTO trail (chain, at, department, who, via, what, object, object_id, node, epoch, number) "
               "SELECT 1, now(), '77', 'B. Exemple', 'cic-77', 'take', 'incident', 'i' || n, 1, 1, n "
               "FROM generate_series(1, %s) n", (count,))
    db.execute("INSERT INTO trail (chain, at, department, who, via, what, object, object_id) "
               "SELECT 0, now(), '77', 'C. Exemple', 'registry show', 'look', 'practitioner', 'p' || n "
               "FROM generate_series(1, %s) n", (count,))


def test_the_trail_binds(undone):
    fill_trail(undone)
    assert ask(undone, "SELECT * FROM trail_check()") == []
    chains = ask(undone, "SELECT chain, count(*), max(seq) FROM trail GROUP BY 1 ORDER BY 1")
    assert chains == [(0, 20, 20), (1, 20, 20)]
    # what comes twice changes nothing and leaves no gap
    undone.execute("INSERT INTO trail (chain, at, department, who, via, what, object, object_id, node, epoch, number) "
               "SELECT 1, now(), '77', 'B. Exemple', 'cic-77', 'take', 'incident', 'i' || n, 1, 1, n "
               "FROM generate_series(15, 25) n ON CONFLICT DO NOTHING")
    assert ask(undone, "SELECT count(*), max(seq) FROM trail WHERE chain = 1") == [(25, 25)]
    assert ask(undone, "SELECT * FROM trail_check()") == []


def test_the_trail_does_not_depend_on_settings(undone):
    fill_trail(undone)
    undone.execute("SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = 0; "
               "SET bytea_output = 'escape'; SET intervalstyle = 'iso_8601'")
    assert ask(undone, "SELECT * FROM trail_check()") == []


@pytest.mark.parametrize("tamper, expected", [
    ("UPDATE trail SET who = 'somebody' WHERE chain = 1 AND seq = 7", (1, 7, "changed after it was written")),
    ("UPDATE trail SET note_sha256 = sha256('x') WHERE chain = 1 AND seq = 7", (1, 7, "changed after it was written")),
    ("UPDATE trail SET via = 'registry', what = ' showlook' WHERE chain = 0 AND seq = 1",
     (0, 1, "changed after it was written")),
    ("DELETE FROM trail WHERE chain = 1 AND seq = 7", (1, 8, "rows before this one are missing")),
    ("DELETE FROM trail WHERE chain = 0 AND seq = 1", (0, 2, "rows before this one are missing")),
    ("DELETE FROM trail WHERE chain = 1 AND seq = 7; UPDATE trail SET seq = seq - 1 WHERE chain = 1 AND seq > 7",
     (1, 7, "not bound to the row before it")),
    ("UPDATE trail SET hash = sha256('x') WHERE chain = 1 AND seq = 20", (1, 20, "changed after it was written")),
    ("UPDATE trail SET at = at + interval '1 microsecond' WHERE chain = 1 AND seq = 7",
     (1, 7, "changed after it was written")),
])
def test_the_trail_shows_who_touched_it(undone, tamper, expected):
    fill_trail(undone)
    undone.execute("ALTER TABLE trail DISABLE TRIGGER append_only")  # as only its owner can
    undone.execute(tamper)
    assert ask(undone, "SELECT * FROM trail_check()") == [expected]


def test_every_field_of_the_trail_is_bound(undone):
    """A column that a later migration adds and forgets to bind would be free to change."""
    fill_trail(undone, 1)
    changed = {"integer": "{0} + 1", "bigint": "{0} + 1", "text": "{0} || 'x'", "bytea": "sha256('x')",
               "timestamp with time zone": "{0} + interval '1 s'"}
    for name, kind in ask(undone, "SELECT column_name, data_type FROM information_schema.columns "
                              "WHERE table_name = 'trail' AND column_name <> 'hash'"):
        undone.execute("SELECT trail_hash(t) <> trail_hash(u) FROM trail t, LATERAL (SELECT (jsonb_populate_record(t, "
                   f"jsonb_build_object('{name}', {changed[kind].format('t.' + name)}))).*) AS u WHERE t.chain = 1")
        assert undone.fetchall() == [(True,)], name


def test_the_trail_only_grows(db):
    fill_trail(db)
    for sql in ("UPDATE trail SET who = 'x'", "DELETE FROM trail", "TRUNCATE trail"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="only ever grows|not allowed"):
            db.execute(sql)


def test_a_tool_does_not_hold_up_a_node(db, schema):
    fill_trail(db)
    tool = schema.connect()
    tool.autocommit = False
    with tool.cursor() as cursor:
        cursor.execute("INSERT INTO trail (chain, at, department, who, via, what, object, object_id) VALUES "
                       "(0, now(), '77', 'C. Exemple', 'registry import', 'import', 'file', 'x')")
    db.execute("SET lock_timeout = '2s'")
    db.execute("INSERT INTO trail (chain, at, department, who, via, what, object, object_id, node, epoch, number) "
               "VALUES (1, now(), '77', 'B. Exemple', 'cic-77', 'close', 'incident', 'x', 1, 1, 99)")
    tool.rollback()
    tool.close()
    assert ask(db, "SELECT * FROM trail_check()") == []


def test_two_tools_share_a_chain(db, schema):
    def write(n):
        for i in range(25):
            as_role(schema, "INSERT INTO trail (chain, at, department, who, via, what, object, object_id) VALUES "
                    "(0, now(), '77', %s, 'registry show', 'look', 'practitioner', 'x')", f"tool {n}",
                    user="test_registry")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert ask(db, "SELECT count(*), max(seq) FROM trail WHERE chain = 0") == [(100, 100)]
    assert ask(db, "SELECT * FROM trail_check()") == []
