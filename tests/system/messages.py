"""The messages of proto/, compiled by protoc for Python: another implementation than the daemon's."""

import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MADE = SOURCE / "build" / "system" / "messages"

MADE.mkdir(parents=True, exist_ok=True)
subprocess.run(["protoc", f"--proto_path={SOURCE}", f"--python_out={MADE}", "proto/incident.proto",
                "proto/sender.proto", "proto/console.proto"], cwd=SOURCE, check=True, timeout=60)
sys.path.insert(0, str(MADE))

from proto import console_pb2 as console  # noqa: E402
from proto import incident_pb2 as incident  # noqa: E402
from proto import sender_pb2 as sender  # noqa: E402

__all__ = ["console", "incident", "sender", "kind", "kind_word", "state_word", "verb", "phase"]


def kind(word):
    return incident.Kind.Value("KIND_" + word.upper())


def kind_word(number):
    return incident.Kind.Name(number).removeprefix("KIND_").lower()


def state_word(number):
    return incident.State.Name(number).removeprefix("STATE_").lower()


def verb(word):
    return console.Verb.Value("VERB_" + word.upper())


def phase(word):
    return sender.Phase.Value("PHASE_" + word.upper())
