"""Makes pytest say one line a test, as tests/run counts them: ok, not ok, skip."""

import os

import pytest

SUITE = os.environ.get("TOCSIN_SUITE", "pytest")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """pytest's own reporter says nothing any more; it stays for the options that it brings."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        config.pluginmanager.unregister(reporter)


def name_of(report):
    path, _, test = report.nodeid.partition("::")
    path = os.path.basename(path).removesuffix(".py").removeprefix("test_")
    return f"{SUITE}/{path}/{test}" if test else f"{SUITE}/{path}"


def say(line):
    print(line, flush=True)


def say_details(report):
    for line in report.longreprtext.splitlines():
        say(f"    {line}")
    for title, text in report.sections:
        say(f"    -- {title}")
        for line in text.splitlines():
            say(f"    {line}")


def pytest_runtest_logreport(report):
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        why = str(why).removeprefix("Skipped: ").partition("\n")[0]
        say(f"skip {name_of(report)}: {why}")
    elif report.failed:
        when = "" if report.when == "call" else f", in its {report.when}"
        say(f"not ok {name_of(report)}{when}")
        say_details(report)
    elif report.when == "call":
        say(f"ok {name_of(report)}")


def pytest_collectreport(report):
    if report.failed:
        say(f"not ok {name_of(report)}, not even collected")
        say_details(report)


def pytest_internalerror(excrepr):
    say(f"not ok {SUITE}: pytest itself failed")
    for line in str(excrepr).splitlines():
        say(f"    {line}")
