"""Calls to the 17 and the relays of a regulation: who is recognised, and who leaves no trace."""

import itertools
import os
import pathlib
import subprocess
import time

import pytest
from clients import owner, reason_codes, role
from department import MELUN, NANGIS, rpps
from messages import kind_word, sender

STRANGER = "+33639987701"  # of the regulator's fiction, in nobody's registration
_calls = itertools.count(1)


def call_id():
    return f"uui-{next(_calls)}-e5b1"


def national(number):
    """As an exchange shows it: 06 39 98 00 12."""
    digits = "0" + number.removeprefix("+33")
    return " ".join(digits[i:i + 2] for i in range(0, 10, 2))


SPELLINGS = {
    "national": national,
    "digits": lambda number: "0" + number.removeprefix("+33"),
    "international": lambda number: "00" + number.removeprefix("+"),
    "sip": lambda number: f'"Cabinet" <sip:{number}@exchange.invalid;user=phone>;tag=3x',
    "tel": lambda number: f"tel:{number};phone-context=fr",
    "brackets": lambda number: f"+33 (0){number.removeprefix('+33')}",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_registered_caller_is_flagged_in_any_spelling(service, spelling):
    person = service.person(MELUN)
    console = service.console("cic-77")
    receipt = service.sender("exchange-cic").call(call_id(), number=SPELLINGS[spelling](person.number),
                                                  centre="cic-77", line="17-3", agent="poste 4")
    assert receipt.refused == "" and receipt.receipt
    view = console.incident(receipt.incident)
    assert (kind_word(view.kind), view.priority, view.contact) == ("call", 2, "presented")
    assert [(p.id, p.number) for p in view.practitioners] == [(person.id, person.number)]
    assert owner(view) == "cic-77" and "route-presented" in reason_codes(view)
    assert view.place.origin == "registered-site" and "where-registered-site" in reason_codes(view)


def test_call_belongs_to_where_it_was_presented_and_the_competent_centre_is_informed(service):
    person = service.person(NANGIS)
    console = service.console("cic-77")
    receipt = service.sender("exchange-cic").call(call_id(), number=person.number, centre="cic-77")
    view = console.incident(receipt.incident)
    assert (owner(view), role(view, "corg-77")) == ("cic-77", "informed")
    assert "route-competent-informed" in reason_codes(view)


def test_phases_of_a_call(service):
    person, call = service.person(MELUN), call_id()
    console, exchange = service.console("cic-77"), service.sender("exchange-cic")
    first = exchange.call(call, number=person.number, centre="cic-77")
    for phase in ("answered", "ended"):
        receipt = exchange.call(call, phase, number=person.number, centre="cic-77")
        assert receipt.incident == first.incident
        view = console.incident(first.incident, where=lambda view: view.contact == phase)
        assert view.priority == 2


def test_call_abandoned_before_an_answer_is_presumed_an_attack(service):
    person, call = service.person(MELUN), call_id()
    console, exchange = service.console("cic-77"), service.sender("exchange-cic")
    first = exchange.call(call, number=person.number, centre="cic-77")
    exchange.call(call, "abandoned", number=person.number, centre="cic-77")
    view = console.incident(first.incident, where=lambda view: view.contact == "abandoned")
    assert view.priority == 1 and "priority-abandoned-call" in reason_codes(view)


def test_call_and_panic_of_one_person_are_one_incident(service):
    person = service.person(MELUN)
    console = service.console("cic-77")
    call = service.sender("exchange-cic").call(call_id(), number=person.number, centre="cic-77")
    panic = service.sender(person.device).alert("panic")
    assert panic.incident == call.incident
    view = console.incident(call.incident, where=lambda view: view.alerts_total == 2)
    assert (view.priority, kind_word(view.kind)) == (1, "panic")


def traces(service, *words):
    """Where any of the words stands: files of the daemon, its log, the whole database."""
    words = [word.encode() for word in words]
    found = []
    for folder in (service.daemon.journal, service.daemon.state):
        for path in folder.rglob("*"):
            data = path.read_bytes() if path.is_file() else b""
            found += [f"{path}: {word}" for word in words if word in data]
    found += [f"log: {word}" for word in words if word in service.daemon.log_file.read_bytes()]
    dump = subprocess.run([pathlib.Path("/usr/lib/postgresql/15/bin/pg_dump"), "--dbname",
                           service.database.dsn()], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    return found + [f"database: {word}" for word in words if word in dump]


def spelt(number):
    digits = number.removeprefix("+33")
    return [digits, national(number), national(number).removeprefix("0")]


@pytest.mark.parametrize("phase", ["presented", "answered", "abandoned", "ended"])
def test_unregistered_caller_leaves_no_trace(service, phase):
    call = call_id()
    exchange = service.sender("exchange-cic")
    receipt = exchange.call(call, phase, number=national(STRANGER), centre="cic-77", line="ligne-8f2c")
    assert (receipt.receipt, receipt.incident, receipt.refused) == ("", "", "")
    # A registered caller behind it: when this one is in the database, all before it would be.
    person, known = service.person(MELUN), call_id()
    kept = exchange.call(known, number=person.number, centre="cic-77")
    service.row("SELECT 1 FROM calls WHERE alert = %s", kept.receipt)
    assert traces(service, call, "ligne-8f2c", *spelt(STRANGER)) == []
    assert traces(service, known) != []  # the search would have found it


def test_caller_without_consent_for_that_centre_leaves_no_trace(service):
    person, call = service.person(MELUN), call_id()
    exchange = service.sender("exchange")
    receipt = exchange.call(call, number=person.number, centre="cic-91")
    assert (receipt.receipt, receipt.incident) == ("", "")
    assert traces(service, call) == []


def test_leaves_no_core_file(service):
    limits = pathlib.Path(f"/proc/{service.daemon.pid}/limits").read_text()
    core, = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"], core
    # Not dumpable: its files in /proc belong to root whoever runs it, and no debugger gets in.
    assert os.stat(f"/proc/{service.daemon.pid}/mem").st_uid == 0


def test_masks_numbers_in_its_log(service):
    person = service.person(MELUN)
    service.sender("exchange-cic").call(call_id(), number=person.number, centre="cic-77")
    log = service.daemon.text()
    assert not any(spelling in log for spelling in spelt(person.number))


@pytest.mark.parametrize("source", ["bracelet-59", "sos", "platform"])
def test_only_exchanges_bring_calls(service, source):
    person, call = service.person(), call_id()
    sender = service.sender(source)
    assert sender.call(call, number=person.number, centre="cic-77").refused == "not-allowed"
    assert sender.alert("test").receipt  # the link goes on


def share(service, people, number):
    for person in people:
        service.department.change("INSERT INTO numbers (practitioner, department, number, place, label, "
                                  "shared) VALUES (%s, '77', %s, 2, 'secrétariat', true)", person.id, number)


def test_shared_number_shows_all_and_chooses_none(service):
    people = [service.person(MELUN) for _ in range(3)]
    share(service, people, "+33199005501")
    console, exchange = service.console("cic-77"), service.sender("exchange-cic")
    deadline = time.monotonic() + 5
    while True:  # until the daemon knows of all three
        receipt = exchange.call(call_id(), number="01 99 00 55 01", centre="cic-77")
        if receipt.incident and len(console.incident(receipt.incident).practitioners) == 3:
            break
        assert time.monotonic() < deadline
    view = console.incident(receipt.incident)
    assert {p.id for p in view.practitioners} == {person.id for person in people}
    assert "who-shared-number" in reason_codes(view)
    # One of them presses: an incident of their own, related, never merged.
    panic = service.sender(people[1].device).alert("panic")
    assert panic.incident != receipt.incident
    view = console.incident(panic.incident)
    assert [p.id for p in view.practitioners] == [people[1].id]


def test_relay_with_registered_name_and_number(service):
    person = service.person(NANGIS)
    receipt = service.sender("sos").alert("relay", commune=MELUN, address="9 rue du Port", person=sender
                                          .StatedPerson(name=person.name, number=person.number))
    view = service.console("cic-77").incident(receipt.incident)
    assert [(p.id, p.name) for p in view.practitioners] == [(person.id, person.name)]
    # The visit's address, not the surgery.
    assert (view.place.origin, view.place.label, view.place.commune) == ("stated", "9 rue du Port", MELUN)
    assert view.priority == 1


def test_relay_by_rpps_number(service):
    person = service.person(MELUN)
    receipt = service.sender("sos").alert("relay", commune=MELUN, practitioner=person.rpps)
    view = service.console("cic-77").incident(receipt.incident)
    assert [p.id for p in view.practitioners] == [person.id]
    assert "who-rpps" in reason_codes(view)


def test_relay_of_an_rpps_number_that_nobody_has(service):
    receipt = service.sender("sos").alert("relay", commune=MELUN, practitioner=rpps(999999))
    view = service.console("cic-77").incident(receipt.incident)
    assert not view.practitioners and view.priority == 1
    assert "who-rpps-unknown" in reason_codes(view)


def test_locum_who_is_not_registered_is_a_person_too(service):
    regulation = service.sender("sos")
    locum = sender.StatedPerson(name="Dr Remplaçante", number="06 39 98 66 01")
    first = regulation.alert("relay", commune=MELUN, person=locum)
    console = service.console("cic-77")
    person, = console.incident(first.incident).practitioners
    assert (person.id, person.name, person.number) == ("", "Dr Remplaçante", "+33639986601")
    # The same one again joins; another one whom the same regulation relays does not.
    assert regulation.alert("relay", commune=MELUN, person=locum).incident == first.incident
    other = sender.StatedPerson(name="Dr Autre", number="06 39 98 66 02")
    assert regulation.alert("relay", commune=MELUN, person=other).incident != first.incident


def test_locum_on_a_registered_number_is_shown_first_and_never_merged(service):
    person = service.person(MELUN)
    panic = service.sender(person.device).alert("panic")
    receipt = service.sender("sos").alert("relay", commune=MELUN, person=sender.StatedPerson(
        name="Dr Remplaçant", number=person.number))
    assert receipt.incident != panic.incident
    view = service.console("cic-77").incident(receipt.incident)
    assert [(p.id, p.name) for p in view.practitioners] == [("", "Dr Remplaçant"), (person.id, person.name)]
    assert panic.incident in view.related
