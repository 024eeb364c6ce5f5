"""A folder on a machine that loses its power: what a program did not sync is gone.

    disk = CrashDisk(shim, folder)
    program = subprocess.Popen(…, env=disk.environment())
    … program.kill(); program.wait()
    disk.crash()        # the folder now holds what was synced, and nothing else
    disk.crash(seed=7)  # and of the rest, sector by sector, what the seed chooses

The model, and its limits, stand in shim/crash_shim.c."""

import os
import pathlib
import random
import shutil

SECTOR = 512
FOLDER_ID = 0


class CrashDisk:
    def __init__(self, shim, folder, stable=None):
        """folder exists; what it holds is taken as synced. stable is made beside it."""
        self.shim = pathlib.Path(shim)
        self.folder = pathlib.Path(folder).resolve()
        self.stable = pathlib.Path(stable or f"{self.folder}.stable").resolve()
        assert self.shim.is_file() and self.folder.is_dir()
        self._take_as_synced()

    def environment(self, ignore=(), base=None):
        """For the program: os.environ (or base) and the shim. ignore: the syncs to leave out, of
        "fdatasync", "fsync", "folder"."""
        env = dict(os.environ if base is None else base)
        env["LD_PRELOAD"] = str(self.shim)
        env["TOCSIN_CRASH_FOLDER"] = str(self.folder)
        env["TOCSIN_CRASH_STABLE"] = str(self.stable)
        env["TOCSIN_CRASH_IGNORE"] = ",".join(ignore)
        options = env.get("ASAN_OPTIONS")
        env["ASAN_OPTIONS"] = f"{options}:" * bool(options) + "verify_asan_link_order=0"
        return env

    def crash(self, seed=None):
        """Puts the folder back as the crash left it. No program has it open any more."""
        kept, now = self._names("names"), self._names("names.now")
        names = kept
        dice = random.Random(seed) if seed is not None else None
        if dice and dice.random() < 0.5:
            names = now  # the names were written out a moment before; the contents were not
        where = {number: path for path, number in now.items() if number != FOLDER_ID}
        contents = {}
        for path, number in names.items():
            if number == FOLDER_ID or not self._has_parent(path, names):
                continue
            file = self.stable / "files" / str(number)
            synced = file.read_bytes() if file.exists() else b""
            written = self.folder / where.get(number, "")
            if dice and written.is_file():  # it may have been removed in its last moment
                synced = _mixed(synced, written.read_bytes(), dice)
            contents[path] = synced
        folders = [path for path, number in names.items()
                   if number == FOLDER_ID and self._has_parent(path, names)]
        self._rebuild(folders, contents)
        self._take_as_synced()

    @staticmethod
    def _has_parent(path, names):
        parent = str(pathlib.PurePosixPath(path).parent)
        return parent == "." or names.get(parent) == FOLDER_ID

    def _names(self, file):
        lines = (self.stable / file).read_text().splitlines()
        return {path: int(number) for number, path in (line.split(" ", 1) for line in lines)}

    def _rebuild(self, folders, contents):
        for entry in self.folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        for path in sorted(folders):
            (self.folder / path).mkdir(mode=0o700)
        for path, content in contents.items():
            (self.folder / path).write_bytes(content)
            (self.folder / path).chmod(0o600)

    def _take_as_synced(self):
        shutil.rmtree(self.stable, ignore_errors=True)
        (self.stable / "files").mkdir(parents=True)
        names = []
        for number, entry in enumerate(sorted(self.folder.rglob("*")), 1):
            path = entry.relative_to(self.folder)
            if entry.is_dir():
                names.append(f"{FOLDER_ID} {path}\n")
            else:
                names.append(f"{number} {path}\n")
                shutil.copyfile(entry, self.stable / "files" / str(number))
        for file in ("names", "names.now"):
            (self.stable / file).write_text("".join(names))


def _mixed(synced, written, dice):
    """Each sector from one or the other; the length is the longer one's."""
    length = max(len(synced), len(written))
    synced, written = synced.ljust(length, b"\0"), written.ljust(length, b"\0")
    out = bytearray(synced)
    for at in range(0, length, SECTOR):
        if written[at:at + SECTOR] != synced[at:at + SECTOR] and dice.random() < 0.5:
            out[at:at + SECTOR] = written[at:at + SECTOR]
    return bytes(out)
