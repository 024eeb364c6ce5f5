"""The registry changes while the daemon serves: within a second, and what is open stays as it is."""

import pathlib
import time

from clients import Closed, Sender, reason_codes
from department import MELUN, NANGIS
from wait import wait_until

SECOND = 1.0


def within_a_second(condition, what):
    began = time.monotonic()
    answer = wait_until(condition, 10, what)
    assert time.monotonic() - began < SECOND, f"{what}: took {time.monotonic() - began:.1f} s"
    return answer


def is_known(service, name):
    link = service.link(Sender, service.daemon.alerts_port, service.identity(name))
    try:
        return link.hello() and link
    except Closed:
        return None


def test_new_source_is_heard_within_a_second(service):
    service.identity("device-warm")
    name = service.department.add_source("device", panic=True)
    service.identity(name)
    sender = within_a_second(lambda: is_known(service, name), "a new device is welcome")
    assert sender.alert("panic").priority == 1


def withdraw(service, person):
    service.department.change("DELETE FROM practitioners WHERE id = %s", person.id)


def test_withdrawal(service):
    """The open incident stays as it is; the device still alarms, without a name; calls match no more;
    and the node's own copy of the registry forgets the person."""
    person = service.person(MELUN)
    console, exchange = service.console(), service.sender("exchange-cic")
    sender = service.sender(person.device)
    before = sender.alert("panic")
    console.incident(before.incident)
    withdraw(service, person)

    def recognised(turn=[0]):
        turn[0] += 1
        return exchange.call(f"withdrawn-{turn[0]}", number=person.number, centre="cic-77").receipt
    within_a_second(lambda: not recognised(), "calls match no more")
    console.do("note", before.incident, note="toujours là")
    assert [p.name for p in console.incidents[before.incident].practitioners] == [person.name]

    console.do("take", before.incident)
    console.do("close", before.incident, disposition="essai")
    after = sender.alert("panic")
    view = console.incident(after.incident)
    assert (view.priority, list(view.practitioners)) == (1, [])
    assert "who-unknown" in reason_codes(view)

    def remembered():
        return [path for path in pathlib.Path(service.daemon.state).rglob("*")
                if path.is_file() and person.name.encode() in path.read_bytes()]
    wait_until(lambda: not remembered(), 10, "the snapshot is written anew")


def test_consent_withdrawn_for_one_centre(service):
    person = service.person(MELUN)
    exchange = service.sender("exchange")
    service.department.change("UPDATE consents SET withdrawn_at = now() WHERE practitioner = %s AND "
                              "centre = 'cic-77'", person.id)

    def recognised(centre, turn=[0]):
        turn[0] += 1
        return exchange.call(f"one-centre-{turn[0]}", number=person.number, centre=centre).receipt
    within_a_second(lambda: not recognised("cic-77"), "the police no longer recognises the caller")
    assert recognised("corg-77")


def test_moved_surgery(service):
    person = service.person(MELUN)
    sender, console = service.sender(person.device), service.console("corg-77")
    service.department.change("UPDATE sites SET commune = %s, lat = 48.5545, lon = 3.0088, address = "
                              "'1 place Dupont-Perrot' WHERE id = %s", NANGIS, person.site)

    def moved():
        receipt = sender.alert("test")
        return service.row("SELECT commune FROM incidents WHERE incident = %s", receipt.incident)["commune"]
    wait_until(lambda: moved() == NANGIS, 5, "the new address counts")
    view = console.incident(sender.alert("panic").incident)
    assert "place Dupont-Perrot" in view.place.label


def test_change_of_nothing_keeps_links(service):
    sender, console = service.sender("platform"), service.console()
    service.department.change("UPDATE practitioners SET specialty = 'pédiatrie' WHERE id = %s",
                              service.person().id)
    receipt = sender.alert("panic", commune=MELUN)
    console.incident(receipt.incident)
