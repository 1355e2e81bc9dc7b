from modelwire_gateway.remembered import Remembered


def test_a_key_is_looked_at_once() -> None:
    asked: list[str] = []
    lengths = Remembered[str, int](lambda key: asked.append(key) or len(key))  # type: ignore[func-returns-value]
    assert [lengths["abc"], lengths["ab"], lengths["abc"]] == [3, 2, 3]
    assert asked == ["abc", "ab"]


def test_neither_many_keys_nor_long_ones_are_kept() -> None:
    lengths = Remembered[bytes, int](len)
    for number in range(3_000):
        assert lengths[b"%d" % number] == len(str(number))
    assert 0 < len(lengths) <= 1024
    before = len(lengths)
    assert lengths[b"x" * 65] == 65
    assert len(lengths) == before
