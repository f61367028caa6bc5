"""`[notify.NAME]`: who is told what by which way, and every way of writing it wrongly."""

from __future__ import annotations

import pytest

from retention.model.dataset import Secret
from retention.model.notice import Kind, Mail, Program, Webhook

HOOK = 'webhook = "https://example.com/hook"\nsecret = "env:S"\n'
MAIL = 'email = "ops@example.com"\nfrom = "retention@example.com"\n'


def channel(loaded, text):
    [found] = loaded(other={"retention.toml": f"[notify.ops]\n{text}"}).settings.notify
    return found


def test_a_channel_is_a_webhook_a_mail_server_or_a_program(loaded, tmp_path):
    web = channel(loaded, f'{HOOK}about = ["overdue", "failing"]\nfailures = 5\ntls_ca = "ca.pem"')
    assert web == Webhook(
        name="ops", folder=str(tmp_path), about=frozenset({Kind.OVERDUE, Kind.FAILING}), failures=5,
        url=Secret(literal="https://example.com/hook"), secret=Secret(env="S"), ca=str(tmp_path / "ca.pem"),
    )  # fmt: skip
    assert channel(loaded, 'command = ["page", "$HOME; x"]') == Program(
        name="ops", folder=str(tmp_path), words=("page", "$HOME; x")
    )


@pytest.mark.parametrize(
    ("server", "host", "port", "tls"),
    [
        ("mail.example.com", "mail.example.com", 587, "starttls"),
        ("mail.example.com:465", "mail.example.com", 465, "tls"),
        ("localhost:25", "localhost", 25, "off"),
        ("[::1]:25", "::1", 25, "off"),
        ('mail.example.com"\ntls = "off', "mail.example.com", 587, "off"),
        ('localhost:25"\ntls_ca = "ca.pem', "localhost", 25, "starttls"),
    ],
)
def test_mail_goes_by_verified_tls_unless_its_server_is_here(loaded, server, host, port, tls):
    found = channel(loaded, f'{MAIL}smtp = "{server}"')
    assert isinstance(found, Mail)
    assert (found.host, found.port, found.tls, found.to) == (host, port, tls, ("ops@example.com",))


@pytest.mark.parametrize(
    ("text", "key", "found", "write"),
    [
        ("[notify]\nx = 1", "notify.x", "is 1", "write a channel: [notify.x]"),
        ('[notify]\nwebhook = "https://a/b"', "notify.webhook", "stands in no channel", "[notify.NAME]"),
        ('webhook = "https://a/b"', "webhook", "no key of this table", "[notify.NAME]"),
        ('notify = "ops@example.com"', "notify", "is", "write tables"),
        ('["notify"."a b"]\ncommand = ["x"]', 'notify."a b"', "no name of a channel", "letters"),
        ("[notify.a]\nabout = ['overdue']", "notify.a", "by no way", "write one of webhook"),
        (f"[notify.a]\n{HOOK}command = ['x']", "notify.a", "has `webhook` and `command`", "write one of"),
        (f"[notify.a]\n{HOOK}smtp = 'a'", "notify.a.smtp", "means nothing beside `webhook`", "take it out"),
        (f"[notify.a]\n{HOOK}abuot = 'overdue'", "notify.a.abuot", "not a known key", "did you mean `about`?"),
        (f"[notify.a]\n{HOOK}to = 'x'", "notify.a.to", "no key", "write it in `email`"),
        (f"[notify.a]\n{HOOK}about = []", "notify.a.about", "empty list", "take it out"),
        (f"[notify.a]\n{HOOK}about = ['overdeu']", "notify.a.about", "nothing to be told", '"overdue"'),
        (f"[notify.a]\n{HOOK}failures = 0", "notify.a.failures", "is 0", "from 1 to"),
        (f"[notify.a]\n{HOOK}failures = true", "notify.a.failures", "is true", "from 1 to"),
        (f"[notify.a]\n{HOOK}about = 'overdue'\nfailures = 2", "notify.a.failures", "no failing", "take it out"),
        ("[notify.a]\nwebhook = 'env:W'", "notify.a.secret", "is missing", "env:NAME"),
        ("[notify.a]\nwebhook = 'env:W'\nsecret = 'hunter2'", "notify.a.secret", "written out", "env:NAME"),
        ("[notify.a]\nwebhook = 'ftp://a'\nsecret = 'env:S'", "notify.a.webhook", "no address", "https://"),
        (
            "[notify.a]\nwebhook = 'https://me:hunter2@a/'\nsecret = 'env:S'",
            "notify.a.webhook", "a user or a password", "signed",
        ),
        ("[notify.a]\nwebhook = 'http://a/'\nsecret = 'env:S'", "notify.a.webhook", "http://", 'tls = "off"'),
        (f"[notify.a]\n{MAIL}", "notify.a.smtp", "is missing", "smtp ="),
        ("[notify.a]\nemail = 'o@e.no'\nsmtp = 'e.no'", "notify.a.from", "is missing", "from ="),
        (f"[notify.a]\n{MAIL}smtp = 'e.no:x'", "notify.a.smtp", "no mail server", "a host"),
        (f"[notify.a]\n{MAIL}smtp = 'e.no'\nuser = 'u'", "notify.a.user", "no password beside", "password ="),
        (f"[notify.a]\n{MAIL}smtp = 'e.no'\npassword = 'env:P'", "notify.a.password", "no user", "user ="),
        (
            f"[notify.a]\n{MAIL}smtp = 'e.no'\nuser = 'u'\npassword = 'env:P'\ntls = 'off'",
            "notify.a.password", "in the clear", "take one",
        ),
        (f"[notify.a]\n{HOOK}tls = 'off'\ntls_ca = 'c'", "notify.a.tls_ca", "contradicts", "take one"),
        (
            '[notify.a]\nemail = ["o@e.no", "x@y\\r\\nBcc: z@e.no"]\nfrom = "r@e.no"\nsmtp = "e.no"',
            "notify.a.email[2]", "no e-mail address", "bare",
        ),
        (
            '[notify.a]\nemail = "O <o@e.no>"\nfrom = "r@e.no"\nsmtp = "e.no"',
            "notify.a.email", "no e-mail address", "bare",
        ),
        ("[notify.a]\ncommand = 'page --now'", "notify.a.command", "is", "write a list"),
        ("[notify.a]\ncommand = ['']", "notify.a.command", "empty word", "write a list"),
        ('[notify.a]\ncommand = ["a", "\\u0000"]', "notify.a.command", "no word", "write a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_write(problems, text, key, found, write):
    [problem] = problems(other={"retention.toml": text})
    assert (problem.file, problem.key) == ("retention.toml", key)
    assert found in problem.found
    assert write in problem.write
    assert "hunter2" not in str(problem)
