"""What an upstream says goes to callers: without our key, its address, its traceback."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from modelwire_service.errors import MAX_MESSAGE_BYTES

_KEYS = r"\bBearer\s+\S+|\b(?:sk|pk|rk|gsk|xai)[-_][\w*.-]{6,}|\bAIza[\w*-]{8,}"  # whole or masked with asterisks
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|\bFile \"[^\"]*\", line \d+|\n[ \t]+at [\w$.<>]+\(")
_MARKUP = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_SHORT = 8  # characters; a shorter secret, such as vLLM's customary "EMPTY", is found as a whole word only
_MOST_READ = 8 * MAX_MESSAGE_BYTES  # far more than is told, little enough to search fast


class Redactor:
    """Takes out of a message what callers must not see. `repr` shows nothing of it."""

    def __init__(self, secrets: Iterable[str], base_url: str) -> None:
        self._keys = re.compile("|".join([*map(_secret, _spellings(secrets)), _KEYS]))
        self._address = re.compile(_address(base_url), re.IGNORECASE)

    def scrub(self, message: str) -> str:
        """The message on one line, clipped; empty if nothing fit to tell is in it."""
        message = message[:_MOST_READ]
        for cut in (_TRACEBACK, _MARKUP):
            if found := cut.search(message):
                message = message[: found.start()]
        message = self._keys.sub("[key]", message)
        message = self._address.sub("[upstream]", message)
        return _BLANKS.sub(" ", message).strip(" :")[:MAX_MESSAGE_BYTES]


def _spellings(secrets: Iterable[str]) -> list[str]:
    """Longest first, so that one secret within another leaves nothing of the longer."""
    spelled = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    return sorted(spelled, key=len, reverse=True)


def _secret(secret: str) -> str:
    return re.escape(secret) if len(secret) >= _SHORT else rf"(?<![\w-]){re.escape(secret)}(?![\w-])"


def _address(base_url: str) -> str:
    host = re.escape(urlsplit(base_url).hostname or "localhost")
    return rf"(?:https?://)?(?<![\w.-])\[?{host}\]?(?![\w-])(?::\d+)?(?:/[^\s\"'<>),]*)?"
