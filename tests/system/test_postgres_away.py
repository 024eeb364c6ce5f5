"""PostgreSQL down, hung, killed: alerts still come in, are matched, kept, shown and receipted."""

import threading
import time

import messages as m
import pytest
from clients import reason_codes
from department import MELUN
from wait import wait_until

SECOND = 1.0


def shown_within_a_second(console, sender):
    began = time.monotonic()
    receipt = sender.alert("panic", commune=MELUN)
    console.incident(receipt.incident)
    took = time.monotonic() - began
    assert took < SECOND, f"{took:.2f} s"
    return receipt


def all_rows_come(service, receipts, seconds=40):
    wanted = {receipt.receipt for receipt in receipts}

    def there():
        return service.rows("SELECT count(*) AS n FROM alerts WHERE alert = ANY(%s::uuid[])",
                            list(wanted))[0]["n"] == len(wanted)
    wait_until(there, seconds, f"{len(wanted)} alerts are in PostgreSQL")


def test_start_with_postgres_down(own_service, cluster):
    service = own_service()
    service.daemon.start()
    service.daemon.stop()
    cluster.stop()
    since = service.daemon.mark()
    service.daemon.start()
    assert service.daemon.admin("/readyz")[0] == 200
    service.daemon.wait_line("degraded", since=since, state="registry-old")
    person = service.person(MELUN)
    console = service.console()
    receipt = service.sender(person.device).alert("panic")
    view = console.incident(receipt.incident)
    assert [p.name for p in view.practitioners] == [person.name]
    assert "doubt-registry-old" in reason_codes(view)
    call = service.sender("exchange-cic").call("down-1", number=person.number, centre="cic-77")
    assert call.incident == receipt.incident
    beat = console.expect(m.console.DeskHeartbeat, seconds=15, where=lambda beat: len(beat.degraded) >= 2)
    assert "registre ancien" in beat.degraded and "base de données injoignable" in beat.degraded

    cluster.start()
    all_rows_come(service, [receipt, call])
    service.daemon.wait_line("recovered", 20, since=since, state="registry-old")
    service.daemon.wait_line("recovered", 20, since=since, state="postgres-away")
    fresh = service.sender("platform").alert("panic", commune=MELUN)
    assert "doubt-registry-old" not in reason_codes(console.incident(fresh.incident))


def test_first_start_without_postgres_waits_for_a_registry(own_service, cluster):
    """It has never seen a registry: nobody can be recognised, so no door opens, and it says so."""
    service = own_service()
    cluster.stop()
    service.daemon.launch()
    service.daemon.wait_line("degraded", 15, state="registry-missing")
    assert not service.daemon.lines("serving")
    cluster.start()
    service.daemon.wait_serving(30)
    assert service.sender("platform").alert("panic", commune=MELUN).receipt


def test_hung_postgres_holds_up_nothing(own_service, cluster):
    service = own_service(postgres__answer_ms=2000, postgres__connect_ms=1000)
    service.daemon.start()
    console, sender = service.console(), service.sender("platform")
    receipts = [shown_within_a_second(console, sender)]
    cluster.freeze()
    try:
        since, until = service.daemon.mark(), time.monotonic() + 5
        while time.monotonic() < until:  # past the answer's deadline and a new connection's
            receipts.append(shown_within_a_second(console, sender))
        service.daemon.wait_line("degraded", since=since, state="postgres-away")
    finally:
        cluster.thaw()
    all_rows_come(service, receipts)


@pytest.mark.parametrize("end", ["kill", "stop_immediately"])
def test_killed_postgres_loses_nothing(own_service, cluster, end):
    service = own_service()
    service.daemon.start()
    console, sender = service.console(), service.sender("platform")
    receipts, stopping = [], threading.Event()

    def load():
        while not stopping.is_set():
            receipts.append(shown_within_a_second(console, sender))
    sending = threading.Thread(target=load)
    sending.start()
    try:
        for _ in range(2):
            seen = len(receipts)
            wait_until(lambda: len(receipts) > seen + 50, 20, "alerts come in")
            getattr(cluster, end)()
            seen = len(receipts)
            wait_until(lambda: len(receipts) > seen + 50, 20, "alerts come in without PostgreSQL")
            cluster.start()
    finally:
        stopping.set()
        sending.join(20)
    all_rows_come(service, receipts)
    assert service.rows("SELECT count(*) AS n FROM alerts")[0]["n"] == len(receipts)
    assert service.rows("SELECT * FROM set_aside") == [] == service.rows("SELECT * FROM trail_check()")


def test_receipt_after_both(own_service, cluster):
    """node+postgres: shown at once, receipted when PostgreSQL has it too."""
    service = own_service(receipt__policy="node+postgres")
    service.daemon.start()
    console, sender = service.console(), service.sender("platform")
    receipt = sender.alert("panic", commune=MELUN)
    assert service.rows("SELECT 1 FROM alerts WHERE alert = %s", receipt.receipt) != []
    console.incident(receipt.incident)
    cluster.freeze()
    try:
        began = time.monotonic()
        ref = sender.post("panic", commune=MELUN)
        view = console.expect(m.incident.Incident)
        assert time.monotonic() - began < SECOND and view.recorded  # in the journal
        with pytest.raises(TimeoutError):
            sender.receive(1.5)
    finally:
        cluster.thaw()
    receipt = sender.receipt(ref, 20)
    assert service.rows("SELECT 1 FROM alerts WHERE alert = %s", receipt.receipt) != []
    cluster.stop()
    ref = sender.post("panic", commune=MELUN)
    with pytest.raises(TimeoutError):
        sender.receive(1.5)
    cluster.start()
    assert sender.receipt(ref, 20).receipt


def test_schema_that_is_too_new_stops_the_follower_alone(own_service):
    service = own_service()
    service.daemon.start()
    console, sender = service.console(), service.sender("platform")
    before = shown_within_a_second(console, sender)
    all_rows_come(service, [before])
    service.daemon.stop()
    service.database.run("UPDATE schema_serves SET oldest_daemon = 9999")
    service.daemon.start()
    service.daemon.wait_line("degraded", 15, state="postgres-schema")
    console, sender = service.console(), service.sender("platform")
    receipt = shown_within_a_second(console, sender)
    assert service.rows("SELECT 1 FROM alerts WHERE alert = %s", receipt.receipt) == []
    service.database.run("UPDATE schema_serves SET oldest_daemon = 1")
    all_rows_come(service, [receipt])
