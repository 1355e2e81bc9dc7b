"""Where the keys of an upstream are said to be."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr

_NAME: Final = re.compile(r"(?![0-9])[A-Za-z0-9]{1,16}(_[A-Za-z0-9]{1,16}){0,5}")
KEY_FIELDS: Final = ("api_key", "api_keys", "api_key_env", "api_keys_env", "api_key_file")


class KeySettings(BaseModel):
    """One key or several, outright, as names of variables, or in a file with a key a line. Several take turns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr | None = None
    api_keys: tuple[SecretStr, ...] = ()
    api_key_env: str | None = None
    api_keys_env: tuple[str, ...] = ()
    api_key_file: Path | None = None

    def keys(self, environment: Mapping[str, str]) -> list[str]:
        """The keys themselves; raises ValueError if a variable or file they are said to be in has no usable one."""
        found = list(self._found(environment))
        for where, key in found:
            if not (key.isascii() and key.isprintable() and key):
                raise ValueError(f"{where} holds no key: one line of printable characters is needed")
        return [key for _, key in found]

    def _found(self, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Each key, after where it was found."""
        if self.api_key is not None:
            yield "api_key", self.api_key.get_secret_value()
        for index, key in enumerate(self.api_keys):
            yield f"api_keys[{index}]", key.get_secret_value()
        if self.api_key_env is not None:
            yield f"api_key_env: {_variable(self.api_key_env)}", environment.get(self.api_key_env, "")
        for name in self.api_keys_env:
            yield f"api_keys_env: {_variable(name)}", environment.get(name, "")
        if self.api_key_file is not None:
            lines = [line.strip() for line in _read(self.api_key_file).splitlines() if line.strip()]
            yield from ((f"api_key_file: {self.api_key_file}", line) for line in lines or [""])


def incoherent_keys(upstream: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    """What does not fit together in how the keys of an upstream were written."""
    given = [field for field in KEY_FIELDS if upstream.get(field)]
    if (variable := upstream.get("api_key_env")) and not environment.get(str(variable)):
        yield f"api_key_env: {_variable(str(variable))} is not set"
    several = upstream.get("api_keys_env")
    for variable in several if isinstance(several, list | tuple) else ():
        if not environment.get(str(variable)):
            yield f"api_keys_env: {_variable(str(variable))} is not set"
    if len(given) > 1:
        yield f"{given[1]}: {' and '.join(given)} exclude each other"


def _variable(name: str) -> str:
    """What a message calls a variable. What has not the usual form may be the key itself, in the wrong place."""
    return f"the variable {name}" if _NAME.fullmatch(name) else "the variable named there"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ValueError(f"api_key_file: {path}: {error.strerror}") from None
