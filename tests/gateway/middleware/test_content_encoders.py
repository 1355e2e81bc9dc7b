import pytest
from modelwire_gateway.middleware.accept_encoding import Coding
from modelwire_gateway.middleware.content_encoders import ENCODERS
from support.codings import Decoder, decoded

PIECES = [b'{"a": 1}\n', b"", b"x" * 300_000, b'{"a": 2}\n']


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_whole_body(coding: Coding) -> None:
    body = b'{"embedding": [0.25, 0.5]}' * 100
    coded = ENCODERS[coding]().last(body)
    assert decoded(coding, coded) == body
    assert len(coded) < len(body) / 4


@pytest.mark.parametrize("coding", ENCODERS)
def test_each_piece_can_be_decoded_before_the_next_is_there(coding: Coding) -> None:
    encoder, decoder = ENCODERS[coding](), Decoder(coding)
    for piece in PIECES:
        assert decoder.feed(encoder.piece(piece)) == piece
        assert not decoder.ended
    assert decoder.feed(encoder.last(b"the end")) == b"the end"
    assert decoder.ended


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_body_that_ends_with_nothing_more(coding: Coding) -> None:
    encoder = ENCODERS[coding]()
    assert decoded(coding, encoder.piece(b"all") + encoder.last(b"")) == b"all"
