"""One press is one alert, however often it is said; another press is another one."""

import time

from clients import microseconds, position, reason_codes
from wait import wait_until

WINDOW_S = 2
OPTIONS = {"alert.repeat_undated_ms": WINDOW_S * 1000}


def test_same_id_and_content_gives_the_same_receipt_and_no_second_alert(service):
    person = service.person()
    console, sender = service.console(person.commune.centre), service.sender(person.device)
    words = {"ref": "r1", "occurred_at": microseconds(1), "note": "porte du fond"}
    first, again = sender.alert(**words), sender.alert(**words)
    assert (first.repeat, again.repeat) == (False, True)
    assert (again.receipt, again.incident, again.priority) == (first.receipt, first.incident, first.priority)
    other_link = service.sender(person.device).alert(**words)
    assert other_link.repeat and other_link.receipt == first.receipt
    marker = sender.alert("silent")  # joins: what is shown then has counted all before it
    view = console.incident(marker.incident, where=lambda view: view.alerts[-1].alert == marker.receipt)
    assert view.alerts_total == 2
    service.row("SELECT 1 FROM alerts WHERE alert = %s", marker.receipt)
    assert len(service.rows("SELECT 1 FROM alerts WHERE incident = %s", first.incident)) == 2


def test_undated_repeat_ends_with_its_window(service):
    person = service.person()
    console, sender = service.console(person.commune.centre), service.sender(person.device)
    began = time.monotonic()
    first = sender.alert(ref="u1")
    assert sender.alert(ref="u1").repeat
    later = wait_until(lambda: (receipt := sender.alert(ref="u1")) and not receipt.repeat and receipt,
                       WINDOW_S + 5, "the window ends")
    assert time.monotonic() - began >= WINDOW_S
    assert later.receipt != first.receipt and later.incident == first.incident  # it counts on the open one
    view = console.incident(first.incident, where=lambda view: view.alerts_total == 2)
    assert "doubt-ref-reused" in reason_codes(view)


def test_dated_repeat_outlives_that_window(service):
    person = service.person()
    sender = service.sender(person.device)
    words = {"ref": "d1", "occurred_at": microseconds(3)}
    dated, undated = sender.alert(**words), sender.alert(ref="d2")
    wait_until(lambda: not sender.alert(ref="d2").repeat, WINDOW_S + 5, "the undated one's window ends")
    again = sender.alert(**words)
    assert again.repeat and again.receipt == dated.receipt != undated.receipt


def test_id_reused_with_other_content_counts_on_the_open_incident(service):
    person = service.person()
    console, sender = service.console(person.commune.centre), service.sender(person.device)
    when = microseconds(1)
    first = sender.alert("panic", ref="x", occurred_at=when)
    changed = [{"kind": "duress", "occurred_at": when},
               {"occurred_at": when + 1000000},
               {"occurred_at": when, "note": "à l'étage"},
               {"occurred_at": when, "position": position(48.54, 2.66)}]
    for total, words in enumerate(changed, 2):
        receipt = sender.alert(**{"kind": "panic", "ref": "x", **words})
        assert not receipt.repeat and receipt.receipt != first.receipt, words
        assert receipt.incident == first.incident
        view = console.incident(first.incident, where=lambda view: view.alerts_total == total)
        assert "doubt-ref-reused" in reason_codes(view)


def test_id_reused_after_the_incident_was_closed_raises_a_new_one(service):
    person = service.person()
    console, sender = service.console(person.commune.centre), service.sender(person.device)
    first = sender.alert("panic", ref="c", occurred_at=microseconds(2))
    console.incident(first.incident)
    console.do("take", first.incident)
    console.do("close", first.incident, disposition="fausse alerte")
    second = sender.alert("panic", ref="c", occurred_at=microseconds(1))
    assert not second.repeat and second.incident != first.incident
    assert "doubt-ref-reused" in reason_codes(console.incident(second.incident))
    # And what was said before stays the repeat that it is.
    assert sender.alert("panic", ref="c", occurred_at=microseconds(1)).receipt not in (first.receipt, "")


def test_ids_are_each_sender_s_own(service):
    one, other = service.person(), service.person()
    first = service.sender(one.device).alert(ref="same")
    second = service.sender(other.device).alert(ref="same")
    assert not second.repeat and second.incident != first.incident


def test_without_an_id_nothing_is_a_repeat(service):
    sender = service.sender(service.person().device)
    receipts = [sender.alert(ref="") for _ in range(3)]
    assert len({receipt.receipt for receipt in receipts}) == 3
    assert not any(receipt.repeat for receipt in receipts)


def test_repeats_are_known_after_a_restart(own_service):
    service = own_service()
    service.daemon.start()
    person = service.person()
    words = {"ref": "r", "occurred_at": microseconds(1)}
    first = service.sender(person.device).alert(**words)
    for end in (service.daemon.stop, service.daemon.kill):
        end()
        service.daemon.start()
        again = service.sender(person.device).alert(**words)
        assert again.repeat and (again.receipt, again.incident) == (first.receipt, first.incident)
