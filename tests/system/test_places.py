"""The right centre for a place. What is right comes from the communes' table and from the contours
themselves (territory.py), never from the daemon.
"""

import itertools
import random
import time

import pytest
import territory
from clients import owner, position, reason_codes, role
from department import EVRY, MELUN, NANGIS
from messages import state_word
from wait import wait_until

CONTOUR_TOLERANCE_M = 100  # said in the README: how far simplified contours may be off
BORDERS = 40
BOTH = ("cic-77", "corg-77")


@pytest.fixture(scope="module")
def shapes():
    found = territory.contours()
    if found is None:
        pytest.skip(territory.NO_CONTOURS)
    return found


def other_of(centre):
    return BOTH[1 - BOTH.index(centre)]


def shown(consoles, receipt, centre):
    return consoles[centre].incident(receipt.incident)


def test_on_both_sides_of_the_force_border(service, shapes):
    """Points 20 to 700 m off the border, said to be exact to 5 to 600 m: the owner is the force that
    holds the point, and the other one is informed when its side is in reach, and only then."""
    table, borders = territory.communes(), territory.force_borders(shapes)
    chosen = random.Random(77).sample(borders, BORDERS)
    points = []
    for (one, other, *_), metres, accuracy in itertools.product(chosen, (-700, -20, 20, 700), (5, 600)):
        lon, lat = territory.beside(one, other, metres)
        commune = territory.commune_at(shapes, lon, lat)
        if commune:  # a point may leave the department
            off = min(territory.to_edge_m(lon, lat, a, b) for a, b, *_ in borders
                      if abs(a[1] - lat) < 0.05 and abs(a[0] - lon) < 0.08)
            points.append((lat, lon, accuracy, table[commune], off))
    assert len(points) > BORDERS * 6
    assert {commune.centre for *_, commune, _ in points} == set(BOTH)

    consoles = {centre: service.console(centre) for centre in BOTH}
    receipts = service.sender("platform").many(
        [{"position": position(lat, lon, accuracy)} for lat, lon, accuracy, *_ in points])
    informed = 0
    for (lat, lon, accuracy, commune, off), receipt in zip(points, receipts):
        view = shown(consoles, receipt, commune.centre)
        where = f"{lat:.5f} {lon:.5f}, {off:.0f} m off the border, {accuracy} m, {commune}:\n{view}"
        assert (owner(view), view.place.commune) == (commune.centre, commune.code), where
        assert (view.place.origin, view.place.precision) == ("live", "exact"), where
        reach = accuracy + CONTOUR_TOLERANCE_M
        if abs(off - reach) > 0.02 * reach:  # two projections agree no better
            assert (role(view, other_of(commune.centre)) == "informed") == (off < reach), where
            informed += off < reach
    assert 0 < informed < len(points)


def test_postal_codes_of_both_forces(service):
    """The 20 postal codes that hold communes of both forces: the commune routes, never the code."""
    mixed = territory.mixed_postal_codes()
    assert len(mixed) == 20
    communes = list({commune.code: commune for held in mixed.values() for commune in held}.values())
    consoles = {centre: service.console(centre) for centre in BOTH}
    receipts = service.sender("platform").many([{"kind": "panic", "commune": c.code} for c in communes])
    for commune, receipt in zip(communes, receipts):
        view = shown(consoles, receipt, commune.centre)
        assert (owner(view), view.place.commune_name) == (commune.centre, commune.name)
        assert role(view, other_of(commune.centre)) is None
        assert (view.place.origin, view.place.precision) == ("stated", "commune")


def test_every_commune_by_its_point(service, shapes):
    communes = list(territory.communes().values())
    consoles = {centre: service.console(centre) for centre in BOTH}
    receipts = service.sender("platform").many([{"position": position(c.lat, c.lon)} for c in communes])
    for commune, receipt in zip(communes, receipts):
        view = shown(consoles, receipt, commune.centre)
        assert (owner(view), view.place.commune) == (commune.centre, commune.code)


def test_an_address_with_a_postal_code_alone_never_routes(service):
    mixed = sorted(territory.mixed_postal_codes())[0]
    console = service.console("cic-77")
    receipt = service.sender("sos").alert("relay", address=f"3 rue de la Gare, {mixed}")
    view = console.incident(receipt.incident)
    assert owner(view) == "cic-77"  # the stand-in
    assert "where-commune-unknown" in reason_codes(view)
    assert "route-stand-in-no-place" in reason_codes(view)
    assert view.priority == 1


def test_next_department_is_served_by_its_own_centres(service):
    ours, theirs = service.console("cic-77"), service.console("cic-91")
    relayed = service.sender("sos-91").alert("relay", commune=EVRY)
    view = theirs.incident(relayed.incident)
    assert (owner(view), view.department) == ("cic-91", "91")
    # A device of ours, over there.
    away = service.sender(service.person().device).alert(position=position(48.6238, 2.4294))
    view = theirs.incident(away.incident)
    assert (owner(view), view.department, view.place.commune) == ("cic-91", "91", EVRY)
    assert "route-approximate" in reason_codes(view)  # no contours are loaded there
    home = service.sender("platform").alert(commune=MELUN)
    ours.incident(home.incident)
    assert relayed.incident not in ours.incidents
    if territory.contours():  # without them Évry's cell borders on ours, and both sides are informed
        assert away.incident not in ours.incidents
    # What has no place goes to the stand-in of the source's own department.
    lost = service.sender("sos-91").alert("relay")
    assert owner(theirs.incident(lost.incident)) == "cic-91"


def test_outside_of_all_goes_to_the_stand_in_with_the_neighbour_named(service):
    console = service.console("cic-77")
    receipt = service.sender(service.person(NANGIS).device).alert(position=position(43.2965, 5.3698))
    view = console.incident(receipt.incident)
    assert (owner(view), view.priority, view.place.commune) == ("cic-77", 1, "")
    reason, = [reason for reason in view.reasons if reason.startswith("route-stand-in-outside:")]
    names = [commune.name for commune in territory.communes().values()]
    assert any(name in reason for name in names) and " km" in reason, reason


def test_without_any_place_goes_to_the_stand_in(service):
    console = service.console("cic-77")
    view = console.incident(service.sender("platform").alert("silent").incident)
    assert (owner(view), view.priority, view.place.origin) == ("cic-77", 1, "")
    assert {"where-none", "route-stand-in-no-place"} <= set(reason_codes(view))


def test_commune_of_nobody_goes_to_the_stand_in(service):
    console = service.console("cic-77")
    view = console.incident(service.sender("platform").alert(commune="75056").incident)
    assert owner(view) == "cic-77"
    assert "where-commune-unknown" in reason_codes(view)


def test_old_position_does_not_hide_the_registered_site(service):
    person = service.person(NANGIS)
    console = service.console("corg-77")
    receipt = service.sender(person.device).alert(position=position(48.54, 2.66, seconds_ago=1200))
    view = console.incident(receipt.incident)
    assert (view.place.origin, view.place.commune) == ("registered-site", NANGIS)
    assert "where-live-old" in reason_codes(view)


def test_missing_accuracy_counts_as_500_m(service):
    console = service.console("cic-77")
    receipt = service.sender("platform").alert(position=position(48.54, 2.66, accuracy_m=0))
    view = console.incident(receipt.incident)
    assert view.place.accuracy_m == 500 and "where-accuracy-assumed" in reason_codes(view)


def test_position_alone_raises_nothing(service):
    sender = service.sender(service.person().device)
    receipt = sender.alert("position", position=position(48.54, 2.66))
    assert receipt.receipt and not receipt.incident
    # The next alarm knows where it is.
    console = service.console("cic-77")
    view = console.incident(sender.alert("panic").incident)
    assert (view.place.origin, view.place.lat, view.place.lon) == ("live", 48.54, 2.66)


def test_position_never_moves_a_taken_incident(service):
    person = service.person(MELUN)
    ours, theirs = service.console("cic-77"), service.console("corg-77")
    sender = service.sender(person.device)
    raised = sender.alert("panic", position=position(48.54, 2.66))
    ours.incident(raised.incident)
    ours.do("take", raised.incident)
    nangis = territory.communes()[NANGIS]
    moved = sender.alert("position", position=position(nangis.lat, nangis.lon, seconds_ago=0))
    assert moved.incident == raised.incident
    view = theirs.incident(raised.incident, where=lambda view: view.place.commune == NANGIS)
    assert (owner(view), role(view, "corg-77"), state_word(view.state)) == ("cic-77", "informed", "taken")
    assert "route-moved-informed" in reason_codes(view)
    assert view.renewed_at == 0


def square(lat, lon, half):
    ring = [(lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half),
            (lon - half, lat + half), (lon - half, lat - half)]
    return territory.wkb([[ring]])


def test_overlay_zone_stands_above_the_commune(service):
    melun = territory.communes()[MELUN]
    here = position(melun.lat, melun.lon)
    platform, console = service.sender("platform"), service.console("corg-77")

    def owned_by(centre):
        receipt = platform.alert("panic", position=here)
        platform_view = watchers[centre]
        try:
            view = platform_view.incident(receipt.incident, seconds=0.3)
        except TimeoutError:
            return None
        return view if owner(view) == centre else None
    watchers = {"corg-77": console, "cic-77": service.console("cic-77")}
    assert owned_by("cic-77")
    began = time.monotonic()
    service.department.change("INSERT INTO zones (department, name, centre, wkb) VALUES ('77', 'Emprise', "
                              "'corg-77', %s)", square(melun.lat, melun.lon, 0.002))
    try:
        view = wait_until(lambda: owned_by("corg-77"), 5, "the zone counts")
        assert "route-zone" in reason_codes(view) and "Emprise" in "".join(view.reasons)
        assert time.monotonic() - began < 3  # the territory is built anew, with the sanitizers on
    finally:
        service.department.change("DELETE FROM zones WHERE name = 'Emprise'")
    wait_until(lambda: owned_by("cic-77"), 5, "the zone is gone")
