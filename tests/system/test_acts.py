"""What dispatchers do: the answers, what every console then shows, what the sender learns, and the
trail with the operator's name.
"""

import hashlib

import messages as m
import pytest
from clients import owner, role
from department import MELUN
from messages import state_word


def raised(service, *consoles, kind="panic"):
    """A panic in Melun as these consoles show it: (sender, receipt)."""
    sender = service.sender(service.person(MELUN).device)
    receipt = sender.alert(kind)
    for console in consoles:
        console.incident(receipt.incident)
    return sender, receipt


def trail(service, incident, what):
    return service.row("SELECT * FROM trail WHERE object = 'incident' AND object_id = %s AND what = %s",
                       incident, what)


def test_take_engage_note_close(service):
    desk, wall = service.console(operator="Adjudant Morel"), service.console(operator="Brigadier Petit")
    sender, receipt = raised(service, desk, wall)
    incident = receipt.incident

    desk.do("take", incident)
    view = wall.incident(incident, where=lambda view: state_word(view.state) == "taken")
    assert (view.taken_by, view.taken_at_centre) == ("Adjudant Morel", "cic-77")
    desk.do("note", incident, note="patrouille à deux minutes")
    assert wall.incident(incident, where=lambda view: view.note).note == "patrouille à deux minutes"
    desk.do("engage", incident)
    wall.incident(incident, where=lambda view: state_word(view.state) == "engaged")
    desk.do("close", incident, disposition="intervention")
    view = wall.incident(incident, where=lambda view: state_word(view.state) == "closed")
    assert view.disposition == "intervention"

    # The sender learns what became of its alert, and nothing else.
    for state in ("taken", "engaged", "closed"):
        told = sender.expect(m.sender.AlertState, where=lambda told: state_word(told.state) == state)
        assert (told.receipt, told.incident) == (receipt.receipt, incident)
    heard = b"".join(message.SerializeToString() for message in sender.seen)
    assert b"patrouille" not in heard and b"Morel" not in heard and b"intervention" not in heard

    for what in ("take", "note", "engage", "close"):
        row = trail(service, incident, what)
        assert (row["who"], row["via"], row["department"]) == ("Adjudant Morel", "cic-77", "77")
        assert row["chain"] == row["node"] == 1 and row["number"]
    note = trail(service, incident, "note")
    assert note["note_sha256"].tobytes() == hashlib.sha256("patrouille à deux minutes".encode()).digest()
    assert service.rows("SELECT * FROM trail_check()") == []
    kept = service.row("SELECT * FROM incidents WHERE incident = %s AND state = 'closed'", incident)
    assert (kept["disposition"], kept["taken_by"]) == ("intervention", "Adjudant Morel")


def test_sign_in_and_out_leave_a_trail(service):
    console = service.console(operator="Gardien Trace")
    service.row("SELECT * FROM trail WHERE who = 'Gardien Trace' AND what = 'sign-in'")
    console.close()
    service.row("SELECT * FROM trail WHERE who = 'Gardien Trace' AND what = 'sign-out'")


def test_look_leaves_a_trail_and_changes_nothing(service):
    console = service.console(operator="Curieux")
    _, receipt = raised(service, console)
    before = console.incidents[receipt.incident]
    answer = console.act("look", receipt.incident)
    assert answer.done and answer.revision == before.revision
    assert trail(service, receipt.incident, "look")["who"] == "Curieux"


def test_second_take_is_refused_whatever_its_view(service):
    one, other = service.console(operator="Un"), service.console(operator="Deux")
    _, receipt = raised(service, one, other)
    one.do("take", receipt.incident)
    answer = other.act("take", receipt.incident)
    assert (answer.done, answer.reason) == (False, "wrong-state")
    assert other.incident(receipt.incident, where=lambda view: view.taken_by).taken_by == "Un"


@pytest.mark.parametrize("verb", ["engage", "transfer", "split", "close", "release"])
def test_act_on_an_old_view_is_refused(service, verb):
    console = service.console()
    sender, receipt = raised(service, console)
    console.do("take", receipt.incident)
    sender.alert("duress")
    answer = console.act(verb, receipt.incident, revision=1, disposition="x", centre="corg-77",
                         alert=receipt.receipt)
    assert (answer.done, answer.reason) == (False, "old-revision")


@pytest.mark.parametrize("verb, fields, reason", [
    ("engage", {}, "wrong-state"), ("close", {"disposition": "x"}, "wrong-state"),
    ("close", {}, "no-disposition"), ("release", {}, "wrong-state"), ("note", {}, "no-note"),
    ("accept", {}, "no-offer"), ("refuse", {}, "no-offer"),
    ("transfer", {"centre": "cic-99"}, "unknown-centre"), ("split", {}, "unknown-alert"),
    (99, {}, "unknown-verb"), ("note", {"note": "x" * 600}, "too-long"),
])
def test_refusals_of_an_open_incident(service, verb, fields, reason):
    console = service.console()
    _, receipt = raised(service, console)
    answer = console.act(verb, receipt.incident, **fields)
    assert (answer.done, answer.reason) == (False, reason)
    assert state_word(console.incidents[receipt.incident].state) == "open"


def test_act_on_what_is_not_there_is_refused(service):
    console = service.console()
    for incident in ("01a2003b-0000-7000-8000-000000000000", "nonsense", ""):
        answer = console.act("take", incident)
        assert (answer.done, answer.reason) == (False, "unknown-incident")


def test_a_centre_without_a_part_cannot_act(service):
    ours, theirs = service.console(), service.console("corg-77")
    _, receipt = raised(service, ours)
    for verb in ("take", "note", "look"):
        answer = theirs.act(verb, receipt.incident, note="x", revision=1)
        assert (answer.done, answer.reason) == (False, "not-yours"), verb


def test_release_gives_it_back(service):
    console = service.console()
    _, receipt = raised(service, console)
    console.do("take", receipt.incident)
    view = console.do("release", receipt.incident)
    assert (state_word(view.state), view.taken_by) == ("open", "")


def test_transfer_is_an_offer_until_it_is_accepted(service):
    ours, theirs = service.console(operator="Offrant"), service.console("corg-77", operator="Prenant")
    _, receipt = raised(service, ours)
    ours.do("take", receipt.incident)
    ours.do("transfer", receipt.incident, centre="corg-77")
    view = theirs.incident(receipt.incident, where=lambda view: role(view, "corg-77") == "offered")
    assert (owner(view), state_word(view.state), view.offered_by) == ("cic-77", "taken", "Offrant")
    theirs.do("accept", receipt.incident)
    view = ours.incident(receipt.incident, where=lambda view: owner(view) == "corg-77")
    assert (role(view, "cic-77"), view.taken_by, view.taken_at_centre) == ("informed", "Prenant", "corg-77")
    answer = ours.act("engage", receipt.incident)
    assert (answer.done, answer.reason) == (False, "not-yours")
    theirs.do("engage", receipt.incident)
    assert trail(service, receipt.incident, "accept")["who"] == "Prenant"


def test_refused_transfer_leaves_it_where_it_was(service):
    ours, theirs = service.console(), service.console("corg-77")
    _, receipt = raised(service, ours)
    ours.do("take", receipt.incident)
    ours.do("transfer", receipt.incident, centre="corg-77")
    theirs.incident(receipt.incident)
    theirs.do("refuse", receipt.incident)
    view = ours.incident(receipt.incident, where=lambda view: role(view, "corg-77") == "informed")
    assert (owner(view), state_word(view.state), view.offered_by) == ("cic-77", "taken", "")


def test_split_gives_an_alert_an_incident_of_its_own(service):
    console = service.console(operator="Scindeur")
    sender, receipt = raised(service, console)
    second = sender.alert("silent")
    view = console.incident(receipt.incident, where=lambda view: view.alerts_total == 2)
    answer = console.act("split", receipt.incident, alert=second.receipt, revision=view.revision)
    assert answer.done and answer.incident != receipt.incident
    own = console.incident(answer.incident)
    assert [alert.alert for alert in own.alerts] == [second.receipt]
    assert (state_word(own.state), own.priority, list(own.related)) == ("open", 1, [receipt.incident])
    assert [p.id for p in own.practitioners] == [p.id for p in view.practitioners]
    first = console.incident(receipt.incident, where=lambda view: answer.incident in view.related)
    assert first.priority == 1
    assert trail(service, receipt.incident, "split")["who"] == "Scindeur"


def test_panic_on_a_taken_incident_sounds_again(own_service):
    service = own_service()
    service.daemon.start()
    console = service.console()
    sender, receipt = raised(service, console)
    console.do("take", receipt.incident)
    again = sender.alert("panic")
    assert again.incident == receipt.incident
    view = console.incident(receipt.incident, where=lambda view: view.renewed_at)
    assert state_word(view.state) == "taken" and view.alerts_total == 2


def test_cancel_is_shown_and_counted_and_stops_nothing(service):
    console = service.console()
    sender, receipt = raised(service, console)
    assert sender.alert("cancel").incident == receipt.incident
    view = console.incident(receipt.incident, where=lambda view: view.cancels == 1)
    assert (view.priority, state_word(view.state)) == (1, "open")


def test_closed_is_never_opened_again(service):
    console = service.console()
    sender, receipt = raised(service, console)
    console.do("take", receipt.incident)
    console.do("close", receipt.incident, disposition="levée de doute")
    for verb in ("take", "note"):
        assert not console.act(verb, receipt.incident, note="x").done
    assert sender.alert("panic").incident != receipt.incident
