"""Pages of a list of models hold together, whatever comes and goes between them."""

import pytest
from modelwire_service.errors import InvalidRequest
from modelwire_service.typed.pages import MAX_PAGE_SIZE, PAGE_SIZE, page_of
from modelwire_service.upstreams.base import Model


def models(*ids: str) -> list[Model]:
    return [Model(identity) for identity in ids]


def test_pages_are_in_order_of_ids_and_the_last_has_no_token() -> None:
    listed = models("models/c", "b", "ü/x", "a", "d")
    said, token, sizes = [], "", []
    while True:
        page, token = page_of(listed, 2, token)
        said += [model.id for model in page]
        sizes.append(len(page))
        if not token:
            break
    assert said == ["a", "b", "d", "models/c", "ü/x"]
    assert sizes == [2, 2, 1]


def test_a_token_holds_when_the_model_it_ends_with_is_gone_and_others_have_come() -> None:
    _, token = page_of(models("a", "b", "c"), 2, "")
    page, rest = page_of(models("a", "bb", "c", "0"), 5, token)
    assert ([model.id for model in page], rest) == (["bb", "c"], "")


@pytest.mark.parametrize(("size", "held"), [(0, PAGE_SIZE), (1, 1), (MAX_PAGE_SIZE + 1, MAX_PAGE_SIZE)])
def test_a_page_holds_what_was_asked_for_within_bounds(size: int, held: int) -> None:
    page, token = page_of(models(*(f"m{at:05}" for at in range(1500))), size, "")
    assert len(page) == held
    assert token


def test_no_models_are_one_empty_page() -> None:
    assert page_of([], 0, "") == ([], "")


@pytest.mark.parametrize(
    ("size", "token", "told"),
    [
        (-1, "", "page_size: must not be negative"),
        (0, "*", "page_token: must be the next_page_token of an earlier page"),
        (0, "YQ", "page_token: must be the next_page_token of an earlier page"),
        (0, "/w==", "page_token: must be the next_page_token of an earlier page"),
        (0, "_w==", "page_token: must be the next_page_token of an earlier page"),
        (0, "é", "page_token: must be the next_page_token of an earlier page"),
    ],
)
def test_what_no_page_gave_is_refused(size: int, token: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        page_of(models("a"), size, token)
    assert str(raised.value) == told
