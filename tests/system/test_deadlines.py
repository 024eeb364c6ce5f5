"""A person answers, or it goes on; a restart forgets no deadline and repeats none."""

import time

from clients import owner, reason_codes, role
from department import MELUN, NANGIS
from messages import state_word
from wait import wait_until

LOUDER, OTHER, ALL, ALARM = 700, 1400, 2100, 3000
QUICK = {"escalate.louder_ms": LOUDER, "escalate.other_centre_ms": OTHER, "escalate.all_ms": ALL,
         "escalate.alarm_ms": ALARM}


def alarm_program(service):
    """Sets a program that writes down each alarm; returns a function that reads them."""
    told, program = service.daemon.folder / "alarms", service.daemon.folder / "alarm"
    program.write_text(f'#!/bin/sh\necho "$TOCSIN_ALARM_REASON|$TOCSIN_ALARM_TEXT" >> "{told}"\n')
    program.chmod(0o755)
    service.daemon.set(alarm__command=program)
    return lambda: told.read_text().splitlines() if told.exists() else []


def raise_one(service, commune=MELUN):
    return service.sender("platform").alert("panic", commune=commune).incident


def at_level(console, incident, level, seconds=10):
    return console.incident(incident, seconds, lambda view: view.level >= level)


def test_escalates_in_its_order_and_time(own_service):
    service = own_service(patient=False, **QUICK)
    alarms = alarm_program(service)
    service.daemon.start()
    console, other = service.console(), service.console("corg-77")
    began = time.monotonic()
    incident = raise_one(service)
    for level, due in ((1, LOUDER), (2, OTHER), (3, ALL), (4, ALARM)):
        view = at_level(console, incident, level)
        assert view.level == level
        assert -0.05 < time.monotonic() - began - due / 1000 < 1
        if level == 2:
            assert role(other.incident(incident), "corg-77") == "escalated"
    wait_until(alarms, 5, "the alarm outside sounds")
    assert len(alarms()) == 1 and alarms()[0].startswith("escalate-alarm")
    # Who answers owns it, and it is still.
    other.do("take", incident)
    assert owner(other.incidents[incident]) == "corg-77"


def test_taken_stops_it(own_service):
    service = own_service(patient=False, **QUICK)
    alarms = alarm_program(service)
    service.daemon.start()
    console = service.console()
    incident, untouched = raise_one(service), raise_one(service)
    console.incident(incident)
    console.do("take", incident)
    at_level(console, untouched, 4)
    wait_until(alarms, 5, "the other one's alarm sounds")
    view = console.incidents[incident]
    assert (view.level, state_word(view.state)) == (0, "taken")


def test_restart_forgets_no_deadline(own_service):
    """Killed after the first step and started again: the others come in their time."""
    service = own_service(patient=False, **QUICK)
    alarms = alarm_program(service)
    service.daemon.start()
    console = service.console()
    began = time.monotonic()
    incident = raise_one(service)
    before = at_level(console, incident, 1)
    service.daemon.kill()
    service.daemon.start()
    console = service.console()
    assert console.incidents[incident].level >= 1
    wait_until(alarms, 15, "the alarm outside sounds")
    assert ALARM / 1000 - 0.7 < time.monotonic() - began < ALARM / 1000 + 4
    view = at_level(console, incident, 4)
    codes = reason_codes(view)
    for code in ("escalate-louder", "escalate-alarm"):
        assert codes.count(code) == 1  # no step twice
    assert view.revision > before.revision


def test_what_fell_due_while_it_was_down_is_done_at_the_start_once(own_service):
    service = own_service(patient=False, **QUICK)
    alarms = alarm_program(service)
    service.daemon.start()
    began = time.monotonic()
    console = service.console()
    incident = raise_one(service)
    console.incident(incident)
    service.daemon.stop()
    wait_until(lambda: time.monotonic() - began > ALARM / 1000, 10, "every deadline passed")
    service.daemon.start()
    console = service.console()
    at_level(console, incident, 4, seconds=10)
    wait_until(alarms, 5, "the alarm outside sounds")


def test_alarm_is_not_repeated_by_a_restart(own_service):
    service = own_service(patient=False, **QUICK)
    alarms = alarm_program(service)
    service.daemon.start()
    console = service.console()
    incident = raise_one(service)
    wait_until(alarms, 10, "the alarm outside sounds")
    at_level(console, incident, 4)
    first = time.monotonic()
    service.daemon.kill()
    service.daemon.start()
    service.console()
    wait_until(lambda: len(alarms()) > 1, 15, "it sounds again in its time")
    assert time.monotonic() - first > ALARM / 1000 - 1


def test_taken_and_never_engaged_goes_back_to_open(own_service):
    service = own_service(patient=True, escalate__engage_ms=2500)
    service.daemon.start()
    console = service.console(operator="Distrait")
    incident = raise_one(service)
    console.incident(incident)
    console.do("take", incident)
    began = time.monotonic()
    service.daemon.kill()
    service.daemon.start()
    console = service.console(operator="Distrait")
    assert state_word(console.incidents[incident].state) == "taken"
    view = console.incident(incident, 10, lambda view: state_word(view.state) == "open")
    assert 1.5 < time.monotonic() - began < 6
    assert "escalate-not-engaged" in reason_codes(view) and view.taken_by == ""


def test_taker_whose_console_is_lost_loses_the_incident(own_service):
    service = own_service(patient=True, escalate__taker_lost_ms=1000)
    service.daemon.start()
    taker, watcher = service.console(operator="Perdue"), service.console(operator="Veille")
    incident = raise_one(service)
    taker.incident(incident)
    taker.do("take", incident)
    watcher.incident(incident, where=lambda view: view.taken_by)
    taker.close()
    began = time.monotonic()
    view = watcher.incident(incident, 5, lambda view: state_word(view.state) == "open")
    assert 0.8 < time.monotonic() - began < 3
    assert "escalate-taker-lost" in reason_codes(view)


def test_taker_who_comes_back_in_time_keeps_it(own_service):
    service = own_service(patient=True, escalate__taker_lost_ms=2000)
    service.daemon.start()
    taker = service.console(operator="Revenante")
    kept, marker = raise_one(service), raise_one(service)
    taker.incident(marker)
    taker.do("take", kept)
    taker.close()
    taker = service.console(operator="Revenante")
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 2.5 or
               state_word(taker.act("look", kept) and taker.incidents[kept].state) != "taken", 6, "2.5 s passed")
    assert state_word(taker.incidents[kept].state) == "taken"


def test_nobody_signed_in_at_the_owner_goes_to_the_stand_in_at_once(own_service):
    service = own_service()
    alarms = alarm_program(service)
    service.daemon.start()
    console = service.console("cic-77")
    incident = raise_one(service, NANGIS)
    view = console.incident(incident)
    assert (owner(view), role(view, "cic-77")) == ("corg-77", "escalated")
    assert "route-stand-in-no-operator" in reason_codes(view)
    assert alarms() == []


def test_no_console_anywhere_sounds_the_alarm_outside_at_once(own_service):
    service = own_service()
    alarms = alarm_program(service)
    service.daemon.start()
    raise_one(service)
    wait_until(alarms, 5, "the alarm outside sounds")
    assert alarms()[0].startswith("escalate-no-console")


def test_transfer_that_nobody_answers_lapses(own_service):
    service = own_service(patient=True, escalate__transfer_ms=1000)
    service.daemon.start()
    console = service.console()
    incident = raise_one(service)
    console.incident(incident)
    console.do("take", incident)
    console.do("transfer", incident, centre="corg-77")
    view = console.incident(incident, 5, lambda view: role(view, "corg-77") == "informed")
    assert (owner(view), state_word(view.state), view.offered_by) == ("cic-77", "taken", "")
