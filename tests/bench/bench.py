"""The measures of tests/bench/run. Ratios are of figures from the same seconds; the median of the
rounds is quoted, with the lowest and the highest beside it."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))

from daemon import Daemon  # noqa: E402
from department import Department  # noqa: E402
from pki import Authority  # noqa: E402
from postgres import Postgres, Database  # noqa: E402
from wait import wait_until  # noqa: E402

BUILD = ROOT / "build" / "bench"
WORK = BUILD / "work"
HOUR_MS = 3600000
QUIET = {  # nothing but the load is measured: no escalation falls into a round
    "escalate.louder_ms": HOUR_MS, "escalate.other_centre_ms": HOUR_MS + 1, "escalate.all_ms": HOUR_MS + 2,
    "escalate.alarm_ms": HOUR_MS + 3, "incident.open_max": 1000000, "alerts.links_each": 1000,
    "alerts.window": 64, "journal.segment_bytes": 64 << 20, "log.level": "notice",
}
NOBODYS_COUNTRY = "+9990"  # E.164: 999 is reserved, so a million numbers are nobody's


class Bench:
    def __init__(self, rounds):
        self.rounds = rounds
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        os.chmod(WORK, 0o755)
        self.server = Postgres(WORK / "postgres")
        self.server.create()
        self.server.start()
        self.authority = Authority(WORK / "tls")
        self.identities = WORK / "identities"
        self.identities.mkdir()
        self.platform = self.authority.issue("platform")
        self.lend("bench", self.platform)
        self.lend("console-cic", self.authority.issue("console-cic-77"))
        self.count = 0
        self.rows = []

    def close(self):
        self.server.stop()

    def fresh(self, persons=0):
        """A database of its own and a daemon on it."""
        self.count += 1
        name = f"bench_{self.count}"
        self.server.run(f"CREATE DATABASE {name}")
        database = Database(self.server, name)
        subprocess.run([BUILD / "tocsin", "db", "migrate", f"--dir={ROOT / 'sql'}",
                        f"--database={database.dsn()}"], check=True, stdout=subprocess.DEVNULL)
        Department(database, self.authority.issuer).fill()
        if persons:
            self.register(database, persons)
        options = {name.replace(".", "__"): value for name, value in QUIET.items()}
        return database, Daemon(BUILD / "tocsind", WORK / f"daemon-{self.count}", self.authority,
                                database.dsn(), **options)

    def lend(self, name, issued):
        """Where the load finds it: NAME.pem, NAME.key, ca.pem."""
        shutil.copy(issued.certificate, self.identities / f"{name}.pem")
        shutil.copy(issued.key, self.identities / f"{name}.key")
        shutil.copy(self.authority.file, self.identities / "ca.pem")

    @staticmethod
    def register(database, persons):
        """`persons` practitioners with a number each, straight into the tables."""
        with database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")  # the change log is not what is measured
            cursor.execute(
                "CREATE TEMP TABLE made AS SELECT n, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid "
                "AS id FROM generate_series(0, %s - 1) AS n", (persons,))
            cursor.execute("INSERT INTO practitioners (id, department, name, profession, specialty) "
                           "SELECT id, '77', 'Personne fictive ' || n, 'médecin', 'médecine générale' FROM made")
            cursor.execute("INSERT INTO numbers (practitioner, department, number, place, shared) SELECT id, '77', "
                           f"'{NOBODYS_COUNTRY}' || lpad(n::text, 8, '0'), 1, false FROM made")
            cursor.execute("INSERT INTO consents (practitioner, department, centre, given_at, evidence) "
                           "SELECT id, '77', 'cic-77', now(), 'bench' FROM made")
        with database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE registry_version SET version = version + 1, changed_at = now()")

    def load(self, daemon, database, **options):
        words = [BUILD / "bench_load", "--alerts", f"127.0.0.1:{daemon.alerts_port}",
                 "--consoles", f"127.0.0.1:{daemon.consoles_port}", "--identities", self.identities,
                 "--canary", database.dsn()]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        result = json.loads(done.stdout)
        if result["refused"] or result["receipts"] < result["sent"]:
            raise RuntimeError(f"not all was taken: {result}")
        return result

    def row(self, what, figures, target, unit=""):
        """One line of the table: the median of `figures`, their spread, what was wanted."""
        median = statistics.median(figures)
        holds = median <= target[1] if target[0] == "<=" else median >= target[1]
        self.rows.append((what, median, min(figures), max(figures), f"{target[0]} {target[1]}{unit}", holds))
        print(f"  {what}: {median:.2f}{unit} ({min(figures):.2f} to {max(figures):.2f}), "
              f"wanted {target[0]} {target[1]}{unit}: {'holds' if holds else 'MISSED'}", flush=True)

    def latency(self, rate, seconds, targets):
        """Alert to console, durable, four consoles, PostgreSQL following, against the canary."""
        rounds = []
        for attempt in range(3 * self.rounds):
            database, daemon = self.fresh()
            daemon.start()
            try:
                result = self.load(daemon, database, rate=rate, seconds=seconds)
            finally:
                daemon.stop()
            print(f"  {rate}/s: shown p50 {result['shown_p50']} p99 {result['shown_p99']} µs, "
                  f"canary p50 {result['canary_p50']} p99 {result['canary_p99']} µs"
                  f"{'' if result['valid'] else ' (not counted: the generator was late)'}", flush=True)
            if result["valid"] and result["shown"] == result["sent"]:
                rounds.append(result)
            if len(rounds) == self.rounds:
                break
        for part, target in targets.items():
            if rounds:
                self.row(f"{rate}/s {part} / canary", [r[f"shown_{part}"] / r[f"canary_{part}"] for r in rounds],
                         ("<=", target))
            else:
                print(f"  {rate}/s {part}: no valid round on this machine", flush=True)

    def pgbench(self, database, seconds):
        script = WORK / "row.sql"
        script.write_text("INSERT INTO bench_row VALUES (now(), repeat('x', 200));\n")
        database.run("CREATE TABLE IF NOT EXISTS bench_row (at timestamptz, filler text)")
        done = subprocess.run(["pgbench", "-n", "-c", "32", "-j", "2", "-T", str(seconds), "-f", script,
                               database.dsn()], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
        return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))

    def most(self, seconds):
        """The most it takes from 200 senders with 4 alerts in flight each, against pgbench's rows."""
        ratios, caught_up = [], []
        for _ in range(self.rounds):
            database, daemon = self.fresh()
            daemon.start()
            rows = self.pgbench(database, seconds)
            result = self.load(daemon, database, rate=0, seconds=seconds, senders=200, flight=4, watchers=1)
            ended = time.monotonic()
            wait_until(lambda: json.loads(daemon.admin("/status")[1])["postgres"]["lag_records"] == 0, 120,
                       "PostgreSQL caught up")
            caught_up.append(time.monotonic() - ended)
            daemon.stop()
            kept = database.run("SELECT count(*) FROM alerts")[0][0]
            if kept != result["sent"]:
                raise RuntimeError(f"{result['sent']} receipts, {kept} rows")
            print(f"  taken {result['rate']:.0f}/s, pgbench {rows:.0f} rows/s", flush=True)
            ratios.append(result["rate"] / rows)
        self.row("alerts/s taken / pgbench rows/s", ratios, (">=", 2))
        self.row("PostgreSQL caught up after", caught_up, ("<=", 10), " s")

    def registry(self, seconds):
        """What a million registered numbers cost: to load, to hold, and for each alert."""
        cost = {}
        for persons in (1000, 1000000):
            database, daemon = self.fresh(persons)
            began = time.monotonic()
            daemon.start()
            line = daemon.wait_line("registry-loaded", 60)
            took = time.monotonic() - began
            status = json.loads(daemon.admin("/status")[1])
            assert status["registry"]["numbers"] >= persons, status["registry"]
            costs = []
            for _ in range(self.rounds):
                before = cpu_seconds(daemon.pid)
                result = self.load(daemon, database, rate=1000, seconds=seconds, persons=persons)
                costs.append((cpu_seconds(daemon.pid) - before) / result["sent"] * 1e6)
            cost[persons] = costs
            if persons == 1000000:
                self.row("load of 1,000,000 numbers", [took], ("<=", 5), " s")
                self.row("memory of 1,000,000 numbers", [int(line["bytes"]) / 1e6], ("<=", 200), " MB")
            daemon.stop()
        print(f"  the loop's µs an alert: {cost}", flush=True)
        self.row("cost of an alert, 1,000,000 / 1,000 numbers",
                 [big / small for small, big in zip(cost[1000], cost[1000000])], ("<=", 1.3))

    def idle(self, links):
        """The memory of an idle TLS sender."""
        from clients import Sender
        database, daemon = self.fresh()
        daemon.start()
        warm = [self.sender(Sender, daemon, self.platform) for _ in range(50)]
        before = resident_kib(daemon.pid)
        held = [self.sender(Sender, daemon, self.platform) for _ in range(links)]
        self.row("an idle TLS sender", [(resident_kib(daemon.pid) - before) / links], ("<=", 30), " KiB")
        for link in warm + held:
            link.close()
        daemon.stop()
        del database

    def sender(self, kind, daemon, identity):
        link = kind(daemon.alerts_port, identity, self.authority)
        link.hello()
        return link


def cpu_seconds(pid):
    """Of the loop's thread alone."""
    fields = pathlib.Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {model.group(1) if model else platform.machine()}, {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("latency", "most", "registry", "idle"))
    options = parser.parse_args()
    bench = Bench(options.rounds)
    print(f"{datetime.date.today()}, {machine()}", flush=True)
    try:
        if options.only in (None, "latency"):
            bench.latency(100, 10, {"p50": 1.2})
            bench.latency(1000, 10, {"p50": 1.0, "p99": 1.5})
            bench.latency(5000, 6, {"p99": 1.5})
        if options.only in (None, "most"):
            bench.most(8)
        if options.only in (None, "registry"):
            bench.registry(5)
        if options.only in (None, "idle"):
            bench.idle(900)
    finally:
        bench.close()
    print("\n| measure | median | lowest | highest | wanted | |\n| --- | --- | --- | --- | --- | --- |")
    for what, median, lowest, highest, target, holds in bench.rows:
        print(f"| {what} | {median:.2f} | {lowest:.2f} | {highest:.2f} | {target} | {'holds' if holds else 'missed'} |")


if __name__ == "__main__":
    main()
