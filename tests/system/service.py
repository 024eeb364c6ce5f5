"""A whole service for a test: a database with the sample department, a daemon, and its clients."""

from clients import Console, Sender
from wait import wait_until

# Nothing escalates by itself in tests that are about something else, and a busy disk does not make
# views leave before they are recorded.
PATIENT = {"escalate.louder_ms": 600000, "escalate.other_centre_ms": 700000, "escalate.all_ms": 800000,
           "escalate.alarm_ms": 900000, "escalate.engage_ms": 900000, "escalate.taker_lost_ms": 600000,
           "push.unrecorded_after_ms": 3000}


class Service:
    """daemon, database, department, authority, and clients by the names of their sources."""

    def __init__(self, daemon, database, department, authority):
        self.daemon, self.database = daemon, database
        self.department, self.authority = department, authority
        self._people = iter(department.people)
        self._identities = {}
        self._links = []

    def person(self, commune=None):
        """Somebody whom no test has had to do with yet, of that commune if one is named."""
        return next(person for person in self._people if commune in (None, person.commune.code))

    def identity(self, name):
        """The good certificate of a source, issued once."""
        if name not in self._identities:
            self._identities[name] = self.authority.issue(name)
        return self._identities[name]

    def link(self, cls, port, identity, **more):
        link = cls(port, identity, self.authority, **more)
        self._links.append(link)
        return link

    def sender(self, name, hello=True, identity=None, **more):
        """A link of that source, welcomed."""
        sender = self.link(Sender, self.daemon.alerts_port, identity or self.identity(name), **more)
        if hello:
            sender.hello()
        return sender

    def console(self, centre="cic-77", operator="Dupont", resume_after="", identity=None, **more):
        """A console of that centre, signed in, its snapshot read."""
        console = self.link(Console, self.daemon.consoles_port, identity or self.identity(f"console-{centre}"),
                            **more)
        return console.sign_in(operator, resume_after)

    def close_links(self):
        for link in self._links:
            link.close()
        self._links.clear()

    # What PostgreSQL has.

    def rows(self, statement, *values):
        connection = self.database.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                names = [column.name for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]
        finally:
            connection.close()

    def row(self, statement, *values, seconds=10):
        """The one row of a query, waited for."""
        rows = wait_until(lambda: self.rows(statement, *values), seconds, f"{statement} {values}")
        assert len(rows) == 1, rows
        return rows[0]
