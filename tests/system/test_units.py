"""The service manager's units: the real commands of systemd have nothing to say against them."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from wait import children_of, wait_until

EXPOSURE_MAX = 1.5  # of systemd-analyze security: 0 nothing can happen, 10 everything can

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def said(*command, **options):
    """What a command says on both outputs, and its status."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, **options)
    return done.returncode, done.stdout


def settings(unit):
    """The lines NAME=VALUE of a unit, in order."""
    return re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.fixture
def units(source, build, tmp_path):
    """Copies of the units that name the programs where they were built."""
    for unit in [*(source / "systemd").glob("*.service"), *(source / "systemd").glob("*.socket")]:
        text = unit.read_text()
        text = text.replace("/usr/sbin/tocsind", str(build / "tocsind"))
        text = text.replace("/usr/bin/tocsin ", str(build / "tocsin") + " ")
        (tmp_path / unit.name).write_text(text)
    return tmp_path


def test_units_are_well_formed(units):
    status, text = said("systemd-analyze", "verify", "--man=no", *sorted(units.iterdir()))
    assert text == ""
    assert status == 0


@pytest.mark.parametrize("name", ["tocsin.service", "tocsin-alarm.service"])
def test_services_are_locked_down(source, name):
    status, text = said("systemd-analyze", "security", "--offline=true", "--no-pager",
                        f"--threshold={EXPOSURE_MAX * 10:.0f}", source / "systemd" / name)
    exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", text).group(1))
    assert exposure <= EXPOSURE_MAX, text
    assert status == 0


def test_the_service_never_gives_up_and_its_failure_is_told(source):
    unit = dict(settings(source / "systemd" / "tocsin.service"))
    assert unit["Restart"] == "always"
    assert unit["StartLimitIntervalSec"] == "0"
    assert unit["OnFailure"] == "tocsin-alarm.service"
    assert unit["Type"] == "notify"
    assert int(unit["WatchdogSec"]) > 0


def test_sockets_bear_the_names_and_ports_of_the_listeners(source):
    defaults = dict(re.findall(r"^#listen\.(\w+) = (\S+)$", (source / "conf" / "tocsin.conf").read_text(),
                               re.MULTILINE))
    for socket, listener in (("tocsin.socket", "alerts"), ("tocsin-consoles.socket", "consoles")):
        unit = dict(settings(source / "systemd" / socket))
        assert unit["FileDescriptorName"] == listener
        assert unit["ListenStream"] == defaults[listener]
        assert unit["Service"] == "tocsin.service"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
def test_user_and_folders_are_made(source, tmp_path):
    (tmp_path / "etc").mkdir()
    status, text = said("systemd-sysusers", f"--root={tmp_path}", source / "systemd" / "tocsin.sysusers")
    assert status == 0, text
    passwd = (tmp_path / "etc" / "passwd").read_text()
    assert re.search(r"^tocsin:!?\*?x?:\d+:\d+:tocsin:/var/lib/tocsin:/usr/sbin/nologin$", passwd, re.MULTILINE)
    status, text = said("systemd-tmpfiles", "--create", f"--root={tmp_path}",
                        source / "systemd" / "tocsin.tmpfiles")
    assert status == 0, text
    group = int(re.search(r"^tocsin:[^:]*:(\d+):", (tmp_path / "etc" / "group").read_text(), re.MULTILINE).group(1))
    for folder in ("etc/tocsin", "etc/tocsin/tls"):
        made = (tmp_path / folder).stat()
        assert (made.st_mode & 0o7777, made.st_uid, made.st_gid) == (0o750, 0, group)


def calls_of(name):
    """The system calls of one of systemd's sets, those of the sets within it too."""
    status, text = said("systemd-analyze", "syscall-filter", name)
    assert status == 0, text
    calls = set()
    for word in (line.strip() for line in text.splitlines()[1:]):
        if word.startswith("@"):
            calls |= calls_of(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed_calls(unit):
    """What the SystemCallFilter= lines of a unit leave, read in their order as systemd does."""
    allowed = calls_of("@default")
    for value in (value for name, value in settings(unit) if name == "SystemCallFilter"):
        names = value.lstrip("~").split()
        calls = set().union(*(calls_of(name) if name.startswith("@") else {name} for name in names))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def certificates(folder):
    """An authority, and a server's certificate and key."""
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-days", "2"]
    for name, more in (("ca", []), ("server", ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"])):
        status, text = said(*openssl, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                            "-out", folder / f"{name}.pem", *more)
        assert status == 0, text


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
def test_the_daemon_needs_no_system_call_that_the_unit_forbids(source, build, tmp_path):
    certificates(tmp_path)
    for folder in ("journal", "state"):
        (tmp_path / folder).mkdir()
    conf = tmp_path / "tocsin.conf"
    conf.write_text("".join(f"{line}\n" for line in (
        f"journal.folder = {tmp_path}/journal", "journal.segment_bytes = 1048576",
        f"state.folder = {tmp_path}/state", f"postgres.conninfo = host={tmp_path}",
        "listen.admin = 127.0.0.1:0", "listen.alerts = 127.0.0.1:0", "listen.consoles = 127.0.0.1:0",
        f"tls.authority = {tmp_path}/ca.pem", f"tls.certificate = {tmp_path}/server.pem",
        f"tls.key = {tmp_path}/server.key")))
    trace, log = tmp_path / "trace", tmp_path / "log"
    # Under a tracer the search for leaks cannot work.
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    with log.open("wb") as out:
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, build / "tocsind", "-c", conf],
                                  stdout=out, stderr=out, env=environment)
    try:
        wait_until(lambda: all(f"state={state}" in log.read_text()
                               for state in ("postgres-away", "registry-missing")), 30, "a start without PostgreSQL")
        os.kill(children_of(tracer.pid)[0], signal.SIGTERM)
        assert tracer.wait(30) == 0, log.read_text()
    finally:
        for left in children_of(tracer.pid):
            os.kill(left, signal.SIGKILL)
        tracer.kill()
        tracer.wait()
    used = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert {"clock_adjtime", "timerfd_settime", "sendto"} & used, "the trace shows nothing"
    assert used - allowed_calls(source / "systemd" / "tocsin.service") == set()
