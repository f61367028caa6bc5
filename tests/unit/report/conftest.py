import pytest


@pytest.fixture(autouse=True)
def no_terminal_settings_of_the_tester(monkeypatch):
    """What is shown depends on the stream, not on who runs the tests."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
