"""Bad input: each has one clear answer, or a close with one reason and a counter, and meanwhile a
healthy sender beside it is served in under a second. What looks like a panic is shown with its doubt.
"""

import datetime
import socket
import ssl
import struct
import time

import messages as m
import pytest
from clients import Closed, microseconds, reason_codes
from department import MELUN
from messages import kind_word
from wait import wait_until

OPTIONS = {"links.frame_ms": 1500, "links.handshake_ms": 2000, "alerts.idle_s": 3, "alerts.heartbeat_s": 1, "alerts.window": 4,
           "alerts.message_bytes_max": 4096, "consoles.idle_s": 60}
YEAR = 365 * 24 * 3600


@pytest.fixture
def healthy(service):
    """Call it: a panic of somebody else is receipted and shown within a second."""
    console = service.console()

    def check():
        with service.sender("sos") as sender:
            began = time.monotonic()
            receipt = sender.alert("relay", commune=MELUN)
            console.incident(receipt.incident)
            assert time.monotonic() - began < 1
    check()
    return check


def closes_with(service, since, reason, seconds=5):
    """The log says the end of one link, once, with that reason."""
    lines = wait_until(lambda: [line for line in service.daemon.lines(None, since)
                                if line.event in ("sender-closed", "link-refused")
                                and line.get("reason") == reason], seconds, f"the log says {reason}")
    assert len(lines) == 1, lines


def metric(service, name, **labels):
    """The value of a counter."""
    _, page = service.daemon.admin("/metrics")
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(float(line.split()[-1]) for line in page.splitlines()
               if line.startswith(name) and all(label in line for label in wanted))


# Frames that are none.

FRAMES = {
    "oversized": (struct.pack(">I", 4097) + b"x" * 4097, None, "oversized"),
    "length of the end of the world": (b"\xff\xff\xff\xff", None, "oversized"),
    "empty": (struct.pack(">I", 0), None, "empty-frame"),
    "garbage": (struct.pack(">I", 64) + b"\xff" * 64, "garbage", "protocol"),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", None, "oversized"),
    "hello twice": (struct.pack(">I", 5) + b"\x0a\x03\x0a\x01\x01", "hello-first", "protocol"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frame_that_is_none_closes_the_link(service, healthy, name):
    data, told, reason = FRAMES[name]
    sender = service.sender("platform")
    since, before = service.daemon.mark(), metric(service, "tocsin_links_ended_total", cause=reason)
    sender.send_bytes(data)
    assert sender.expect_close() == told
    closes_with(service, since, reason)
    assert metric(service, "tocsin_links_ended_total", cause=reason) == before + 1
    healthy()


def test_half_a_frame_is_cut_off_in_its_time(service, healthy):
    sender = service.sender("platform")
    since, began = service.daemon.mark(), time.monotonic()
    sender.send_bytes(struct.pack(">I", 100) + b"x" * 50)
    healthy()
    assert sender.expect_close() is None
    assert 1 < time.monotonic() - began < 4
    closes_with(service, since, "stalled")


def test_one_byte_a_second_is_cut_off_in_its_time(service, healthy):
    sender = service.sender("platform")
    since, began = service.daemon.mark(), time.monotonic()
    frame = iter(struct.pack(">I", 20) + b"x" * 20)
    with pytest.raises((Closed, ssl.SSLError, OSError)):
        while time.monotonic() - began < 10:
            sender.send_bytes(bytes([next(frame)]))
            try:
                sender.receive(1)
            except TimeoutError:
                pass
    assert time.monotonic() - began < 5
    closes_with(service, since, "stalled")
    healthy()


def test_silent_client_is_cut_off_in_its_time(service, healthy):
    sender = service.sender("platform")
    since, began = service.daemon.mark(), time.monotonic()
    healthy()
    assert sender.expect_close(6) is None
    assert 2 < time.monotonic() - began < 6
    closes_with(service, since, "silent")


def test_truncated_frame_at_the_end_is_no_alert(service, healthy):
    sender = service.sender("platform")
    since = service.daemon.mark()
    alert = m.sender.SenderMessage(alert=m.sender.Alert(id="cut", kind=1)).SerializeToString()
    sender.send_bytes(struct.pack(">I", len(alert)) + alert[:-1])
    sender.close()
    service.daemon.wait_line("sender-closed", since=since, source="platform")
    assert service.rows("SELECT 1 FROM alerts WHERE ref = 'cut'") == []
    healthy()


# Versions and bodies.

@pytest.mark.parametrize("versions", [[], [2], [7, 8, 9]])
def test_unknown_version_is_told_so(service, healthy, versions):
    sender = service.sender("platform", hello=False)
    sender.send(hello=m.sender.Hello(versions=versions))
    assert sender.expect_close() == "version"
    healthy()


def test_later_version_that_speaks_ours_too_is_welcome(service):
    sender = service.sender("platform", hello=False)
    assert sender.hello(versions=[3, 2, 1]).version == 1


def test_alert_before_hello_is_told_so(service):
    sender = service.sender("platform", hello=False)
    sender.post("panic")
    assert sender.expect_close() == "hello-first"


def test_unknown_body_is_an_alert_of_unknown_kind(service, healthy):
    person = service.person(MELUN)
    sender, console = service.sender(person.device), service.console()
    sender.send_frame(b"\x7a\x03\x0a\x01x")  # field 15, of a later version
    receipt = sender.expect(m.sender.Receipt)
    assert receipt.receipt and receipt.priority == 1 and receipt.frame == 2
    view = console.incident(receipt.incident)
    assert kind_word(view.kind) == "unknown"
    assert {"doubt-kind", "doubt-ref", "priority-doubt"} <= set(reason_codes(view))
    healthy()


# What an alert says wrongly stands on it as a doubt.

def raw_alert(**fields):
    """An alert with bytes that Python's own library would refuse to write."""
    numbers = {"id": 1, "number": 4, "address": 8, "commune": 9, "note": 10}
    body = b"\x10\x01"  # kind: panic
    for name, data in fields.items():
        body += bytes([numbers[name] << 3 | 2, len(data)]) + data
    return b"\x12" + bytes([len(body)]) + body


TEXTS = {
    "Latin-1 note": ("note", b"caf\xe9", "doubt-text"), "NUL in a note": ("note", b"a\x00b", "doubt-text"),
    "address": ("address", b"\xff\xfe", "doubt-text"), "number": ("number", b"\xc3\x28", "doubt-text"),
    "commune": ("commune", b"77\x00\xff8", "doubt-text"), "id": ("id", b"\xff", "doubt-ref"),
    "id too long": ("id", b"i" * 65, "doubt-ref"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_none_is_left_out_and_the_panic_shown(service, healthy, name):
    field, data, doubt = TEXTS[name]
    person = service.person(MELUN)
    sender, console = service.sender(person.device), service.console()
    fields = {"id": b"t1", field: data}
    sender.send_frame(raw_alert(**fields))
    try:
        receipt = sender.expect(m.sender.Receipt)
    except Closed:  # a message that no reader of protobuf takes: told so, never silence
        assert sender.all_of(m.sender.Bye)[0].reason == "garbage"
        pytest.fail("a panic was refused for its text")
    view = console.incident(receipt.incident)
    assert view.priority == 1 and doubt in reason_codes(view)
    assert view.note in ("", "a")  # nothing behind a NUL, nothing that is no text
    healthy()


@pytest.mark.parametrize("fields", [{"lat": 91}, {"lat": -90.5}, {"lon": 181}, {"lat": float("nan")},
                                    {"lon": float("inf")}])
def test_position_that_cannot_be_one_is_left_out_and_the_panic_shown(service, healthy, fields):
    person = service.person(MELUN)
    position = m.sender.Position(**{"lat": 48.5, "lon": 2.6, "accuracy_m": 5, **fields})
    receipt = service.sender(person.device).alert("panic", position=position)
    view = service.console().incident(receipt.incident)
    assert view.priority == 1 and "doubt-position" in reason_codes(view)
    assert view.place.origin == "registered-site"
    healthy()


def of_1970():
    return 1000000


def of_next_year():
    return microseconds(-YEAR)


def of_the_end_of_time():
    return 2**63 - 1


def before_1970():
    return -5


@pytest.mark.parametrize("when", [of_1970, of_next_year, of_the_end_of_time, before_1970])
def test_time_that_cannot_be_one_is_shown_with_the_doubt(service, healthy, when):
    person = service.person(MELUN)
    receipt = service.sender(person.device).alert("panic", occurred_at=when())
    view = service.console().incident(receipt.incident)
    assert view.priority == 1 and "doubt-clock" in reason_codes(view)
    row = service.row("SELECT occurred_at, received_at FROM alerts WHERE alert = %s", receipt.receipt)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs((row["received_at"] - now).total_seconds()) < 60
    healthy()


def test_late_alert_says_so(service):
    person = service.person(MELUN)
    receipt = service.sender(person.device).alert("panic", occurred_at=microseconds(7200))
    view = service.console().incident(receipt.incident)
    assert view.priority == 1 and "doubt-late" in reason_codes(view)


# Too much.

def test_window_overrun_is_told_and_nothing_receipted_is_lost(service, healthy):
    """Sixty alerts at once where four may be in flight: each is receipted, or the link ends for it."""
    sender = service.sender("platform")
    since = service.daemon.mark()
    burst = b""
    for n in range(60):
        message = m.sender.SenderMessage(alert=m.sender.Alert(id=f"w{n}", kind=1, commune=MELUN))
        data = message.SerializeToString()
        burst += struct.pack(">I", len(data)) + data
    sender.send_bytes(burst)
    assert sender.expect_close() == "window"
    closes_with(service, since, "protocol")
    receipts = sender.all_of(m.sender.Receipt)
    for receipt in receipts:
        service.row("SELECT 1 FROM alerts WHERE alert = %s", receipt.receipt)
    assert len({receipt.id for receipt in receipts}) == len(receipts) < 60
    healthy()


def test_stuck_button(service, healthy):
    """1,000 presses: one incident, the first and the last eight and the total, one revision a second."""
    person = service.person(MELUN)
    console, sender = service.console(), service.sender(person.device)
    began = time.monotonic()
    receipts = sender.many([{"kind": "panic"}] * 1000, window=4)
    healthy()
    took = time.monotonic() - began
    assert len({receipt.incident for receipt in receipts}) == 1
    view = console.incident(receipts[0].incident, where=lambda view: view.alerts_total == 1000)
    ids = [receipt.receipt for receipt in receipts]
    assert [alert.alert for alert in view.alerts] == ids[:8] + ids[-8:]
    revisions = [v for _, v in console.times if v.incident == view.incident]
    assert len(revisions) <= took + 3
    kept = service.row("SELECT count(*) AS count FROM alerts WHERE incident = %s HAVING count(*) = 1000",
                       view.incident)
    assert kept["count"] == 1000
    # Each press costs the same: a delta, not the whole history again.
    sizes = service.rows("SELECT count(*) FILTER (WHERE reasons IS NOT NULL) AS whole FROM revisions "
                         "WHERE incident = %s", view.incident)
    assert sizes[0]["whole"] <= 3


def test_more_links_of_one_source_close_its_oldest(service):
    links = [service.sender("platform") for _ in range(5)]
    with pytest.raises(Closed):
        while True:
            links[0].receive()
    assert links[4].alert("panic", commune=MELUN).receipt


# Who knocks at the doors.

PROBES = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH": b"SSH-2.0-scan\r\n", "zeros": bytes(64),
    "TDS": bytes.fromhex("12010034000000000000150006010"+"01b"), "TLS of nothing": b"\x16\x03\x01\x00\x04junk",
    "a huge TLS record": b"\x16\x03\x01\xff\xff" + b"x" * 4000,
}


@pytest.mark.parametrize("door", ["alerts", "consoles"])
@pytest.mark.parametrize("probe", PROBES)
def test_probe_is_refused_fast_and_quietly(service, healthy, door, probe):
    port = service.daemon.alerts_port if door == "alerts" else service.daemon.consoles_port
    since, before = service.daemon.mark(), metric(service, "tocsin_links_ended_total")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as scanner:
        scanner.settimeout(5)
        began = time.monotonic()
        try:
            scanner.sendall(PROBES[probe])
            while scanner.recv(4096):
                pass
        except ConnectionError:
            pass
        assert time.monotonic() - began < 2.5  # the handshake's own deadline is 2 s
    wait_until(lambda: metric(service, "tocsin_links_ended_total") > before, 5, "it is counted")
    assert not [line for line in service.daemon.lines(None, since) if line.level <= 3]
    healthy()


def test_client_that_connects_and_says_nothing_is_cut_off(service, healthy):
    with socket.create_connection(("127.0.0.1", service.daemon.alerts_port), timeout=5) as silent:
        began = time.monotonic()
        healthy()
        assert silent.recv(1) == b""
        assert 1.5 < time.monotonic() - began < 4


def test_crowd_of_silent_clients_keeps_nobody_out(service, healthy):
    crowd = [socket.create_connection(("127.0.0.1", service.daemon.alerts_port), timeout=5)
             for _ in range(300)]
    try:
        wait_until(lambda: healthy() or True, 5, "a healthy sender comes in")
    finally:
        for one in crowd:
            one.close()


def test_daemon_is_whole_after_all_of_it(service):
    assert metric(service, "tocsin_bugs_total") == 0
    assert service.daemon.admin("/readyz")[0] == 200
