"""Consoles: snapshot, resumption, slow readers, pacing, heartbeats."""

import threading
import time

import messages as m
import pytest
from clients import Closed, Console, owner
from department import MELUN
from messages import state_word
from wait import wait_until

OPTIONS = {"consoles.heartbeat_s": 1, "consoles.idle_s": 4, "links.write_ms": 3000, "alerts.window": 64}
LONG_NOTE = "é" * 240


def raise_in_melun(service, count=1, **words):
    return service.sender("platform").many([{"kind": "panic", "commune": MELUN, **words}] * count)


def close(console, incident):
    console.incident(incident)
    console.do("take", incident)
    console.do("close", incident, disposition="essai")


def test_snapshot_is_what_is_open_between_its_marks(service):
    first = service.console()
    open_one, closed_one = raise_in_melun(service, 2)
    close(first, closed_one.incident)
    second = service.console(operator="Relève")
    kinds = [type(message).__name__ for message in second.seen]
    assert kinds[:2] == ["ConsoleWelcome", "Begin"] and kinds[-1] == "End"
    assert open_one.incident in second.incidents and closed_one.incident not in second.incidents
    assert all(state_word(view.state) != "closed" for view in second.incidents.values())
    welcome = second.welcome
    assert (welcome.version, welcome.centre, welcome.centre_name, welcome.department, welcome.resumed,
            welcome.heartbeat_s) == (1, "cic-77", "CIC 77", "77", False, 1)


def test_revisions_come_in_the_order_of_their_positions(service):
    console = service.console()
    receipts = raise_in_melun(service, 50)
    shown = [console.expect(m.incident.Incident) for _ in range(50)]
    assert [view.incident for view in shown] == [receipt.incident for receipt in receipts]
    numbers = [int(view.position.split(":")[2]) for view in shown]
    assert numbers == sorted(set(numbers))


def test_resumes_by_position_with_what_changed_and_what_closed(service):
    first = service.console(operator="Reprise")
    same, changed, ended = (receipt.incident for receipt in raise_in_melun(service, 3))
    for incident in (same, changed, ended):
        first.incident(incident)
    position = max((view.position for view in first.incidents.values()),
                   key=lambda text: [int(part) for part in text.split(":")])
    first.close()
    desk = service.console(operator="Garde")
    desk.do("note", changed, note="vu")
    close(desk, ended)
    new, = raise_in_melun(service)
    desk.incident(new.incident)
    back = service.console(operator="Reprise", resume_after=position)
    assert back.welcome.resumed
    assert back.incidents.keys() == {changed, ended, new.incident}
    assert state_word(back.incidents[ended].state) == "closed"
    assert back.incidents[changed].note == "vu"


def test_resume_has_no_gap_and_no_doubling(service):
    """A console that comes and goes while alerts stream in: all incidents, each revision once."""
    count, position, seen, receipts = 400, service.console().end.position, [], []
    sending = threading.Thread(target=lambda: receipts.extend(raise_in_melun(service, count)))
    sending.start()
    while sending.is_alive() or len({view.incident for view in seen}) < count:
        assert len(seen) <= count
        console = service.console(operator="Va-et-vient", resume_after=position)
        assert console.welcome.resumed
        wanted = len(seen) + len(console.incidents) + 20
        while len(seen) + len(console.incidents) < min(wanted, count):
            console.expect(m.incident.Incident)
        console.close()
        for _, view in console.times:
            assert view.recorded  # nothing is slow here, so each position may be resumed from
            seen.append(view)
        position = seen[-1].position if seen else position
    sending.join()
    assert sorted(view.incident for view in seen) == sorted(receipt.incident for receipt in receipts)


def test_unknown_position_gets_a_whole_snapshot(service):
    receipt, = raise_in_melun(service)
    for position in ("1:1:1", "9:1:1", "nonsense"):
        console = service.console(resume_after=position)
        assert not console.welcome.resumed and receipt.incident in console.incidents, position


def test_snapshot_larger_than_any_buffer_is_whole(own_service):
    service = own_service(alerts__window=64)
    service.daemon.start()
    receipts = raise_in_melun(service, 1500, note=LONG_NOTE)
    console = service.console()
    assert console.incidents.keys() == {receipt.incident for receipt in receipts}


def test_console_that_does_not_read_is_dropped_and_resumes_and_hinders_nobody(own_service):
    service = own_service(links__write_ms=2000, consoles__out_bytes_max=262144, alerts__window=64)
    service.daemon.start()
    deaf = service.console(operator="Sourd", receive_buffer=4096)
    desk = service.console(operator="Garde")
    sender = service.sender(service.person(MELUN).device)
    position = deaf.incident(sender.alert("panic").incident).position
    since, slowest = service.daemon.mark(), 0
    dropped = []
    deadline = time.monotonic() + 30
    while not dropped:  # until it is dropped
        assert time.monotonic() < deadline
        raise_in_melun(service, 100, note=LONG_NOTE)
        began = time.monotonic()
        receipt = sender.alert("silent")
        desk.incident(receipt.incident, where=lambda view: view.alerts[-1].alert == receipt.receipt)
        slowest = max(slowest, time.monotonic() - began)
        dropped = service.daemon.lines("console-closed", since, operator="Sourd")
    assert dropped[0]["reason"] == "slow-reader"
    assert slowest < 1.5  # a second for the pacing of one incident's counts, and the way itself
    again = service.console(operator="Sourd", resume_after=position)
    assert again.welcome.resumed and again.incidents.keys() >= desk.incidents.keys()


def test_console_that_pauses_gets_the_newest_revision_of_each(own_service):
    service = own_service(links__write_ms=60000, consoles__idle_s=300)
    service.daemon.start()
    slow = service.console(operator="Lent", receive_buffer=4096)
    desk = service.console(operator="Garde")
    incidents = [receipt.incident for receipt in raise_in_melun(service, 8)]
    for incident in incidents:
        desk.incident(incident)
    turns = 250
    for turn in range(turns):
        for incident in incidents:
            desk.do("note", incident, note=f"{turn} {LONG_NOTE}")
    desk.drain()
    newest = {incident: desk.incidents[incident].revision for incident in incidents}
    for incident in incidents:
        slow.incident(incident, where=lambda view: view.revision == newest[incident])
    assert len(slow.times) < turns * len(incidents) * 0.9  # some collapsed ...
    for incident in incidents:  # ... and what came, came in order, each once
        revisions = [view.revision for _, view in slow.times if view.incident == incident]
        assert revisions == sorted(set(revisions))


def test_the_most_urgent_comes_first_to_who_was_behind(own_service):
    service = own_service(links__write_ms=60000, consoles__idle_s=300, alerts__window=64)
    service.daemon.start()
    # Enough of priority 3 to fill every buffer, then one of priority 1.
    slow = service.console(operator="Lent", receive_buffer=4096)
    service.sender("platform").many([{"kind": "cancel", "commune": MELUN, "note": LONG_NOTE}] * 1200)
    urgent, = raise_in_melun(service)
    slow.incident(urgent.incident, seconds=20)
    assert slow.times[-1][1].incident == urgent.incident
    before = len(slow.times)
    while len({view.incident for _, view in slow.times}) < 1201:
        slow.expect(m.incident.Incident)
    assert before < 1201  # it overtook those that were still waiting


def test_many_repeats_are_one_revision_a_second(service):
    console = service.console()
    sender = service.sender(service.person(MELUN).device)
    first = sender.alert("panic")
    console.incident(first.incident)
    began, presses, span = time.monotonic(), 1, 3.5
    while time.monotonic() - began < span:
        sender.alert("panic")
        console.drain()
        presses += 1
    console.incident(first.incident, where=lambda view: view.alerts_total == presses)
    took = time.monotonic() - began
    shown = [when for when, view in console.times if view.incident == first.incident]
    assert presses > 20
    assert len(shown) <= took + 2, f"{len(shown)} revisions in {took:.1f} s for {presses} presses"
    assert all(later - sooner > 0.8 for sooner, later in zip(shown[1:], shown[2:]))


def test_heartbeats_tell_time_and_position(service):
    console = service.console()
    receipt, = raise_in_melun(service)
    position = console.incident(receipt.incident).position
    beats = [console.expect(m.console.DeskHeartbeat, seconds=3) for _ in range(2)]
    assert 0.5e6 < beats[1].server_time - beats[0].server_time < 2e6
    assert abs(beats[1].server_time / 1e6 - time.time()) < 2
    assert [int(n) for n in beats[1].position.split(":")] >= [int(n) for n in position.split(":")]


def test_silent_console_is_lost_and_one_that_says_something_is_not(service):
    silent, alive = service.console(operator="Muet"), service.console(operator="Vivant")
    since = service.daemon.mark()
    began = time.monotonic()
    while not service.daemon.lines("console-closed", since, operator="Muet"):
        alive.expect(m.console.DeskHeartbeat)
        assert time.monotonic() - began < 12
    assert service.daemon.lines("console-closed", since, operator="Muet")[0]["reason"] == "silent"
    with pytest.raises(Closed):
        while True:
            silent.receive()
    receipt, = raise_in_melun(service)
    assert owner(alive.incident(receipt.incident)) == "cic-77"


def test_sender_heartbeats_are_answered(service):
    sender = service.sender("platform")
    sender.send(heartbeat=m.sender.Heartbeat())
    assert abs(sender.expect(m.sender.Heartbeat).server_time / 1e6 - time.time()) < 2


@pytest.mark.parametrize("hello, reason", [
    ({"versions": [2, 3], "operator": "Demain"}, "version"),
    ({"versions": [1], "operator": ""}, "garbage"),
    ({"versions": [1], "operator": "   "}, "garbage"),
])
def test_bad_sign_in_is_refused_with_its_reason(service, hello, reason):
    console = service.link(Console, service.daemon.consoles_port, service.identity("console-cic-77"))
    console.send(hello=m.console.ConsoleHello(**hello))
    assert console.expect_close() == reason


def test_act_before_signing_in_is_refused(service):
    console = service.link(Console, service.daemon.consoles_port, service.identity("console-cic-77"))
    console.send(act=m.console.Act(verb=1, incident="x"))
    assert console.expect_close() == "hello-first"


def test_consoles_resume_across_a_restart(own_service):
    service = own_service()
    service.daemon.start()
    console = service.console()
    receipts = raise_in_melun(service, 5)
    last = console.incident(receipts[-1].incident)
    for end in (service.daemon.stop, service.daemon.kill):
        end()
        service.daemon.start()
        back = service.console(resume_after=last.position)
        # Resumed: nothing changed since. Else a whole snapshot, and it says so.
        assert set(back.incidents) == (set() if back.welcome.resumed else {r.incident for r in receipts})
        whole = service.console()
        assert whole.incidents.keys() == {receipt.incident for receipt in receipts}
        for view in whole.incidents.values():
            assert view == console.incidents[view.incident]
    wait_until(lambda: not service.daemon.faults(), 1, "no fault")
