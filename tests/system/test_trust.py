"""Who may speak: certificates good, expired, early, revoked, of nobody, of another kind."""

import ssl
import time

import messages as m
import pytest
from clients import Closed, Console, Sender, reason_codes
from department import MELUN
from pki import Authority

SECOND = 1.0


def open_sender(service, identity, **more):
    return service.link(Sender, service.daemon.alerts_port, identity, **more)


def open_console(service, identity):
    return service.link(Console, service.daemon.consoles_port, identity)


def is_turned_away(connect):
    """True when the daemon refuses in the handshake: in TLS 1.3 the client learns it as it reads."""
    try:
        link = connect()
        link.send_frame(b"\x0a\x02\x0a\x00")
        link.receive()
        return False
    except (ssl.SSLError, Closed, ConnectionError):
        return True


@pytest.mark.parametrize("begins, ends, word", [(-30, -1, "expired"), (2, 30, "early")])
def test_sender_out_of_its_time_is_heard_with_the_doubt(service, begins, ends, word):
    person, since = service.person(MELUN), service.daemon.mark()
    stale = service.authority.issue(person.device, begins, ends, file=f"{person.device}-{word}")
    receipt = service.sender(person.device, identity=stale).alert("panic")
    view = service.console().incident(receipt.incident)
    assert view.priority == 1 and "doubt-certificate" in reason_codes(view)
    assert [p.id for p in view.practitioners] == [person.id]
    service.daemon.wait_line("sender-certificate-out-of-time", since=since, source=person.device)


@pytest.mark.parametrize("begins, ends, word", [(-30, -1, "expired"), (2, 30, "early")])
def test_console_out_of_its_time_is_refused(service, begins, ends, word):
    name = "console-cic-77"
    stale = service.authority.issue(name, begins, ends, file=f"{name}-{word}")
    assert open_console(service, stale).expect_close() == "certificate-out-of-time"


def test_renewed_certificate_needs_no_change(service):
    person = service.person()
    for turn in range(2):
        renewed = service.authority.issue(person.device, file=f"{person.device}-renewed-{turn}")
        assert service.sender(person.device, identity=renewed).alert("panic").receipt


@pytest.mark.parametrize("name, reason", [("nobody-we-know", "unknown-source"),
                                          ("console-cic-77", "console-certificate")])
def test_certificate_that_is_no_sender_s_is_refused(service, name, reason):
    since = service.daemon.mark()
    assert open_sender(service, service.identity(name)).expect_close() == reason
    service.daemon.wait_line("sender-refused", since=since, reason=reason)


@pytest.mark.parametrize("name, reason", [("nobody-we-know", "unknown-console"), ("sos", "not-a-console"),
                                          ("bracelet-59", "not-a-console")])
def test_certificate_that_is_no_console_s_is_refused(service, name, reason):
    assert open_console(service, service.identity(name)).expect_close() == reason


def test_certificate_of_another_authority_is_refused_in_the_handshake(service, tmp_path):
    foreign = Authority(tmp_path / "foreign", "Authority of the tests").issue("bracelet-59")
    since = service.daemon.mark()
    assert is_turned_away(lambda: open_sender(service, foreign))
    assert not service.daemon.lines("sender-opened", since)


def test_no_certificate_is_refused_in_the_handshake(service):
    assert is_turned_away(lambda: open_sender(service, None))
    assert is_turned_away(lambda: open_console(service, None))


def test_tls_1_2_is_refused(service):
    class Old(Sender):
        def _connect(self, *arguments):
            self.context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.context.maximum_version = ssl.TLSVersion.TLSv1_2
            super()._connect(*arguments)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        service.link(Old, service.daemon.alerts_port, service.identity("sos"))


def test_session_is_resumed(service):
    person, since = service.person(), service.daemon.mark()
    first = service.sender(person.device)
    again = first.again(service.daemon.alerts_port)
    again.hello()
    assert again.socket.session_reused and again.alert("panic").receipt
    assert [line["resumed"] for line in service.daemon.lines("sender-opened", since)] == ["0", "1"]
    again.close()


@pytest.mark.parametrize("state", ["revoked", "retired"])
def test_source_that_the_registry_revokes_is_cut_off_and_refused_resumed_or_not(service, state):
    person = service.person()
    sender = service.sender(person.device)
    service.department.change("UPDATE sources SET state = %s WHERE name = %s", state, person.device)
    began = time.monotonic()
    assert sender.expect_close() == state
    assert time.monotonic() - began < SECOND
    assert open_sender(service, service.identity(person.device)).expect_close() == state
    resumed = sender.again(service.daemon.alerts_port)
    assert resumed.expect_close() == state
    resumed.close()


def test_console_that_the_registry_revokes_is_cut_off(service):
    name = service.department.add_source("console", centre="cic-77")
    console = wait_welcome(service, name)
    service.department.change("UPDATE sources SET state = 'revoked' WHERE name = %s", name)
    began = time.monotonic()
    assert console.expect_close() == "revoked"
    assert time.monotonic() - began < SECOND
    assert open_console(service, service.identity(name)).expect_close() == "revoked"


def wait_welcome(service, name):
    """A console of that name once the daemon knows it."""
    deadline = time.monotonic() + SECOND
    while True:
        console = open_console(service, service.identity(name))
        try:
            return console.sign_in()
        except Closed:
            assert time.monotonic() < deadline, "a new console is not known within a second"


def test_revocation_list_counts_at_sighup_for_open_new_and_resumed_links(own_service):
    service = own_service()
    service.daemon.start()
    person, other = service.person(), service.person()
    sender, unharmed = service.sender(person.device), service.sender(other.device)
    console = service.console()
    crl = service.authority.revoke(service.identity(person.device), service.identity("console-cic-77"))
    service.daemon.reload(tls__revocations=crl)
    for link in (sender, console):
        with pytest.raises((Closed, ssl.SSLError)):
            while True:
                link.receive()
    assert is_turned_away(lambda: open_sender(service, service.identity(person.device)))
    assert is_turned_away(lambda: sender.again(service.daemon.alerts_port))
    assert is_turned_away(lambda: open_console(service, service.identity("console-cic-77")))
    assert unharmed.alert("panic").receipt
    # A new certificate of the same name is not on the list.
    fresh = service.authority.issue(person.device, file=f"{person.device}-fresh")
    assert service.sender(person.device, identity=fresh).alert("panic").receipt


def test_sender_sees_nothing_but_its_own(service):
    """Another source's alert on the same incident, and acts on it, reach only whose they are."""
    person = service.person(MELUN)
    device, regulation = service.sender(person.device), service.sender("sos")
    console = service.console()
    pressed = device.alert("panic", note="je suis au premier")
    relayed = regulation.alert("relay", commune=MELUN, practitioner=person.rpps)
    assert relayed.incident == pressed.incident
    console.incident(pressed.incident)
    console.do("take", pressed.incident)
    for sender, receipt in ((device, pressed), (regulation, relayed)):
        told = sender.expect(m.sender.AlertState)
        assert told.receipt == receipt.receipt
        assert "je suis" not in str(sender.seen)
