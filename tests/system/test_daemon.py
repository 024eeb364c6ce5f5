"""The daemon as a citizen: its configuration, its signals, its admin door."""

import os
import re
import signal
import subprocess
import time

import messages as m
import pytest
from clients import Closed
from department import MELUN
from wait import wait_until


def test_check_config_accepts_a_good_one(own_service):
    daemon = own_service().daemon
    checked = daemon.check_config()
    assert (checked.returncode, checked.stderr) == (0, "")


def test_check_config_tells_every_error_at_once(own_service):
    daemon = own_service().daemon
    daemon.file.write_text("# a comment\n"
                           "alerts.windw = 4\n"
                           "alerts.window = 4000\n"
                           "nonsense\n"
                           "receipt.policy = both\n"
                           "listen.alerts = localhost:7701\n"
                           "journal.folder = relative\n"
                           "node.id = 1\n"
                           "node.id = 2\n")
    checked = daemon.check_config()
    assert checked.returncode == 1
    told = {int(number): text for number, text in
            re.findall(rf"^{re.escape(str(daemon.file))}:(\d+): (.*)$", checked.stderr, re.MULTILINE)}
    assert sorted(told) == [2, 3, 4, 5, 6, 7, 9]
    assert "alerts.window" in told[2] and "255" in told[3] and "node+postgres" in told[5]
    started = subprocess.run([daemon.program, "-c", daemon.file], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert started.returncode == 1 and started.stderr == checked.stderr


def test_check_config_of_no_file(own_service):
    daemon = own_service().daemon
    daemon.file.unlink()
    checked = daemon.check_config()
    assert checked.returncode == 1 and str(daemon.file) in checked.stderr


def test_version_and_help(build):
    for option in ("--version", "--help"):
        said = subprocess.run([build / "tocsind", option], stdout=subprocess.PIPE, text=True, timeout=30,
                              check=True)
        assert "tocsind" in said.stdout


def window(service):
    with service.sender("sos", hello=False) as sender:
        return sender.hello().frame_bytes_max


def test_sighup_takes_all_or_nothing(own_service):
    service = own_service(alerts__message_bytes_max=8192)
    service.daemon.start()
    sender = service.sender("platform")
    assert window(service) == 8192
    service.daemon.reload(alerts__message_bytes_max=4096)
    assert window(service) == 4096
    # One good change and one bad one: neither.
    since = service.daemon.mark()
    service.daemon.reload("reload-refused", alerts__message_bytes_max=2048, log__level="chatty")
    assert service.daemon.lines("configuration-error", since)
    assert window(service) == 4096
    # A certificate that is not there: nothing either, and the old one serves on.
    service.daemon.reload("reload-refused", log__level="info", alerts__message_bytes_max=2048,
                          tls__certificate="/nonexistent/tocsin.pem")
    assert window(service) == 4096
    assert sender.alert("panic", commune=MELUN).receipt  # who was there stayed


def test_sighup_says_what_needs_a_restart(own_service):
    service = own_service()
    service.daemon.start()
    since = service.daemon.mark()
    service.daemon.reload(alerts__window=3)
    service.daemon.wait_line("reload-needs-restart", since=since, option="alerts.window")
    assert service.sender("platform", hello=False).hello().window == 16


def test_sigterm_drains(own_service):
    """What was sent before has its receipt; links are told; nobody comes in; the exit is 0."""
    service = own_service(alerts__window=64)
    service.daemon.start()
    sender, console = service.sender("platform"), service.console()
    refs = [sender.post("panic", commune=MELUN) for _ in range(50)]
    first = sender.receipt(refs[0])
    service.daemon.terminate()
    assert sender.expect_close(10) == "shutdown"
    assert console.expect_close(10) == "shutdown"
    assert service.daemon.wait_end() == 0
    receipts = [first] + [r for r in sender.all_of(m.sender.Receipt) if r.id != first.id]
    # Read before the signal or not at all: what has a receipt is kept, and it is a prefix.
    assert [receipt.id for receipt in receipts] == refs[:len(receipts)]
    service.daemon.start()
    assert service.console().incidents.keys() >= {receipt.incident for receipt in receipts}


def test_sigterm_ends_soon_with_a_peer_that_reads_nothing(own_service):
    service = own_service()
    service.daemon.start()
    service.console(receive_buffer=4096)
    service.sender("platform").many([{"commune": MELUN, "note": "x" * 400}] * 200)
    began = time.monotonic()
    service.daemon.terminate()
    assert service.daemon.wait_end(30) == 0
    assert time.monotonic() - began < 16


def test_admin_door(own_service):
    service = own_service()
    service.daemon.start()
    assert service.daemon.admin("/healthz")[0] == 200
    assert service.daemon.admin("/readyz")[0] == 200
    assert service.daemon.admin("/nothing")[0] == 404
    status, page = service.daemon.admin("/metrics")
    assert status == 200 and "# TYPE" in page


def test_two_daemons_never_share_a_journal(own_service):
    service = own_service()
    service.daemon.start()
    second = subprocess.run([service.daemon.program, "-c", service.daemon.file], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert second.returncode == 1 and "journal" in second.stderr
    assert service.sender("platform").alert("panic", commune=MELUN).receipt


def test_log_is_one_line_an_event_with_priorities(own_service):
    service = own_service()
    service.daemon.start()
    sender = service.sender("platform")
    sender.alert("panic", commune=MELUN, note="line one\nline <0>two")
    service.close_links()
    service.daemon.stop()
    for line in service.daemon.text().splitlines():
        assert re.fullmatch(r"<[2-7]>[a-z0-9-]+( [a-z_]+=(\"([^\"\\]|\\.)*\"|[^\s\"]*))*", line), line
    assert "line one" not in service.daemon.text()  # a payload is never logged


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGUSR1])
def test_stray_signals(own_service, number):
    """SIGPIPE is nothing; an unknown one ends it as any program, and the journal brings it back."""
    service = own_service()
    service.daemon.start()
    receipt = service.sender("platform").alert("panic", commune=MELUN)
    os.kill(service.daemon.pid, number)
    if number == signal.SIGUSR1:
        wait_until(lambda: not service.daemon.is_running(), 10, "it ended")
        service.daemon.kill()
        service.daemon.start()
    assert receipt.incident in service.console().incidents


def test_expired_link_is_told_nothing_new(own_service):
    """After SIGKILL the peers see the end at once: no half-open silence."""
    service = own_service()
    service.daemon.start()
    sender = service.sender("platform")
    service.daemon.kill()
    with pytest.raises(Closed):
        sender.receive()
