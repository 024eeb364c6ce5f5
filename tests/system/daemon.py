"""The real daemon as a child of the test run: its configuration, its log, its end.

It listens on ports that the kernel picks and says them in its log. It dies with the test run. Any
report of a sanitizer in its log fails the test that stops it.
"""

import re
import signal
import subprocess
import urllib.error
import urllib.request

from wait import wait_until

START_S = 20
STOP_S = 20
LINE = re.compile(r"<(\d)>(\S+)(.*)")
PAIR = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)')
FAULT = re.compile(r"Sanitizer|runtime error:|<\d>bug ")


def unquoted(value):
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


class Line(dict):
    """One line of the log: line.event, line.level, line["key"]."""

    def __init__(self, level, event, pairs):
        super().__init__((key, unquoted(value)) for key, value in PAIR.findall(pairs))
        self.level, self.event = int(level), event

    def __repr__(self):
        return f"<{self.level}>{self.event} {dict(self)}"


class Daemon:
    """One tocsind with a folder of its own; start it, stop it, kill it, reload it."""

    def __init__(self, program, folder, authority, conninfo, **options):
        self.program, self.folder, self.authority = program, folder, authority
        self.environment = {}  # for the daemon alone, not for what starts it
        self.process = None
        self.starts = 0
        self.alerts_port = self.consoles_port = None
        folder.mkdir(parents=True)
        self.journal, self.state = folder / "journal", folder / "state"
        for made in (self.journal, self.state):
            made.mkdir(mode=0o700)
        self.file, self.log_file = folder / "tocsin.conf", folder / "log"
        identity = authority.issue("tocsind", file=f"tocsind-{folder.name}")
        self.options = {
            "listen.alerts": "127.0.0.1:0", "listen.consoles": "127.0.0.1:0", "listen.admin": "127.0.0.1:0",
            "journal.folder": self.journal, "journal.segment_bytes": 4 << 20, "state.folder": self.state,
            "postgres.conninfo": conninfo,
            "tls.certificate": identity.certificate, "tls.key": identity.key,
            "tls.authority": authority.file, "log.level": "debug",
        }
        self.set(**options)

    def set(self, **options):
        """set(alerts__window=4): writes the configuration with alerts.window = 4; None takes one out."""
        for name, value in options.items():
            self.options[name.replace("__", ".")] = value
        self.options = {name: value for name, value in self.options.items() if value is not None}
        self.file.write_text("".join(f"{name} = {value}\n" for name, value in self.options.items()))

    # The log.

    def text(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def lines(self, event=None, since=0, **pairs):
        """The log's lines of that event with these values, from a mark on."""
        wanted = {key: str(value) for key, value in pairs.items()}
        found = []
        for text in self.text()[since:].splitlines():
            match = LINE.match(text)
            if not match or event not in (None, match.group(2)):
                continue
            line = Line(*match.groups())
            if wanted.items() <= line.items():
                found.append(line)
        return found

    def mark(self):
        """Where the log ends now."""
        return len(self.text())

    def wait_line(self, event, seconds=5, since=0, **pairs):
        lines = wait_until(lambda: self.lines(event, since, **pairs), seconds,
                           f"the log says {event} {pairs}; see {self.log_file}")
        return lines[0]

    def faults(self):
        """What the sanitizers or the daemon itself found wrong."""
        return [line for line in self.text().splitlines() if FAULT.search(line)]

    def check(self):
        faults = self.faults()
        assert not faults, f"{self.log_file}:\n" + "\n".join(faults[:20])

    # The process.

    def launch(self):
        """Starts it and waits for nothing."""
        assert self.process is None
        self.starts += 1
        self._mark = self.mark()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "env", *(f"{k}={v}" for k, v in self.environment.items()),
                 self.program, "-c", self.file], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        return self

    def start(self):
        """Starts it and waits until both doors are open."""
        self.launch()
        self.wait_serving()
        return self

    def wait_serving(self, seconds=START_S):
        def serving():
            if self.process.poll() is not None:
                raise RuntimeError(f"tocsind ended with {self.process.returncode}:\n{self.text()[-3000:]}")
            return self.lines("serving", self._mark)
        line = wait_until(serving, seconds, f"tocsind serves; see {self.log_file}")[0]
        self.alerts_port, self.consoles_port = int(line["alerts_port"]), int(line["consoles_port"])

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def wait_end(self, seconds=STOP_S):
        """Its exit status, once it ended."""
        status = self.process.wait(seconds)
        self.process = None
        self.check()
        return status

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """An orderly end; fine when it is not running."""
        if self.process is None:
            return
        self.terminate()
        try:
            status = self.wait_end()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert status == 0, f"ended with {status}:\n{self.text()[-3000:]}"

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.check()

    def restart(self):
        self.stop()
        self.start()

    def reload(self, expect="reloaded", **options):
        """Changes options and sends SIGHUP; waits for its word on it."""
        self.set(**options)
        since = self.mark()
        self.process.send_signal(signal.SIGHUP)
        return self.wait_line(expect, since=since)

    def check_config(self):
        return subprocess.run([self.program, "-c", self.file, "--check-config"], text=True, timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    # The admin door.

    def admin(self, path):
        """(status, body) of a GET on the admin door."""
        port = self.lines("serving", self._mark)[0]["admin_port"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
