"""What the service manager, the monitoring and an operator at the machine have of a running daemon."""

import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

from wait import process_is_running, wait_until

PROMTOOL = shutil.which("promtool")


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(str(path))
        self.heard = []

    def listen(self):
        """All messages so far, in their order."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def wait(self, message, seconds=20):
        wait_until(lambda: message in self.listen(), seconds, f"the manager hears {message}")


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path / "notify")
    yield made
    made.socket.close()


def test_manager_is_told_of_start_reload_and_end(own_service, manager):
    daemon = own_service().daemon
    daemon.environment["NOTIFY_SOCKET"] = str(manager.path)
    daemon.start()
    manager.wait("READY=1")
    assert any(line.startswith("STATUS=") for line in manager.listen())
    manager.heard.clear()
    daemon.reload(**{"log.level": "info"})
    manager.wait("READY=1")
    assert manager.listen().index("RELOADING=1") < manager.heard.index("READY=1")
    assert any(line.startswith("MONOTONIC_USEC=") for line in manager.heard)
    daemon.terminate()
    manager.wait("STOPPING=1")
    assert daemon.wait_end() == 0


def test_watchdog_is_fed_by_a_turning_loop_alone(own_service, manager):
    daemon = own_service().daemon
    daemon.environment |= {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "1000000"}
    daemon.start()
    for _ in range(3):
        manager.heard.clear()
        manager.wait("WATCHDOG=1", 3)
    # A daemon that is stuck, here stopped by a signal, is silent.
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        manager.listen()
        manager.heard.clear()
        with pytest.raises(TimeoutError):
            manager.wait("WATCHDOG=1", 2)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    manager.wait("WATCHDOG=1", 3)


class Doors:
    """Sockets that outlive the daemon, as a manager holds them open."""

    def __init__(self, *names):
        self.names = names
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=16) for _ in names]

    def port(self, name):
        return self.sockets[self.names.index(name)].getsockname()[1]

    def launch(self, daemon):
        """Starts the daemon with the sockets at 3, 4, ..., as sd_listen_fds(3) says."""
        # Moved out of the way first: a descriptor may already sit where another must go.
        high = [os.dup2(door.fileno(), 100 + place) for place, door in enumerate(self.sockets)]
        moves = " ".join(f"{3 + place}<&{fd} {fd}<&-" for place, fd in enumerate(high))
        daemon.starts += 1
        daemon._mark = daemon.mark()
        with open(daemon.log_file, "ab") as log:
            daemon.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "bash", "-c", f'exec {moves}; LISTEN_PID=$$ exec "$@"', "bash",
                 daemon.program, "-c", daemon.file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", pass_fds=high,
                env={**os.environ, "LISTEN_FDS": str(len(high)), "LISTEN_FDNAMES": ":".join(self.names)})
        for fd in high:
            os.close(fd)

    def close(self):
        for door in self.sockets:
            door.close()


@pytest.fixture
def doors():
    made = Doors("alerts", "consoles")
    yield made
    made.close()


def test_sockets_of_the_manager_let_nobody_be_turned_away(own_service, doors):
    service = own_service()
    daemon = service.daemon
    # Not what the configuration says, which would fail: the sockets come in place of it.
    daemon.set(**{"listen.alerts": "192.0.2.1:7701", "listen.consoles": "192.0.2.1:7702"})
    early = socket.create_connection(("127.0.0.1", doors.port("alerts")))
    doors.launch(daemon)
    daemon.wait_serving()
    assert daemon.alerts_port == doors.port("alerts")
    assert daemon.consoles_port == doors.port("consoles")
    person = service.person()
    assert service.sender(person.device).alert("panic").receipt
    service.console()
    early.close()
    service.close_links()
    daemon.stop()
    # Between two daemons the door still takes connections.
    waiting = socket.create_connection(("127.0.0.1", doors.port("alerts")), timeout=5)
    doors.launch(daemon)
    daemon.wait_serving()
    waiting.close()
    assert service.sender(person.device).alert("panic").receipt


def test_status_is_printed_for_people_and_programs(own_service, tocsin):
    service = own_service()
    daemon = service.daemon.start()
    port = daemon.lines("serving")[0]["admin_port"]
    service.sender(service.person().device).alert("panic")
    daemon.wait_line("degraded", state="no-console")
    done = tocsin("--config", daemon.file, "status", "--server", f"127.0.0.1:{port}")
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines() if len(line.split(None, 1)) == 2)
    assert lines["phase"] == "serving"
    assert lines["journal.state"] == "good"
    assert "degraded:" in done.stdout and "no-console" in done.stdout
    done = tocsin("status", "--json", "--server", f"127.0.0.1:{port}")
    assert json.loads(done.stdout)["phase"] == "serving"
    daemon.stop()
    done = tocsin("status", "--server", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not PROMTOOL, reason="there is no promtool (package prometheus)")
def test_metrics_please_their_reader(own_service):
    service = own_service()
    daemon = service.daemon.start()
    service.console()
    service.sender(service.person().device).alert("panic")

    def counted():
        status, page = daemon.admin("/metrics")
        assert status == 200
        return page if 'tocsin_receipt_seconds_count{source_kind="device"} 1' in page else None
    page = wait_until(counted, 5, "the receipt is counted")
    assert 'tocsin_shown_seconds_count{source_kind="device"} 1' in page
    assert 'tocsin_stage_seconds_bucket{stage="decide",le="0.001"}' in page
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=page, text=True, timeout=30, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == ""
    assert done.returncode == 0


def test_nobody_answers_and_it_rings_outside(own_service, tmp_path):
    bell, rung = tmp_path / "bell", tmp_path / "rung"
    bell.write_text(f"#!/bin/sh\nenv >{rung}.new && mv {rung}.new {rung}\n")
    bell.chmod(0o755)
    service = own_service(patient=False, **{
        "alarm.command": bell, "escalate.louder_ms": 100, "escalate.other_centre_ms": 200,
        "escalate.all_ms": 300, "escalate.alarm_ms": 400})
    service.daemon.start()
    service.console()
    person = service.person()
    receipt = service.sender(person.device).alert("panic")
    wait_until(lambda: rung.exists() and f"TOCSIN_ALARM_INCIDENT={receipt.incident}" in rung.read_text(), 10,
               "the bell rings for the incident")
    told = rung.read_text()
    assert "TOCSIN_ALARM_PRIORITY=1\n" in told
    assert "TOCSIN_ALARM_TEST=0\n" in told
    assert person.name not in told and "PGPASSWORD" not in told
    assert service.daemon.wait_line("alarm-ended", end="done")
    assert process_is_running(service.daemon.pid)
