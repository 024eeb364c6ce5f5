"""Every kind of alert, from its sender to the console of the centre that must see it."""

import pytest
from clients import owner, reason_codes, role
from department import MELUN, NANGIS
from messages import incident, kind_word, state_word

# Kind, who says it, what it counts as (domain: priority 1 is an attack under way or presumed, 4 is
# for operations alone), and where it belongs when it comes from a bracelet of Melun.
KINDS = [
    ("panic", 1, "cic-77"),
    ("duress", 1, "cic-77"),
    ("silent", 1, "cic-77"),
    ("relay", 1, "cic-77"),
    ("unknown", 1, "cic-77"),  # from what carries a panic button: presumed one
    ("medical", 2, "cic-77"),
    ("intrusion", 2, "cic-77"),
    ("tamper", 2, "cic-77"),  # of a panic source
    ("link", 2, "cic-77"),
    ("cancel", 3, "cic-77"),  # nothing is open that it could stand on: shown all the same
    ("battery", 4, "ops-77"),
    ("test", 4, "ops-77"),
]


@pytest.mark.parametrize("kind, priority, centre", KINDS)
def test_reaches_its_centre(service, kind, priority, centre):
    person = service.person(MELUN)
    console = service.console(centre)
    sender = service.sender(person.device)
    receipt = sender.alert(kind, note="deux hommes à l'accueil")
    view = console.incident(receipt.incident)
    assert (kind_word(view.kind), view.priority, state_word(view.state)) == (kind, priority, "open")
    assert (receipt.priority, receipt.repeat, view.recorded) == (priority, False, True)
    assert owner(view) == centre
    assert view.department == "77" and view.revision == 1 and view.alerts_total == 1
    assert view.alerts[0].alert == receipt.receipt
    assert view.alerts[0].source == service.department.sources[person.device]
    assert view.note == "deux hommes à l'accueil"
    registered, = view.practitioners
    assert (registered.id, registered.name, registered.number) == (person.id, person.name, person.number)
    assert registered.specialty == "médecine générale"
    assert (view.place.origin, view.place.precision) == ("registered-site", "address")
    assert (view.place.commune, view.place.commune_name) == (MELUN, "Melun")
    assert view.place.label == f"{person.site_label}, {person.address}"
    assert (view.adviser.name, view.adviser.number) == ("Major Lefort", "+33199009901")
    assert not view.exercise and view.contact == "none" and view.level == 0
    assert view.position == f"1:{view.position.split(':')[1]}:{view.position.split(':')[2]}"


def test_all_kinds_are_here():
    said = {kind for kind, _, _ in KINDS}
    elsewhere = {"call", "position"}  # test_calls.py, test_places.py
    assert {kind_word(number) for number in incident.Kind.values()} == said | elsewhere


def test_kind_of_a_later_version_is_shown_as_unknown(service):
    person = service.person()
    console = service.console(person.commune.centre)
    sender = service.sender(person.device)
    receipt = sender.alert(77)
    view = console.incident(receipt.incident)
    assert (kind_word(view.kind), view.priority) == ("unknown", 1)
    assert "doubt-kind" in reason_codes(view)


def test_exercise_is_shown_as_one_and_apart_from_the_real_thing(service):
    person = service.person()
    console = service.console(person.commune.centre)
    sender = service.sender(person.device)
    drill = sender.alert("panic", exercise=True)
    real = sender.alert("panic")
    assert drill.incident != real.incident
    assert console.incident(drill.incident).exercise
    assert not console.incident(real.incident).exercise


def test_other_centres_see_nothing_of_it(service):
    beside, competent = service.console("cic-77"), service.console("corg-77")
    platform = service.sender("platform")
    theirs = platform.alert("panic", commune=NANGIS)
    assert role(competent.incident(theirs.incident), "cic-77") is None
    ours = platform.alert("panic", commune=MELUN)
    beside.incident(ours.incident)  # it came after the first one, so that one is not on its way
    assert theirs.incident not in beside.incidents
