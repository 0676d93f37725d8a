"""Who we are to a device: digest as RFC 7616 works it out, counted, and given up when it is refused."""

import re

from control.outputs.login import Basic, Challenge, Digest, authorization, challenge

ASKED = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
# RFC 7616, 3.9.1: the same question in both algorithms.
MINE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RESPONSES = {
    "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}


def test_the_digest_is_that_of_the_standard_s_example() -> None:
    for algorithm, response in RESPONSES.items():
        asked = challenge(ASKED.format(algorithm=algorithm))
        assert asked is not None
        told = authorization(asked, "Mufasa", "Circle of Life", "GET", "/dir/index.html", 1, MINE)
        assert f'response="{response}"' in told
        assert "nc=00000001, " in told
        assert 'opaque="FQhe' in told


def test_a_challenge_that_we_cannot_answer_is_none() -> None:
    for header in ("", "Basic realm=x", 'Digest realm="x", nonce="1"', 'Digest realm="x", nonce="1", qop="auth", algorithm=SHA-512-256'):
        assert challenge(header) is None
    assert challenge('Digest qop="auth", realm="a \\"b\\"", nonce="1", algorithm=SHA-256') == Challenge('a "b"', "1", "SHA-256")


def test_each_question_is_counted_and_a_new_nonce_begins_at_one() -> None:
    login = Digest("admin", "secret")
    assert login.header("GET", "/") == {}
    assert login.challenged('Digest qop="auth", realm="x", nonce="1", algorithm=SHA-256')
    counts = [re.findall("nc=([0-9a-f]+)", login.header("GET", "/rpc")["Authorization"]) for _ in range(2)]
    assert counts == [["00000001"], ["00000002"]]
    assert login.challenged('Digest qop="auth", realm="x", nonce="2", algorithm=SHA-256')
    assert "nc=00000001" in login.header("GET", "/rpc")["Authorization"]


def test_a_password_that_was_refused_is_not_said_again_and_an_empty_one_never() -> None:
    login = Digest("admin", "wrong")
    header = 'Digest qop="auth", realm="x", nonce="1", algorithm=SHA-256'
    assert login.challenged(header)
    assert not login.challenged(header)
    assert not Digest("admin", "").challenged(header)


def test_a_name_with_a_quote_cannot_break_out_of_its_header() -> None:
    login = Digest('ann", uri="/evil', "x")
    login.challenged('Digest qop="auth", realm="x", nonce="1", algorithm=SHA-256')
    assert 'username="ann\\", uri=\\"/evil"' in login.header("GET", "/")["Authorization"]
    assert Basic("ann", "x").header("GET", "/") == {"Authorization": "Basic YW5uOng="}
