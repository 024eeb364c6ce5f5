"""A private PostgreSQL 15 for the tests: made by initdb under build/, gone when they end.

The server is a child of the test run, never a daemon: it is told to die with its parent, so that
not even a killed test run leaves one behind. As root it runs as the user postgres, since it
refuses to be root.
"""

import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess

import psycopg2

from wait import children_of, process_is_running, wait_until

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
START_S = 60
STOP_S = 30
SOCKET_PATH_MAX = 107  # sun_path, less its terminator


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """One cluster: start, stop, kill, freeze and thaw it, and reach it as its superuser."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.sockets = self.folder / "socket"
        self.log = self.folder / "log"
        self.password = secrets.token_hex(16)
        self.port = free_port()
        self.process = None
        self._prefix = []
        if os.geteuid() == 0:
            # The checkout may lie where this user cannot go (/root), hence the capability.
            self._prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                            "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]

    @property
    def host(self):
        """The socket's folder, or the loopback address where its path would be too long."""
        path = f"{self.sockets}/.s.PGSQL.{self.port}"
        return str(self.sockets) if len(path.encode()) <= SOCKET_PATH_MAX else "127.0.0.1"

    def dsn(self, database="postgres", host=None, **more):
        """A libpq connection string; more: user=, password=, application_name= and so on."""
        words = {"host": host or self.host, "port": self.port, "dbname": database,
                 "user": "postgres", "password": self.password, **more}
        return psycopg2.extensions.make_dsn(**words)

    def connect(self, database="postgres", **more):
        """A connection that commits each statement by itself."""
        connection = psycopg2.connect(self.dsn(database, connect_timeout=10, **more))
        connection.autocommit = True
        return connection

    def run(self, statement, database="postgres"):
        """Runs one statement and returns its rows, if it has any."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def create(self):
        """Makes an empty cluster; what an earlier run left is removed first."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.sockets.mkdir(mode=0o700)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (self.folder, self.sockets, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        made = subprocess.run(
            [*self._prefix, BIN / "initdb", "--pgdata", self.data, "--username=postgres",
             "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd="/", timeout=START_S, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{made.stdout}")

    def settings(self):
        sockets = str(self.sockets).replace('"', '""') if self.host != "127.0.0.1" else ""
        return {"listen_addresses": "127.0.0.1", "port": self.port,
                "unix_socket_directories": f'"{sockets}"' if sockets else "",
                "unix_socket_permissions": "0700", "logging_collector": "off",
                "log_line_prefix": "%m [%p] %q%u@%d ", "max_connections": "100"}

    def start(self):
        """Starts the server and waits until it answers."""
        if self.process:
            raise RuntimeError("PostgreSQL is running already")
        command = [BIN / "postgres", "-D", self.data]
        for name, value in self.settings().items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*(self._prefix or ["setpriv"]), "--pdeathsig=QUIT", *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        wait_until(self._answers, START_S, f"PostgreSQL answers, see {self.log}")

    def _answers(self):
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            self.process = None
            raise RuntimeError(f"PostgreSQL ended at its start:\n{tail}")
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def stop(self):
        """An orderly end that waits for no client; fine when it is not running."""
        self._end(signal.SIGINT)

    def kill(self):
        """kill -9 of the server and of all its backends, as if the machine had lost them."""
        self._end(signal.SIGKILL)

    def stop_immediately(self):
        """An end without a checkpoint (pg_ctl -m immediate): the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, how):
        if not self.process:
            return
        pid = self.process.pid
        backends = children_of(pid)
        self.thaw()
        self.process.send_signal(how)
        if how == signal.SIGKILL:
            for backend in backends:
                try:
                    os.kill(backend, how)
                except ProcessLookupError:
                    pass
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        wait_until(lambda: not any(map(process_is_running, backends)), STOP_S, "the backends end")

    def freeze(self):
        """Stops every process of the server in its tracks: it accepts and never answers."""
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        """Lets a frozen server go on; fine when it is not frozen."""
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


class Database:
    """A fresh, empty database of its own for one test."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    def dsn(self, **more):
        return self.server.dsn(self.name, **more)

    def connect(self, **more):
        return self.server.connect(self.name, **more)

    def run(self, statement):
        return self.server.run(statement, self.name)
