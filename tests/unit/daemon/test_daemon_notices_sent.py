"""Ways of sending: what the other side gets, and what is said where it does not take it."""

from __future__ import annotations

import base64
import contextlib
import email
import hashlib
import hmac
import json
import os
import socket
import ssl
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default

import pytest

from retention.daemon.notices import program, sending
from retention.daemon.notices.channels import sender_of
from retention.errors import UnreachableError
from retention.model.dataset import Secret
from retention.model.notice import Mail, Message, Program, Step, Webhook
from tests.support.authority import Authority
from tests.support.receivers import MailServer, Receiver, mail_server, web_server

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOSTILE = "evil\r\nBcc: everybody@example.com \x1b[2J ‮ ünïcode"
MESSAGE = Message(
    id="0123456789abcdef" * 2, origin="shop.example/retention", kind="overdue", step=Step.LASTS, number=2,
    since=datetime(2026, 11, 24, tzinfo=UTC), text=HOSTILE, about={"rule": "orders"},
)  # fmt: skip
ENVIRON = {"SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(), "PLAIN": "plain words"}


def webhook(address, secret="SECRET"):
    return Webhook(name="ops", folder="/", url=Secret(literal=address), secret=Secret(env=secret))


def mail(port, **changes):
    return Mail(
        name="dpo", folder="/", to=("dpo@example.com", "ops@example.com"), sender="retention@example.com",
        host="127.0.0.1", port=port, **{"tls": "off", **changes},
    )  # fmt: skip


def send(channel):
    sender_of(channel, ENVIRON, lambda: NOW).send(MESSAGE)


def refused(channel):
    with pytest.raises(UnreachableError) as caught:
        send(channel)
    return caught.value.message


@pytest.fixture
def receiver():
    with web_server(Receiver()) as found:
        yield found


@pytest.mark.parametrize(("secret", "key"), [("SECRET", b"k" * 32), ("PLAIN", b"plain words")])
def test_a_receiver_can_verify_who_sent_it_and_that_it_is_the_same_again(receiver, secret, key):
    send(webhook(receiver.address, secret))
    send(webhook(receiver.address, secret))
    (headers, body), again = receiver.heard
    assert again == (headers, body)
    assert headers["Idempotency-Key"] == headers["Webhook-Id"] == MESSAGE.id
    assert headers["Webhook-Timestamp"] == str(int(NOW.timestamp()))
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"] == f"v1,{mac}"
    told = json.loads(body)
    assert body.isascii()
    assert told["text"].startswith("Still so, since 2026-11-24 00:00 UTC: evil")
    assert (told["format"], told["state"], told["about"]) == (
        "retention.notice/1",
        "lasts",
        {"rule": "orders"},
    )


@pytest.mark.parametrize("status", [301, 302, 307, 400, 410, 500, 503])
def test_anything_but_2xx_is_not_taken_and_no_redirection_is_followed(receiver, status):
    receiver.status = status
    assert refused(webhook(receiver.address)) == f"127.0.0.1 answers {status}"
    assert len(receiver.heard) == 1


def test_nobody_there_no_name_and_no_secret_are_said_in_words():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/TOKEN?key=hunter2"
        said = refused(webhook(address))
    assert said == "127.0.0.1 can't be reached: Connection refused"
    assert "MISSING is not set" in refused(webhook(address, "MISSING"))
    reference = Webhook(name="ops", folder="/", url=Secret(env="PLAIN"), secret=Secret(env="SECRET"))
    assert "is no address of the web" in refused(reference)


def test_tls_is_verified(tmp_path):
    """A server with a certificate of an authority that this machine does not know; it need not speak HTTP."""
    pem, key = Authority(tmp_path, "house").issue("web", "server", ["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                context.wrap_socket(client, server_side=True)

        threading.Thread(target=answer, daemon=True).start()
        said = refused(webhook(f"https://127.0.0.1:{listening.getsockname()[1]}/"))
    assert "certificate" in said


def test_a_receiver_whose_authority_is_named_gets_it_over_https(tmp_path):
    house, others = Authority(tmp_path, "house"), Authority(tmp_path, "others")
    with web_server(Receiver(), house.serving()) as receiver:
        send(replace(webhook(receiver.address), ca=str(house.path)))
        assert "certificate" in refused(replace(webhook(receiver.address), ca=str(others.path)))
        assert "certificate" in refused(webhook(receiver.address.replace("127.0.0.1", "localhost")))
    assert [headers["Webhook-Id"] for headers, _ in receiver.heard] == [MESSAGE.id]


def test_a_mail_server_gets_it_behind_starttls_and_a_login(tmp_path):
    house, others = Authority(tmp_path, "house"), Authority(tmp_path, "others")
    account = {"tls": "starttls", "user": "retention", "password": Secret(env="PLAIN")}
    with mail_server(MailServer(tls=house.serving(), login=("retention", ENVIRON["PLAIN"]))) as server:
        send(mail(server.port, **account, ca=str(house.path)))
        assert len(server.letters) == 1
        first = server.spoken.index(b"STARTTLS")
        assert all(not line.upper().startswith((b"AUTH", b"MAIL", b"RCPT")) for line in server.spoken[:first])
        spoken = len(server.spoken)
        assert "certificate" in refused(mail(server.port, **account, ca=str(others.path)))
        assert not any(line.startswith(b"AUTH") for line in server.spoken[spoken:])
        wrong = {**account, "password": Secret(env="SECRET")}
        assert refused(mail(server.port, **wrong, ca=str(house.path))) == "127.0.0.1 answers 535"
        anonymous = mail(server.port, tls="starttls", ca=str(house.path))
        assert refused(anonymous) == "127.0.0.1 answers 530"
    assert len(server.letters) == 1
    assert ENVIRON["PLAIN"].encode() not in b"".join(server.spoken)


@pytest.mark.parametrize("dribbles", [False, True])
def test_a_server_that_hangs_or_dribbles_is_given_up(dribbles, monkeypatch):
    monkeypatch.setattr(sending, "WHOLE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = threading.Event()

        def answer():
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                while not done.wait(0.02):
                    if dribbles:
                        client.sendall(b"H")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        begun = time.monotonic()
        assert "no whole answer" in refused(webhook(f"http://127.0.0.1:{listening.getsockname()[1]}/"))
        assert time.monotonic() - begun < 5
        done.set()
        thread.join(5)


def test_what_had_no_connection_yet_when_its_time_was_over_is_cut_as_soon_as_it_has_one(monkeypatch):
    """It was cut once, before it was connected; a server that then dribbled kept it for twenty-five minutes."""
    monkeypatch.setattr(sending, "WHOLE", 0.01)
    tried, cut = [], threading.Event()

    def close():
        tried.append(len(tried))
        if len(tried) > 1:
            cut.set()

    def dribbling():
        with sending.limited(close):
            assert cut.wait(30)
            raise ConnectionError

    with pytest.raises(UnreachableError, match="no whole answer"):
        dribbling()


def test_a_letter_says_it_and_no_text_begins_a_header():
    with mail_server(MailServer()) as server:
        send(mail(server.port))
    [letter] = server.letters
    found = email.message_from_bytes(letter, policy=default)
    assert found["To"] == "dpo@example.com, ops@example.com"
    assert found["Subject"].startswith("[retention] overdue: Still so")
    assert found["Message-ID"] == f"<{MESSAGE.id}@example.com>"
    assert found["Bcc"] is None
    assert b"\x1b" not in letter
    assert [line for line in server.spoken if line.startswith(b"rcpt")] == [
        b"rcpt TO:<dpo@example.com>", b"rcpt TO:<ops@example.com>"
    ]  # fmt: skip
    assert '"state": "lasts"' in found.get_content().replace("\n", "")


def test_a_mail_server_without_tls_or_room_gets_nothing():
    with mail_server(MailServer(refuses=b"452 no room for secrets")) as server:
        assert refused(mail(server.port)) == "127.0.0.1 answers 452"
        assert "can't be reached" in refused(mail(server.port, tls="starttls"))
    assert not server.letters


def test_a_program_gets_it_on_its_standard_input(tmp_path):
    code = "import sys; open('out', 'w').write(sys.stdin.read()); print('noise')"
    send(Program(name="page", folder=str(tmp_path), words=(sys.executable, "-c", code)))
    assert json.loads((tmp_path / "out").read_text())["id"] == MESSAGE.id
    failing = Program(name="page", folder=str(tmp_path), words=(sys.executable, "-c", "raise SystemExit(7)"))
    assert refused(failing).endswith("ended with 7")
    assert "can't be run: No such file" in refused(Program(name="p", folder="/", words=("/nowhere/page",)))


def test_a_program_that_hangs_is_killed_with_what_it_began(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "WHOLE", 0.5)
    words = ("/bin/sh", "-c", "echo $$ > pid; sleep 600 & wait")
    assert "did not end" in refused(Program(name="page", folder=str(tmp_path), words=words))
    number = int((tmp_path / "pid").read_text())
    ends = time.monotonic() + 10
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(number, 0)
            assert time.monotonic() < ends
            continue
        break
