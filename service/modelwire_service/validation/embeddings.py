"""An embeddings request."""

from typing import Any, Final

from modelwire_service.validation.bounds import EMBEDDINGS_BOUNDS
from modelwire_service.validation.checks import NOT_EMPTY, filled, shape
from modelwire_service.validation.model_name import model_name
from modelwire_service.validation.report import Path, Report

MAX_INPUTS: Final = 2048


def validate_embeddings(request: dict[str, Any]) -> dict[str, Any]:
    """The request as upstreams read it; raises InvalidRequest with everything that is wrong.

    `input` is a list of strings, `encoding_format` is set (`float` by default), null members are gone.
    The result may be changed; `request` is left as it is.
    """
    given = {name: member for name, member in request.items() if member is not None}
    report = Report()
    _fields(given, (), report)
    report.raise_if_any()
    given.setdefault("encoding_format", "float")
    given["input"] = [given["input"]] if isinstance(given["input"], str) else given["input"]
    return given


def _check_input(value: Any, path: Path, report: Report) -> None:
    if isinstance(value, str):
        filled(value, path, report)
    elif isinstance(value, list):
        _check_texts(value, path, report)
    else:
        report.add(path, "must be a string or a list of strings")


def _check_texts(texts: list[Any], path: Path, report: Report) -> None:
    if not texts:
        report.add(path, NOT_EMPTY)
    elif len(texts) <= MAX_INPUTS and set(map(type, texts)) == {str} and all(texts):
        return
    elif any(map(_is_tokens, texts)):
        report.add(path, "lists of token ids are not supported; send text")
    elif len(texts) > MAX_INPUTS:
        report.add(path, f"must hold at most {MAX_INPUTS} texts")
    else:
        for index, item in enumerate(texts):
            filled(item, (*path, index), report)


def _is_tokens(item: Any) -> bool:
    """Whether it is a token id or a list that begins with one."""
    first = item[0] if isinstance(item, list) and item else item
    return type(first) is int or type(first) is float


_fields: Final = shape({"input": _check_input, "model": model_name}, EMBEDDINGS_BOUNDS)
