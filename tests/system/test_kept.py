"""A receipt means kept. The daemon is killed under load on a machine that forgets what was not synced
(crash.py); afterwards every receipt that any sender ever had is looked for in PostgreSQL and on a
console. And the counter-proof: with a sync taken out, the same search finds receipts without alerts.
"""

import os
import random
import threading

import pytest
from clients import Closed
from crash import CrashDisk
from department import MELUN
from wait import wait_until

SENDERS = 6
ROUNDS = 4


class Load(threading.Thread):
    """A sender that says one alert after the other, several in flight, and says again after each
    loss of its link what it has no receipt for, until it is told to stop."""

    def __init__(self, service, source):
        super().__init__(daemon=True)
        self.service, self.source = service, source
        self.receipts = {}  # ref -> every receipt that came for it
        self.pending = []
        self.stopping = threading.Event()
        self._count = 0
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    with self.service.sender(self.source) as link:
                        self._say(link)
                except (OSError, Closed, TimeoutError):
                    self.stopping.wait(0.05)  # the daemon is away
        except Exception as failure:  # shown by join()
            self.failure = failure

    def _say(self, link):
        for ref in self.pending:
            link.post("panic", ref, commune=MELUN, occurred_at=1700000000000000)
        while not self.stopping.is_set() or self.pending:
            while len(self.pending) < 8 and not self.stopping.is_set():
                self._count += 1
                ref = f"{self.source}-{self._count}"
                self.pending.append(ref)
                link.post("panic", ref, commune=MELUN, occurred_at=1700000000000000)
            message = link.receive()
            if getattr(message, "receipt", "") and hasattr(message, "refused"):
                self.receipts.setdefault(message.id, []).append(message)
                if message.id in self.pending:
                    self.pending.remove(message.id)

    def end(self):
        self.stopping.set()
        self.join(30)
        assert not self.is_alive() and self.failure is None, self.failure


def total(loads):
    return sum(len(load.receipts) for load in loads)


def more(loads, count):
    """Waits until so many more receipts came."""
    wanted = total(loads) + count
    wait_until(lambda: total(loads) >= wanted, 30, f"{count} more receipts")


def faults(service, loads):
    """What is not as the receipts said. The follower goes in order: when a marker is there, all
    before it would be."""
    marker = service.sender("sos").alert("relay", commune=MELUN)
    service.row("SELECT 1 FROM alerts WHERE alert = %s", marker.receipt, seconds=60)
    kept = {str(row["alert"]): row for row in
            service.rows("SELECT alert, ref, incident, node, epoch, number FROM alerts")}
    assert len(kept) == service.rows("SELECT count(*) AS n FROM alerts")[0]["n"]
    shown = service.console().incidents
    found = []
    for load in loads:
        for ref, receipts in load.receipts.items():
            for receipt in receipts:
                row = kept.get(receipt.receipt)
                if row is None:
                    found.append(f"{ref}: receipt {receipt.receipt} without an alert in PostgreSQL")
                elif (row["ref"], str(row["incident"])) != (ref, receipt.incident):
                    found.append(f"{ref}: PostgreSQL has {row}")
                if receipt.incident not in shown:
                    found.append(f"{ref}: incident {receipt.incident} is on no console")
            if len({receipt.receipt for receipt in receipts}) != 1:
                found.append(f"{ref}: more than one alert for one press")
    return found


def start_on(service, build, ignore=()):
    """Starts the daemon over a disk that forgets."""
    disk = CrashDisk(build / "crash_shim.so", service.daemon.journal)
    sanitizers = {name: os.environ[name] for name in ["ASAN_OPTIONS"] if name in os.environ}
    service.daemon.environment = disk.environment(ignore, base=sanitizers)
    service.daemon.start()
    return disk


def begin_load(service):
    loads = [Load(service, source) for source in ["platform"] + [service.person().device
                                                                 for _ in range(SENDERS - 1)]]
    for load in loads:
        load.start()
    return loads


@pytest.mark.parametrize("seeded", [False, True], ids=["unsynced is lost", "unsynced is torn"])
def test_daemon_killed_under_load(own_service, build, seeded):
    service = own_service(journal__segment_bytes=1 << 20, log__level="info")
    disk = start_on(service, build)
    loads, chance = begin_load(service), random.Random(11)
    try:
        for turn in range(ROUNDS):
            more(loads, chance.randrange(20, 600))
            service.daemon.kill()
            disk.crash(seed=turn if seeded else None)
            service.daemon.start()
        more(loads, 50)
    finally:
        for load in loads:
            load.stopping.set()
    for load in loads:
        load.end()
    assert faults(service, loads) == []
    assert service.rows("SELECT * FROM set_aside") == []


@pytest.mark.parametrize("ignore", ["fdatasync", "folder"])
def test_without_a_sync_the_same_search_finds_losses(own_service, cluster, build, ignore):
    """PostgreSQL is away, so that the journal is the only keeper."""
    service = own_service(journal__segment_bytes=1 << 20, log__level="info", escalate__louder_ms=600000)
    disk = start_on(service, build, [ignore])
    cluster.kill()
    loads = begin_load(service)
    more(loads, 300)
    for load in loads:
        load.stopping.set()
    service.daemon.kill()
    for load in loads:
        load.pending.clear()
    disk.crash()
    cluster.start()
    service.daemon.start()
    for load in loads:
        load.end()
    assert faults(service, loads) != []


def test_daemon_and_postgres_killed_in_turn(own_service, cluster):
    service = own_service(log__level="info")
    service.daemon.start()
    loads, chance = begin_load(service), random.Random(5)
    try:
        for _ in range(2):
            more(loads, chance.randrange(20, 300))
            cluster.kill()
            more(loads, 200)  # the journal alone is enough for receipts
            service.daemon.kill()
            service.daemon.start()
            more(loads, 50)
            cluster.start()
            more(loads, 50)
            cluster.stop_immediately()
            more(loads, 50)
            cluster.start()
    finally:
        for load in loads:
            load.stopping.set()
    for load in loads:
        load.end()
    assert faults(service, loads) == []


def test_receipt_of_a_repeat_waits_for_the_first_too(own_service, cluster):
    """node+postgres with PostgreSQL away: neither the alert nor its repeat has a receipt."""
    service = own_service(receipt__policy="node+postgres")
    service.daemon.start()
    sender = service.sender("platform")
    cluster.freeze()
    try:
        for _ in range(2):
            sender.post("panic", "same", commune=MELUN, occurred_at=1700000000000000)
        with pytest.raises(TimeoutError):
            sender.receive(1)
    finally:
        cluster.thaw()
    first, second = sender.receipt("same", 20), sender.receipt("same", 20)
    assert first.receipt == second.receipt and second.repeat
