"""EMAIL_URL: read once, typed, and never shown with its password."""

import pytest

from energysite import mail_server
from energysite.env import EnvError
from energysite.mail_server import MailServer


@pytest.mark.parametrize(
    ("url", "server", "sender"),
    [
        ("", MailServer(), "energysite@localhost"),
        ("smtps://me%40x.org:p%2Fw@mail.x.org", MailServer("mail.x.org", 465, "me@x.org", "p/w", tls=True), "me@x.org"),
        ("smtp://me:pw@mail.x.org:2525", MailServer("mail.x.org", 2525, "me", "pw", starttls=True), "energysite@mail.x.org"),
        ("smtp+plain://localhost", MailServer("localhost", 25), "energysite@localhost"),
    ],
)
def test_the_url_says_server_encryption_and_account(url: str, server: MailServer, sender: str) -> None:
    assert mail_server.of(url) == server
    assert mail_server.of(url).sender == sender


@pytest.mark.parametrize("url", ["smtps://", "smtp://me:secret-7@host:port", "smtp://me:secret-7@host/path", "smtp://me:secret-7@host?x=1"])
def test_one_that_cannot_be_used_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(EnvError, match="EMAIL_URL is written as") as refused:
        mail_server.of(url)
    assert "secret-7" not in str(refused.value)
    assert "secret-7" not in repr(MailServer("h", password="secret-7"))
