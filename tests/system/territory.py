"""The sample territory, and an oracle for it that shares nothing with the daemon: the communes' own
table and, beside a checkout, the real contours with a point-in-polygon test of a few lines.
"""

import collections
import csv
import json
import math
import pathlib
import struct

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TABLE = SOURCE / "sql" / "sample" / "communes77.csv"
CONTOURS = SOURCE.parent / "shared" / "territory" / "communes77-2026.geojson"
NO_CONTOURS = f"no real contours: {CONTOURS} is absent"
FORCES = {"PN": "cic-77", "GN": "corg-77"}

Commune = collections.namedtuple("Commune", "code name postal_codes population centre tribunal lat lon")


def communes():
    """The communes of Seine-et-Marne by code."""
    with open(TABLE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return {row["code_commune"]: Commune(
        row["code_commune"], row["libelle_commune"], row["code_postal"].split("-"),
        int(row["population"]), FORCES[row["institution"]], row["tribunal_judiciaire"],
        float(row["lat"]), float(row["lon"])) for row in rows}


def mixed_postal_codes():
    """The postal codes that hold communes of both forces, each with its communes."""
    by_code = collections.defaultdict(list)
    for commune in communes().values():
        for code in commune.postal_codes:
            by_code[code].append(commune)
    return {code: held for code, held in by_code.items() if len({c.centre for c in held}) > 1}


def contours():
    """Code -> list of polygons, each a list of rings of (lon, lat); None where the file is absent."""
    if not CONTOURS.exists():
        return None
    found = {}
    for feature in json.loads(CONTOURS.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        found[feature["properties"]["code"]] = polygons
    return found


def wkb(polygons):
    """OGC 06-103r4, 8.2: a multipolygon, little endian."""
    out = struct.pack("<BII", 1, 6, len(polygons))
    for rings in polygons:
        out += struct.pack("<BII", 1, 3, len(rings))
        for ring in rings:
            out += struct.pack("<I", len(ring))
            for lon, lat in ring:
                out += struct.pack("<dd", lon, lat)
    return out


def is_inside(polygons, lon, lat):
    """Even-odd over all rings: a hole's ring takes out what it holds."""
    inside = False
    for rings in polygons:
        for ring in rings:
            for (x1, y1), (x2, y2) in zip(ring, ring[1:]):
                if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
                    inside = not inside
    return inside


def commune_at(shapes, lon, lat):
    """The code of the commune that holds the point, or None."""
    return next((code for code, polygons in shapes.items() if is_inside(polygons, lon, lat)), None)


def force_borders(shapes):
    """Edges that a police commune and a gendarmerie commune share: ((lon, lat), (lon, lat), a, b)."""
    of_edge = collections.defaultdict(set)
    for code, polygons in shapes.items():
        for rings in polygons:
            for ring in rings:
                for one, other in zip(ring, ring[1:]):
                    of_edge[tuple(sorted((tuple(one), tuple(other))))].add(code)
    table = communes()
    return [(*edge, *sorted(codes)) for edge, codes in sorted(of_edge.items())
            if len(codes) == 2 and len({table[code].centre for code in codes}) == 2]


METRES_A_DEGREE = 111195  # of a great circle, sphere of 6371 km


def to_plane(lon, lat, at_lat):
    """Metres in a plane that is true around that latitude."""
    return lon * METRES_A_DEGREE * math.cos(math.radians(at_lat)), lat * METRES_A_DEGREE


def from_plane(x, y, at_lat):
    return x / METRES_A_DEGREE / math.cos(math.radians(at_lat)), y / METRES_A_DEGREE


def to_edge_m(lon, lat, one, other):
    """How far a point is from an edge."""
    x, y = to_plane(lon, lat, lat)
    (ax, ay), (bx, by) = to_plane(*one, lat), to_plane(*other, lat)
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = max(0, min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length else 0
    return math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))


def beside(one, other, metres):
    """The point that far to the left of an edge's middle; a negative distance: to the right."""
    lon, lat = (one[0] + other[0]) / 2, (one[1] + other[1]) / 2
    (ax, ay), (bx, by) = to_plane(*one, lat), to_plane(*other, lat)
    x, y = to_plane(lon, lat, lat)
    length = math.hypot(bx - ax, by - ay)
    return from_plane(x - (by - ay) / length * metres, y + (bx - ax) / length * metres, lat)
