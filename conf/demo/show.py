#!/usr/bin/env python3
"""Sends what expected.txt lists, one alert at a time, and watches it arrive on the consoles.

    conf/demo/show.py TOCSIN CONFIGURATION

Each row passes when its receipt came, and its incident stood on the console of each centre that the
table names, with the priority that it names, in under a second from the sending. At the end every
incident is taken and closed. Ends with the line "N passed, N failed".
"""

import datetime
import json
import pathlib
import subprocess
import sys
import threading
import time

EXPECTED = pathlib.Path(__file__).with_name("expected.txt")
ARRIVAL_MS_MAX = 1000
READY_S = 10
ANSWER_S = 5

TOCSIN, CONFIGURATION = sys.argv[1:]


def rows():
    """The table: name, identity, options, owner, others, priority, word."""
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


class Console:
    """`tocsin console --json` of one centre; what it shows, with the time of arrival."""

    def __init__(self, centre):
        self.centre = centre
        self.shown = []  # (microseconds since 1970, revision)
        self.others = []
        self.lines = 0
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", TOCSIN, "--config", CONFIGURATION, "console", "--json", "--centre", centre,
             "--identity", f"console-{centre}", "--operator", "Démonstration"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for stream, kept in ((self.process.stdout, self.shown), (self.process.stderr, self.others)):
            threading.Thread(target=self._read, args=(stream, kept), daemon=True).start()

    def _read(self, stream, kept):
        for line in stream:
            arrived = time.time_ns() // 1000
            try:
                message = json.loads(line)
            except ValueError:
                message = {"type": "said", "text": line.decode(errors="replace").strip()}
            with self.changed:
                kept.append((arrived, message))
                self.changed.notify_all()

    def wait(self, find, seconds):
        """What `find` finds, waited for; None at the end of that time."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)
        return found

    def is_ready(self):
        return self.wait(lambda: next((m for _, m in self.others if m["type"] == "end"), None), READY_S)

    def showing(self, incident, alert, phase):
        """The first revision of the incident that holds the alert, or the phase of the call, and
        when it came."""
        return next(((arrived, shown) for arrived, shown in self.shown if shown["incident"] == incident
                     and (shown["contact"] == phase if phase else
                          alert in [one["alert"] for one in shown["alerts"]])), None)

    def has_shown(self, incident):
        with self.changed:
            return any(shown["incident"] == incident for _, shown in self.shown)

    def closing(self, incident):
        """The revision with which it was closed."""
        return next((shown for _, shown in self.shown if shown["incident"] == incident
                     and shown["state"] == "closed"), None)

    def command(self, line):
        """Says the line and waits for its answer: done or not, and why."""
        self.lines += 1
        ref = str(self.lines)
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()
        answer = self.wait(lambda: next((m for _, m in self.others if m["type"] == "answer"
                                         and m["ref"] == ref), None), ANSWER_S)
        return answer or {"done": False, "reason": "no answer"}

    def end(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


class Sent:
    """One row that was sent: its receipt, and where and when it was shown."""

    def __init__(self, cells):
        self.name, self.identity, options, self.owner, others, self.priority, self.word = cells
        self.options = dict(option.partition(" ")[::2]  # a text may hold blanks
                            for option in f" {options}".split(" --")[1:])
        self.others = dict(part.split(":") for part in others.split() if part != "-")
        self.receipt, self.faults, self.arrivals = {}, [], {}

    def send(self, earlier):
        what, _, name = self.word.partition(" ")
        self.options.setdefault("at", datetime.datetime.now(datetime.timezone.utc).isoformat())
        if what == "repeats":  # the very same message
            self.options = {**earlier[name].options, "id": earlier[name].receipt["id"]}
        words = [f"--{name}={value}" if value else f"--{name}" for name, value in self.options.items()]
        done = subprocess.run([TOCSIN, "--config", CONFIGURATION, "alert", "--json", "--identity",
                               self.identity, *words], stdin=subprocess.DEVNULL, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        if done.returncode == 0:
            self.receipt = json.loads(done.stdout)
        else:
            self.faults.append(f"no receipt: {done.stderr.strip()}")

    def watch(self, consoles):
        """Fills arrivals, and says what is not as the table has it."""
        meant = self.receipt["incident"], self.receipt["receipt"], self.options.get("call")
        for centre in [self.owner, *self.others]:
            found = consoles[centre].wait(lambda c=consoles[centre]: c.showing(*meant),
                                          ARRIVAL_MS_MAX / 1000)
            if not found:
                self.faults.append(f"not shown at {centre} in time")
                continue
            arrived, shown = found
            if not self.receipt["repeat"]:  # a repeat stands there already
                self.arrivals[centre] = (arrived - self.receipt["sent_at_us"]) / 1000
            if self.arrivals.get(centre, 0) >= ARRIVAL_MS_MAX:
                self.faults.append(f"late at {centre}")
            self.judge(shown)

    def judge(self, shown):
        roles = {part["id"]: part["role"] for part in shown["centres"]}
        expected = {self.owner: "owner", **self.others}
        if roles != expected:
            self.faults.append(f"goes to {roles}, not {expected}")
        if shown["priority"] != int(self.priority):
            self.faults.append(f"priority {shown['priority']}, not {self.priority}")

    def compare(self, earlier):
        """The last column: what it has to do with an earlier row."""
        what, _, name = self.word.partition(" ")
        other = earlier[name].receipt if name else {}
        mine = self.receipt
        if what == "repeats" and (mine["receipt"] != other["receipt"] or not mine["repeat"]):
            self.faults.append("is not known as a repeat")
        if what in ("joins", "repeats") and mine["incident"] != other["incident"]:
            self.faults.append(f"is not in the incident of {name}")
        if what in ("", "new") and mine["incident"] in [e.receipt.get("incident") for e in earlier.values()]:
            self.faults.append("joined an earlier incident")
        if what == "unregistered" and (mine["receipt"] or mine["incident"]):
            self.faults.append("something was kept")

    def run(self, earlier, consoles):
        self.send(earlier)
        if not self.receipt:
            return
        if self.owner != "-" and not self.receipt["incident"]:
            self.faults.append("belongs to no incident")
        elif self.owner != "-":
            self.watch(consoles)
        elif self.receipt["incident"]:
            self.faults.append("belongs to an incident")
        self.compare(earlier)

    def line(self):
        took = f"{self.receipt['took_ms']:.1f} ms" if self.receipt else "-"
        shown = ", ".join(f"{centre} {ms:.1f} ms" for centre, ms in self.arrivals.items()) or "-"
        fault = "; ".join(dict.fromkeys(self.faults)) or "ok"
        return f"{self.name:24} {self.identity:16} {took:>9}  {self.priority:^4} {shown:40} {fault}"


def strays(sent, consoles):
    """Rows whose incident stood on a console that the table does not name, and the console."""
    for one in sent:
        incident = one.receipt.get("incident")
        named = {centre for other in sent if other.receipt.get("incident") == incident
                 for centre in [other.owner, *other.others]}
        for centre in consoles.keys() - named:
            if incident and consoles[centre].has_shown(incident):
                yield one.name, centre


def close_all(sent, consoles):
    """Every incident is taken and closed at its owner's console; answers the faults."""
    owners = {one.receipt["incident"]: one.owner for one in sent if one.arrivals}
    for incident, owner in owners.items():
        for act in (f"take {incident}", f"close {incident} démonstration"):
            answer = consoles[owner].command(act)
            if not answer["done"]:
                yield f"{act}: {answer['reason']}"
        console = consoles[owner]
        if not console.wait(lambda c=console, i=incident: c.closing(i), ANSWER_S):
            yield f"{incident} is not shown as closed"


def main():
    consoles = {centre: Console(centre) for centre in ("cic-77", "corg-77", "ops-77")}
    for centre, console in consoles.items():
        if not console.is_ready():
            sys.exit(f"show: the console of {centre} does not come up: {console.others}")
    print(f"{'what':24} {'sent by':16} {'receipt':>9}  prio {'shown at, after the sending':40} as expected?")
    earlier = {}
    for cells in rows():
        one = Sent(cells)
        one.run(earlier, consoles)
        print(one.line(), flush=True)
        earlier[one.name] = one
    sent = list(earlier.values())
    faults = list(close_all(sent, consoles))
    print(f"{'taken and closed by dispatchers':99} {'; '.join(faults) or 'ok'}")
    for name, centre in strays(sent, consoles):
        faults.append(f"{name}: shown at {centre} too")
        print(faults[-1])
    for console in consoles.values():
        console.end()
    failed = sum(bool(one.faults) for one in sent) + bool(faults)
    print(f"{len(sent) + 1 - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
