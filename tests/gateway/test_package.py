"""The names that the package offers, each from a module that is imported when it is asked for."""

import ast
import inspect
from importlib import import_module

import modelwire_gateway
import pytest


def _places() -> dict[str, str]:
    """Where type checkers find the names: the modules, by name, that the package imports for them alone."""
    tree = ast.parse(inspect.getsource(modelwire_gateway))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [statement for statement in block.body if isinstance(statement, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    return {name.asname or name.name: str(imported.module) for imported in imports for name in imported.names}


PLACES = _places()


def test_type_checkers_know_all_that_is_offered() -> None:
    assert sorted(modelwire_gateway.__all__) == sorted(PLACES)


@pytest.mark.parametrize(("name", "module"), PLACES.items())
def test_what_is_asked_for_is_what_type_checkers_find(name: str, module: str) -> None:
    assert getattr(modelwire_gateway, name) is getattr(import_module(module), name)


def test_nothing_else_is_offered() -> None:
    with pytest.raises(AttributeError, match="'modelwire_gateway' has no attribute 'Nothing'"):
        modelwire_gateway.Nothing  # noqa: B018
