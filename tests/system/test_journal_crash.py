"""The journal under kill -9 on a machine that loses what was not synced: nothing that was said to be
durable is missing afterwards. And the counter-proof: with any one of the syncs taken out, something
is, and the same check says so."""

import os
import signal
import subprocess

import pytest
from crash import CrashDisk

ROUNDS = 5
ENOUGH = 2500  # records of one round: a dozen segments, six checkpoints


class Driven:
    """The driver on a folder of its own, over the shim."""

    def __init__(self, build, folder, ignore=()):
        folder.mkdir()
        self.driver, self.ignore = build / "journal_driver", ignore
        self.disk = CrashDisk(build / "crash_shim.so", folder)
        self.promised = {}  # epoch: the last number that was said to be durable

    def write_and_kill(self, enough):
        """Runs the driver until it has said so much, and kills it where it stands."""
        process = subprocess.Popen([self.driver, "write", self.disk.folder, "20"], text=True,
                                   stdout=subprocess.PIPE, env=self.disk.environment(self.ignore))
        try:
            for line in process.stdout:
                self._said(line)
                if line.startswith("durable") and int(line.split()[2]) >= enough:
                    break
            os.kill(process.pid, signal.SIGKILL)
            for line in process.stdout:  # what it still said before it died was promised too
                if line.endswith("\n"):
                    self._said(line)
        finally:
            process.kill()
            assert process.wait(timeout=30) == -signal.SIGKILL
            process.stdout.close()

    def _said(self, line):
        what, epoch, number = line.split()
        if what == "start":
            assert int(epoch) > max(self.promised, default=0)
            self.promised[int(epoch)] = 0
        elif what == "durable":
            self.promised[int(epoch)] = int(number)

    def faults(self):
        """What a start finds wrong, of all that was promised."""
        done = subprocess.run([self.driver, "read", self.disk.folder], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if done.returncode != 0:
            return [f"the journal does not open: {done.stderr}"]
        faults, start, found = [], (0, 0), set()
        for line in done.stdout.splitlines():
            what, epoch, number = line.split()
            if what == "checkpoint":
                start = (int(epoch), int(number))
            elif what == "record":
                found.add((int(epoch), int(number)))
            elif what != "lost" or number != "0":
                faults.append(line)
        for epoch, last in self.promised.items():
            first = start[1] if epoch == start[0] else 1
            if epoch >= start[0]:
                faults += [f"{epoch}:{n} is missing" for n in range(first, last + 1)
                           if (epoch, n) not in found]
        return faults


@pytest.mark.parametrize("seeded", [False, True], ids=["unsynced is lost", "unsynced is torn"])
def test_what_is_durable_survives(build, tmp_path, seeded):
    driven = Driven(build, tmp_path / "journal")
    for turn in range(ROUNDS):
        driven.write_and_kill(ENOUGH + 137 * turn)
        driven.disk.crash(seed=turn if seeded else None)
        assert driven.faults() == []
        assert len(driven.promised) == turn + 1


@pytest.mark.parametrize("sync", ["fdatasync", "fsync", "folder"])
def test_without_a_sync_the_check_finds_losses(build, tmp_path, sync):
    driven = Driven(build, tmp_path / "journal", ignore=[sync])
    driven.write_and_kill(ENOUGH)
    driven.disk.crash()
    assert driven.faults() != []


def test_a_kill_alone_loses_nothing_even_unsynced(build, tmp_path):
    """The machine goes on: what the kernel has is there, and the next start makes it durable."""
    driven = Driven(build, tmp_path / "journal", ignore=["fdatasync"])
    driven.write_and_kill(ENOUGH)
    assert driven.faults() == []
