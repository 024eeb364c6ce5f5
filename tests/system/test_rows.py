"""What a sender said and what a console showed stands in PostgreSQL, field for field."""

import datetime
import math

import messages as m
import psycopg2
import pytest
from clients import microseconds, position, reason_codes
from department import MELUN, rpps
from messages import kind_word, state_word

KINDS = ["panic", "duress", "silent", "medical", "relay", "intrusion", "tamper", "battery", "link", "test",
         "cancel", "position", "unknown"]
DOUBTS = {"clock": 1, "certificate": 2, "position": 4, "text": 8, "kind": 16, "ref": 32}  # the schema's bits
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def us(when):
    """A timestamp as microseconds; None stays None."""
    return when if when is None else (when - EPOCH) // datetime.timedelta(microseconds=1)


def at_position(row):
    return f"{row['node']}:{row['epoch']}:{row['number']}"


def check_incident(service, view):
    """The incident's row against the newest revision that a console was shown."""
    row = service.row("SELECT * FROM incidents WHERE incident = %s AND revision >= %s", view.incident,
                      view.revision)
    assert row["revision"] == view.revision
    assert at_position(row) == view.position
    assert (row["department"], row["state"], row["priority"], row["kind"]) == (
        view.department, state_word(view.state), view.priority, kind_word(view.kind))
    assert (us(row["raised_at"]), us(row["updated_at"])) == (view.raised_at, view.updated_at)
    assert us(row["renewed_at"]) == (view.renewed_at or None)
    assert (row["exercise"], row["level"], row["cancels"]) == (view.exercise, view.level, view.cancels)
    assert (row["taken_by"] or "", row["taken_at"] or "") == (view.taken_by, view.taken_at_centre)
    assert ((row["disposition"] or ""), row["contact"]) == (view.disposition, view.contact)
    assert row["centres"] == [f"{centre.id}:{centre.role}" for centre in view.centres]
    assert row["owner"] == next(centre.id for centre in view.centres if centre.role == "owner")
    assert [str(id) for id in as_list(row["practitioners"])] == [p.id for p in view.practitioners if p.id]
    assert [str(id) for id in as_list(row["related"])] == list(view.related)
    assert row["reasons"] == reason_codes(view)
    assert row["alerts_total"] == view.alerts_total
    place = view.place
    assert (row["origin"] or "", row["precision"], row["commune"] or "") == (
        place.origin, place.precision, place.commune)
    if place.has_point:
        assert (row["lat"], row["lon"]) == (place.lat, place.lon)
        assert math.isclose(row["accuracy_m"] or 0, place.accuracy_m, rel_tol=1e-6)
    else:
        assert row["lat"] is None and row["lon"] is None
    assert us(row["fixed_at"]) == (place.fixed_at or None)
    return row


def as_list(uuids):
    """psycopg2 hands an array of uuid over as text."""
    return [] if not uuids else uuids.strip("{}").split(",") if isinstance(uuids, str) and uuids != "{}" else \
        [] if uuids == "{}" else uuids


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(service, kind):
    person = service.person(MELUN)
    sender = service.sender(person.device)
    occurred, fixed = microseconds(2), microseconds(3)
    where = m.sender.Position(lat=48.5391, lon=2.6612, accuracy_m=12.5, fixed_at=fixed, method="gnss")
    receipt = sender.alert(kind, ref=f"row-{kind}", occurred_at=occurred, position=where, note="au fond",
                           address="3 quai de Seine", commune=MELUN, number="06 39 98 55 01")
    row = service.row("SELECT * FROM alerts WHERE alert = %s", receipt.receipt)
    assert (row["ref"], row["kind"], row["priority"]) == (f"row-{kind}", kind, receipt.priority)
    assert (row["node"], row["department"], row["exercise"]) == (1, "77", False)
    assert row["doubts"] == (DOUBTS["kind"] if kind == "unknown" else 0)
    assert str(row["source"]) == person.device_id
    assert (str(row["incident"]) if row["incident"] else "") == receipt.incident
    assert us(row["occurred_at"]) == occurred and occurred < us(row["received_at"]) < microseconds()
    assert (row["lat"], row["lon"], row["accuracy_m"], us(row["fixed_at"]), row["method"]) == (
        48.5391, 2.6612, 12.5, fixed, "gnss")
    assert row["commune"] == MELUN
    words = service.row("SELECT * FROM words WHERE (node, epoch, number) = (%s, %s, %s) AND ordinal = 0",
                        row["node"], row["epoch"], row["number"])
    assert (words["caller"], words["address"], words["note"]) == ("06 39 98 55 01", "3 quai de Seine", "au fond")
    assert words["retain_until"] > datetime.date.today() and not words["legal_hold"]
    if receipt.incident:
        centre = "ops-77" if receipt.priority == 4 else "cic-77"
        check_incident(service, service.console(centre).incidents[receipt.incident])
        name = service.row("SELECT * FROM incident_names WHERE incident = %s", receipt.incident)
        assert (str(name["practitioner"]), name["name"], name["specialty"]) == (
            person.id, person.name, "médecine générale")


def test_relay_in_words(service):
    person = m.sender.StatedPerson(name="Dr Remplaçante", number="06.39.98.44.01")
    receipt = service.sender("sos").alert("relay", commune=MELUN, address="5 rue Neuve", person=person,
                                          practitioner=rpps(999999), note="portail bleu")
    alert = service.row("SELECT * FROM alerts WHERE alert = %s", receipt.receipt)
    words = service.row("SELECT * FROM words WHERE incident = %s AND ordinal = 0", receipt.incident)
    assert (words["person_name"], words["person_number"], words["rpps"]) == (
        "Dr Remplaçante", "06.39.98.44.01", int(rpps(999999)))
    assert (words["address"], words["note"]) == ("5 rue Neuve", "portail bleu")
    assert (words["node"], words["epoch"], words["number"]) == (alert["node"], alert["epoch"], alert["number"])
    name = service.row("SELECT * FROM incident_names WHERE incident = %s", receipt.incident)
    assert (name["practitioner"], name["name"], name["phone"]) == (None, "Dr Remplaçante", "+33639984401")


def test_call_with_its_phases(service):
    person = service.person(MELUN)
    exchange, console = service.sender("exchange-cic"), service.console()
    at = microseconds(1)
    receipts = [exchange.call("c-rows", phase, number=person.number, centre="cic-77", line="17-2",
                              agent="poste 9", at=at) for phase in ("presented", "answered", "ended")]
    for phase, receipt in zip(("presented", "answered", "ended"), receipts):
        row = service.row("SELECT * FROM calls WHERE alert = %s", receipt.receipt)
        assert (row["phase"], row["presented_to"], row["line"], row["agent"]) == (
            phase, "cic-77", "17-2", "poste 9")
        assert str(row["incident"]) == receipts[0].incident and row["department"] == "77"
        alert = service.row("SELECT * FROM alerts WHERE alert = %s", receipt.receipt)
        assert (alert["kind"], alert["ref"], us(alert["occurred_at"])) == ("call", "c-rows", at)
    check_incident(service, console.incident(receipts[0].incident, where=lambda view: view.contact == "ended"))


def test_every_revision_that_a_console_saw(service):
    person = service.person(MELUN)
    console, sender = service.console(operator="Greffière"), service.sender(person.device)
    receipt = sender.alert("panic", position=position(48.54, 2.66))
    incident = receipt.incident
    console.incident(incident)
    console.do("take", incident)
    console.do("note", incident, note="en route")
    sender.alert("cancel")
    console.incident(incident, where=lambda view: view.cancels)
    console.do("transfer", incident, centre="corg-77")
    console.do("engage", incident)
    console.do("close", incident, disposition="fait")
    shown = [view for _, view in console.times if view.incident == incident]
    check_incident(service, shown[-1])
    rows = {row["revision"]: row for row in
            service.rows("SELECT * FROM revisions WHERE incident = %s ORDER BY epoch, number", incident)}
    for view in shown:
        row = rows[view.revision]
        assert at_position(row) == view.position
        assert (row["state"], row["priority"], us(row["at"])) == (
            state_word(view.state), view.priority, view.updated_at)
        if row["centres"] is not None:
            assert row["centres"] == [f"{centre.id}:{centre.role}" for centre in view.centres]
        if row["reasons"] is not None:
            assert row["reasons"] == reason_codes(view)


def test_cursor_moves_with_the_rows(service):
    receipt = service.sender("platform").alert("panic", commune=MELUN)
    row = service.row("SELECT a.epoch, a.number, c.epoch AS e, c.number AS n FROM alerts a JOIN node_cursor c "
                      "USING (node) WHERE alert = %s", receipt.receipt)
    assert (row["e"], row["n"]) >= (row["epoch"], row["number"])


def test_daemon_s_account_can_do_no_more_than_it_must(service):
    """The account that it runs with: neither the registry nor what was written before is its to change."""
    connection = service.database.connect(user="test_daemon")
    for statement in ("DELETE FROM practitioners", "UPDATE sources SET state = 'revoked'", "DELETE FROM alerts",
                      "UPDATE trail SET who = 'x'", "SELECT name FROM incident_names", "SELECT note FROM words"):
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    connection.close()
