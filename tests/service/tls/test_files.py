"""Every file that cannot be used is told by its setting and path, and by nothing that is in it."""

import ssl
from pathlib import Path

import pytest
from modelwire_service.tls.files import File, FileError, Pair, load_pair
from support.certificates import PASSPHRASE, Authority

AUTHORITY = Authority()
GOOD = AUTHORITY.issue()
OTHER = AUTHORITY.issue()
HIDDEN = AUTHORITY.issue(passphrase=PASSPHRASE)


def load(certificate: Path, key: Path) -> Pair:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return load_pair(context, File("tls_certificate", certificate), File("tls_key", key))


def test_a_pair_is_read_as_it_is_written(tmp_path: Path) -> None:
    pair = load(*GOOD.written(tmp_path))
    assert (pair.certificate, pair.key) == (GOOD.certificate, GOOD.key)


def test_a_pair_may_be_in_one_file(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(GOOD.key + b"# J\xc3\xbcrgen's\n" + GOOD.certificate + AUTHORITY.certificate)
    assert load(both, both).key == both.read_bytes()


@pytest.mark.parametrize(
    ("certificate", "key", "complaint"),
    [
        (GOOD.certificate, OTHER.key, "tls_key: {}/key: is not the key of tls_certificate"),
        (GOOD.certificate, HIDDEN.key, "tls_key: {}/key: is protected by a passphrase; a key without one is needed"),
        (GOOD.certificate, GOOD.certificate, "tls_key: {}/key: holds no private key in PEM"),
        (GOOD.certificate, GOOD.key[:100], "tls_key: {}/key: holds no private key in PEM"),
        (GOOD.certificate, b"", "tls_key: {}/key: holds no private key in PEM"),
        (GOOD.certificate, None, "tls_key: {}/key: No such file or directory"),
        (GOOD.key, GOOD.key, "tls_certificate: {}/certificate: holds no certificate in PEM"),
        (GOOD.certificate[:200], GOOD.key, "tls_certificate: {}/certificate: holds no certificate in PEM"),
        (b"\xff\x00", GOOD.key, "tls_certificate: {}/certificate: holds no certificate in PEM"),
        (None, GOOD.key, "tls_certificate: {}/certificate: No such file or directory"),
    ],
    ids=[
        "another's key",
        "a passphrase",
        "a certificate for a key",
        "part of a key",
        "an empty key",
        "no key",
        "a key for a certificate",
        "part of a certificate",
        "no text",
        "no certificate",
    ],
)
def test_what_cannot_be_used_is_told(
    certificate: bytes | None, key: bytes | None, complaint: str, tmp_path: Path
) -> None:
    for name, content in (("certificate", certificate), ("key", key)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError) as raised:
        load(tmp_path / "certificate", tmp_path / "key")
    assert str(raised.value) == complaint.format(tmp_path)


def test_a_directory_is_no_certificate(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"^tls_certificate: .*: Is a directory$"):
        load(tmp_path, tmp_path)


def test_no_repr_shows_a_key(tmp_path: Path) -> None:
    assert "PRIVATE" not in repr(load(*GOOD.written(tmp_path)))
