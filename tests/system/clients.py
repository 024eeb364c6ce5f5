"""Clients of the daemon's doors, written from proto/ and the README alone: a frame is a 4-byte
big-endian length and one message, over TLS 1.3 with a client certificate.

Nothing here waits without a deadline. A link reads when it is asked to; what came and was not asked
for is kept in `seen`, in order.
"""

import itertools
import select
import socket
import ssl
import struct
import time

import messages as m

SOON_S = 5  # generous: the sanitizers are on, and two cores are shared


class Closed(Exception):
    """The daemon closed the link."""


class Link:
    """One TLS connection that carries frames."""

    reads = None  # the class of what the daemon says here

    def __init__(self, port, identity, authority, session=None, receive_buffer=None):
        self.seen = []
        self._bytes = b""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_verify_locations(authority.file)
        if identity:
            self.context.load_cert_chain(identity.certificate, identity.key)
        self._connect(port, session, receive_buffer)

    def _connect(self, port, session, receive_buffer):
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(SOON_S)
        try:
            plain.connect(("127.0.0.1", port))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = self.context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
        except BaseException:
            plain.close()
            raise

    def again(self, port):
        """A new link as the same peer that resumes this one's TLS session."""
        other = object.__new__(type(self))
        other.__dict__.update({**self.__dict__, "seen": [], "_bytes": b""})
        other._connect(port, self.socket.session, None)
        return other

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_bytes(self, data):
        self.socket.settimeout(SOON_S)
        self.socket.sendall(data)

    def send_frame(self, data):
        self.send_bytes(struct.pack(">I", len(data)) + data)

    def send(self, **body):
        """send(hello=Hello(...)): one message."""
        self.send_frame(self.writes(**body).SerializeToString())

    def _parse(self):
        if len(self._bytes) < 4:
            return None
        length, = struct.unpack(">I", self._bytes[:4])
        if len(self._bytes) < 4 + length:
            return None
        message = self.reads()
        message.ParseFromString(self._bytes[4:4 + length])
        self._bytes = self._bytes[4 + length:]
        return message

    def receive(self, seconds=SOON_S):
        """The next message; TimeoutError when none comes, Closed when none ever will."""
        deadline = time.monotonic() + seconds
        while True:
            message = self._parse()
            if message is not None:
                message = getattr(message, message.WhichOneof("body"))
                self.seen.append(message)
                return message
            if self.socket.pending() == 0:
                left = max(deadline - time.monotonic(), 0)
                if not select.select([self.socket], [], [], left)[0]:
                    raise TimeoutError(f"nothing came within {seconds} s; before: {self.seen[-3:]}")
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                continue
            except (ConnectionError, ssl.SSLError) as end:
                raise Closed(str(end)) from end
            if not data:
                raise Closed("the end of the stream")
            self._bytes += data

    def expect(self, kind, seconds=SOON_S, where=lambda message: True):
        """The next message of that class for which `where` holds; others are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            message = self.receive(max(deadline - time.monotonic(), 0))
            if isinstance(message, kind) and where(message):
                return message

    def all_of(self, kind):
        """What came already and was read, of that class."""
        return [message for message in self.seen if isinstance(message, kind)]

    def drain(self):
        """Reads what is there already."""
        try:
            while True:
                self.receive(0)
        except TimeoutError:
            pass

    def expect_close(self, seconds=SOON_S):
        """Reads until the daemon closes the link; the reason that it gave, None if it gave none."""
        deadline = time.monotonic() + seconds
        reason = None
        try:
            while True:
                message = self.receive(max(deadline - time.monotonic(), 0))
                reason = getattr(message, "reason", reason)
        except Closed:
            return reason


class Sender(Link):
    """A device, a button, a regulation desk, a telephone exchange."""

    reads = m.sender.ServerMessage
    writes = m.sender.SenderMessage
    _refs = itertools.count(1)

    def hello(self, versions=(1,), instance="test"):
        self.send(hello=m.sender.Hello(versions=versions, instance=instance))
        return self.expect(m.sender.Welcome)

    def post(self, kind="panic", ref=None, **fields):
        """Sends an alert, waits for nothing; returns its id. ref="": without one."""
        ref = f"a{next(self._refs)}" if ref is None else ref
        number = m.kind(kind) if isinstance(kind, str) else kind
        self.send(alert=m.sender.Alert(id=ref, kind=number, **fields))
        return ref

    def receipt(self, ref, seconds=SOON_S):
        return self.expect(m.sender.Receipt, seconds, lambda receipt: receipt.id == ref)

    def alert(self, kind="panic", ref=None, **fields):
        """Sends an alert and returns its receipt."""
        receipt = self.receipt(self.post(kind, ref, **fields))
        assert receipt.refused == "", receipt
        return receipt

    def many(self, alerts, window=8):
        """Sends alerts, each a dict of post()'s words, `window` of them in flight; their receipts in
        order."""
        refs, receipts = [], {}
        for words in alerts:
            while len(refs) - len(receipts) >= window:
                receipt = self.expect(m.sender.Receipt)
                receipts[receipt.id] = receipt
            refs.append(self.post(**words))
        while len(receipts) < len(refs):
            receipt = self.expect(m.sender.Receipt)
            receipts[receipt.id] = receipt
        return [receipts[ref] for ref in refs]

    def call(self, ref, phase="presented", number="", centre="", line="", agent="", **fields):
        """Sends a phase of a call and returns its receipt."""
        to = m.sender.PresentedTo(centre=centre, line=line, agent=agent)
        self.send(call=m.sender.Call(id=ref, phase=m.phase(phase), number=number, presented_to=to,
                                     **fields))
        return self.receipt(ref)


class Console(Link):
    """A dispatcher's console: what it was shown, newest revision of each incident in `incidents`."""

    reads = m.console.DeskMessage
    writes = m.console.ConsoleMessage
    _refs = itertools.count(1)

    def receive(self, seconds=SOON_S):
        message = super().receive(seconds)
        if isinstance(message, m.incident.Incident):
            self.__dict__.setdefault("incidents", {})[message.incident] = message
            self.__dict__.setdefault("times", []).append((time.monotonic(), message))
        elif isinstance(message, m.console.DeskHeartbeat):
            self.beat()
        return message

    def beat(self):
        """Says that it is there; reading does so at each of the desk's heartbeats."""
        self.send(heartbeat=m.console.ConsoleHeartbeat())

    def sign_in(self, operator="Dupont", resume_after=""):
        """Signs in and reads the snapshot up to its end mark."""
        self.incidents, self.times = {}, []
        self.operator = operator
        self.send(hello=m.console.ConsoleHello(versions=[1], operator=operator, resume_after=resume_after))
        self.welcome = self.expect(m.console.ConsoleWelcome)
        self.expect(m.console.Begin)
        self.end = self.expect(m.console.End)
        return self

    def incident(self, incident, seconds=SOON_S, where=lambda view: True):
        """The incident with that id, once it is shown as `where` wants it."""
        known = self.incidents.get(incident)
        if known is not None and where(known):
            return known
        return self.expect(m.incident.Incident, seconds,
                           lambda view: view.incident == incident and where(view))

    def act(self, verb, incident, seconds=SOON_S, **fields):
        """An act on an incident; its answer. The revision is the one last seen unless given."""
        ref = f"act{next(self._refs)}"
        number = m.verb(verb) if isinstance(verb, str) else verb
        if "revision" not in fields and incident in self.incidents:
            fields["revision"] = self.incidents[incident].revision
        self.send(act=m.console.Act(ref=ref, verb=number, incident=incident, **fields))
        return self.expect(m.console.Answer, seconds, lambda answer: answer.ref == ref)

    def do(self, verb, incident, **fields):
        """An act that must be done; the incident as it is shown with it."""
        answer = self.act(verb, incident, **fields)
        assert answer.done, answer
        return self.incident(incident, where=lambda view: view.revision >= answer.revision)


def microseconds(seconds_ago=0):
    """A time as the messages spell it."""
    return int((time.time() - seconds_ago) * 1000000)


def position(lat, lon, accuracy_m=10, seconds_ago=1, method="gnss"):
    return m.sender.Position(lat=lat, lon=lon, accuracy_m=accuracy_m, method=method,
                             fixed_at=microseconds(seconds_ago))


def role(view, centre):
    """The role of a centre in an incident, or None."""
    return next((part.role for part in view.centres if part.id == centre), None)


def owner(view):
    owners = [part.id for part in view.centres if part.role == "owner"]
    assert len(owners) == 1, view
    return owners[0]


def reason_codes(view):
    return [reason.partition(":")[0] for reason in view.reasons]
