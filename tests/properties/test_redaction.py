"""Redaction against texts put together at random: what is secret goes, what is not stays, however the text comes.

`A3S_PROPERTY_TEXTS` sets how many random texts are tried; without it the same few thousand are tried each time.
"""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.policy.redaction import MARK, Redactor
from a3s_lsp.engine.policy.redaction_rules import DEFAULT_RULES
from a3s_lsp.engine.policy.secret_values import environment_secrets

TEXTS = int(os.environ.get("A3S_PROPERTY_TEXTS", "3000"))
SETTINGS = settings(max_examples=TEXTS // 6, derandomize="A3S_PROPERTY_TEXTS" not in os.environ, deadline=None)
VALUES = ("correct horse battery staple 7", "Zq8+known/value==")
REDACTOR = Redactor(DEFAULT_RULES, VALUES)
KEY_BLOCK = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{'MIIEpAIBAAKCAQEA' * 4}\n" * 5 + "-----END RSA PRIVATE KEY-----"
SECRETS = {
    "sk-abcdefghijklmnopqrstuvwx": "API_KEY",
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123-x_Y": "API_KEY",
    "sk_live_abcdefghijklmnopqrstuvwx": "API_KEY",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "API_KEY",
    "AKIAIOSFODNN7EXAMPLE": "AWS_KEY",
    f"ghp_{'a1B2' * 9}": "GITHUB_TOKEN",
    f"github_pat_{'a1B2' * 8}": "GITHUB_TOKEN",
    "xoxb-123456789012-abcdefABCDEF": "SLACK_TOKEN",
    f"npm_{'a1B2' * 9}": "NPM_TOKEN",
    "glpat-abcdefghij0123456789": "GITLAB_TOKEN",
    f"pypi-AgEIcHlwaS5vcmc{'a1B2' * 14}": "PYPI_TOKEN",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27": "JWT",
    "ann.lee+x@mail.example.co.uk": "EMAIL",
    "123-45-6789": "SSN",
    "4111 1111 1111 1111": "CC",
    "5500-0000-0000-0004": "CC",
    "378282246310005": "CC",
    "(555) 123-4567": "PHONE",
    "555-123-4567": "PHONE",
    "+1 (555) 123-4567": "PHONE",
    "+14155552671": "PHONE",
    "+44 20 7946 0958": "PHONE",
    KEY_BLOCK: "PRIVATE_KEY",
    VALUES[0]: "SECRET",
    VALUES[1]: "SECRET",
}
SEPARATORS = (
    " ",
    "\n",
    "\t",
    '"',
    "'",
    ": ",
    ", ",
    "=",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ";\n",
    "\n+",
    "\n-",
    "`",
    "|",
    "{",
)
PLAIN = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="@"), max_size=12),
    st.sampled_from(
        ("the", "bearer", "Bearer ", "authorization: ", "key", "token", "-----BEGIN ", "1", "12", "+", "(555)")
    ),
    st.integers(0, 10**6).map(str),
)
HARMLESS = st.one_of(
    st.binary(min_size=16, max_size=64).map(bytes.hex),
    st.binary(min_size=4, max_size=4).map(lambda data: data.hex()[:7]),
    st.binary(min_size=20, max_size=200).map(lambda data: base64.b64encode(data).decode()),
    st.binary(min_size=64, max_size=64).map(lambda data: f"sha512-{base64.b64encode(data).decode()}"),
    st.uuids().map(str),
    st.uuids().map(lambda one: one.hex),
    st.integers(0, 2**32 - 1).map(lambda seconds: str(seconds)),
    st.integers(10**12, 2 * 10**12).map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.datetimes().map(lambda moment: f"{moment:%Y%m%d-%H%M%S}"),
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: f"{address}:8080"),
    st.tuples(*[st.integers(0, 999)] * 3).map(lambda parts: "v{}.{}.{}".format(*parts)),
    st.tuples(*[st.integers(0, 9999)] * 2).map(lambda parts: "src/a_b-c.py:{}:{}".format(*parts)),
    st.tuples(*[st.integers(0, 9999)] * 4).map(lambda parts: "@@ -{},{} +{},{} @@".format(*parts)),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        (
            "978-3-16-148410-0",
            "0-306-40615-2",
            "git@github.com:owner/repo.git",
            "logo@2x.png",
            "react@18.2.0-rc.1",
            "getty@tty1.service",
            "pk_organization_membership_role",
            "pk_organizationmembershiproles",
            "task-force-of-many-dashed-words-in-a-row",
            "https://$USER:$PASSWORD@example",
            "https://user:${PASSWORD}@example",
            "Bearer authentication-is-described-below",
            '"integrity": "sha512-4Eb0j0fTVRb2wVdMVMe8XP1A=="',
            "  120  3456 78901 file.txt",
            "drwxr-xr-x 2 root root 4096 Nov 22 2026",
            "import a.b.c as d; x = [1, 2, 3]",
            "0x1f 1e10 1_000_000 3.14159265358979",
        )
    ),
)


@given(st.lists(st.tuples(HARMLESS, st.sampled_from((" ", "\n", ", ", "\t", '"'))), max_size=8))
@SETTINGS
def test_hashes_numbers_and_names_are_left_alone(pieces: list[tuple[str, str]]) -> None:
    text = "".join(text + separator for text, separator in pieces)
    assert REDACTOR.text(text) == text


@given(st.sampled_from(sorted(SECRETS)), st.sampled_from(SEPARATORS), st.sampled_from(SEPARATORS), PLAIN)
@SETTINGS
def test_a_secret_goes_wherever_it_stands(secret: str, before: str, after: str, word: str) -> None:
    word = word if word.isascii() and word.isalpha() and word.lower() != "bearer" else "word"
    done = REDACTOR.text(f"{word}{before}{secret}{after}{word}")
    assert secret not in done and f"[REDACTED:{SECRETS[secret]}]" in done


@given(st.lists(st.one_of(PLAIN, st.sampled_from(sorted(SECRETS)), HARMLESS, st.sampled_from(SEPARATORS)), max_size=30))
@SETTINGS
def test_what_was_redacted_has_nothing_left_to_redact(pieces: list[str]) -> None:
    done = REDACTOR.text(" ".join(pieces))
    assert REDACTOR.text(done) == done
    assert not any(value in done for value in VALUES)


@given(
    st.lists(st.one_of(PLAIN, st.sampled_from(sorted(SECRETS)), HARMLESS, st.sampled_from(SEPARATORS)), max_size=30),
    st.lists(st.integers(1, 40), min_size=1, max_size=40),
)
@SETTINGS
def test_a_stream_gives_what_the_whole_text_gives(pieces: list[str], sizes: list[int]) -> None:
    text = " ".join(pieces)
    stream, shown, at, turn = REDACTOR.stream(), [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        shown.append(stream.feed(text[at : at + size]))
        at, turn = at + size, turn + 1
    shown.append(stream.end())
    assert "".join(shown) == REDACTOR.text(text)


@given(st.text(max_size=300))
@SETTINGS
def test_any_text_can_be_redacted_and_loses_nothing_else(text: str) -> None:
    done = REDACTOR.text(text)
    kept = MARK.split(done)
    at = 0
    for part in kept:
        at = text.index(part, at) + len(part)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)), st.lists, max_leaves=20))
@SETTINGS
def test_a_value_keeps_its_shape(value: object) -> None:
    assert REDACTOR.value(value) == value or MARK.search(str(REDACTOR.value(value)))


@pytest.mark.parametrize("unit", ["a", "eyJ", "1", "123-", "sk-a-", "@a.", "://a:", "4111 ", "+1 ", "bearer ", "a@"])
def test_a_stream_holds_back_a_bounded_part_of_whatever_comes(unit: str) -> None:
    stream = REDACTOR.stream()
    text = unit * (60_000 // len(unit))
    shown = sum(len(stream.feed(text[at : at + 1000])) for at in range(0, len(text), 1000))
    assert shown > len(text) // 2


def test_nothing_in_our_own_sources_looks_like_a_secret() -> None:
    root = Path(__file__).parents[2]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    found = {}
    for name in listed.split("\0"):
        path = root / name
        if not name or name.startswith(("tests/", "docs/", "examples/")) or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if (done := Redactor(DEFAULT_RULES).text(text)) != text:
            found[name] = MARK.findall(done)
    assert found == {}


def test_an_environment_gives_its_secrets_and_nothing_ordinary() -> None:
    token = uuid.uuid4().hex
    environ = {
        "A_TOKEN": token,
        "DATABASE_URL": "postgres://me:s3cr3t-p%40ss@db/x",
        "SORT_KEY": "password",
        "SHORT_KEY": "abc1",
        "MAX_TOKENS": "100000000",
        "SSH_KEY": "/etc/passwd",
        "EDITOR": "Zq8-known-by-value",
        "BROKEN_URL": "http://[::1",
    }
    assert environment_secrets(environ) == {token, "s3cr3t-p%40ss", "s3cr3t-p@ss"}
