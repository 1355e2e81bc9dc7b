"""A tree of path templates, searched by the segments of a path.

Each node stands for the segments that lead to it; its children are tried in the order literal, `*`, `**`,
so that of two templates the one that is more exact at the first difference wins, in whatever order they
were added. A node whose template ends is tried before its own `**` taking nothing. Only literals may follow
`**`, so what follows it hangs below the node as a second tree, walked from the end of the path; the longest
suffix wins.

The search backs out of a branch that leads nowhere. It visits each node at most once: a node is reached by
one way only, at one depth. So there is nothing to remember, its cost is bounded by the tree, whatever the
path, and as it keeps a stack of its own, neither length nor depth of a path can exhaust Python's.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar
from urllib.parse import unquote_to_bytes

from modelwire_gateway.routing.path_template import PathTemplate, Wildcard

T = TypeVar("T")

ANY_METHOD: Final = "*"
"""The kind of a google.api.CustomHttpPattern that stands for every HTTP method."""


class _Node(Generic[T]):
    __slots__ = ("ends", "literals", "many", "one")

    def __init__(self) -> None:
        self.literals: dict[bytes, _Node[T]] = {}
        self.one: _Node[T] | None = None
        self.many: _Node[T] | None = None
        self.ends: dict[bytes, dict[str, T]] = {}
        """What ends here, by verb and HTTP method."""

    def literal(self, segment: str) -> "_Node[T]":
        return self.literals.setdefault(segment.encode(), _Node())


class RouteTree(Generic[T]):
    """Finds what was added under a template and an HTTP method."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self._verbs: set[bytes] = set()

    def add(self, template: PathTemplate, http_method: str, value: T) -> T | None:
        """Adds `value`; where the place is taken, returns who has it and leaves it there."""
        ends = self._place(template.segments).ends
        verb = template.verb.encode()
        if verb:
            self._verbs.add(verb)
        present = ends.setdefault(verb, {}).setdefault(http_method, value)
        return None if present is value else present

    def readings(self, segments: list[bytes]) -> Iterator[tuple[list[bytes], bytes]]:
        """The ways to read an undecoded path: split at the verb if some template has that verb, then as it is."""
        if self._verbs and segments:
            last, colon, verb = segments[-1].rpartition(b":")
            if colon and _decoded(verb) in self._verbs:
                yield [*segments[:-1], last], _decoded(verb)
        yield segments, b""

    def find(self, segments: Sequence[bytes], verb: bytes, http_method: str, allowed: set[str]) -> T | None:
        """What was added for these undecoded segments, this verb and this method, and else None.

        The methods that the path has otherwise are added to `allowed`.
        """
        for ends in self._ends(segments):
            methods = ends.get(verb)
            if methods is None:
                continue
            found = methods.get(http_method) or methods.get(ANY_METHOD)
            if found is not None:
                return found
            allowed.update(methods)
        return None

    def _place(self, segments: Sequence[str]) -> _Node[T]:
        node = self._root
        for at, segment in enumerate(segments):
            if segment is Wildcard.MANY:
                node.many = node.many or _Node()
                return _descend(node.many, segments[:at:-1])
            if segment is Wildcard.ONE:
                node.one = node.one or _Node()
                node = node.one
            else:
                node = node.literal(segment)
        return node

    def _ends(self, segments: Sequence[bytes]) -> Iterator[dict[bytes, dict[str, T]]]:
        """The ends that a path reaches, the most exact first."""
        length = len(segments)
        stack: list[tuple[_Node[T], int, bool]] = [(self._root, 0, False)]
        while stack:
            node, at, is_suffix = stack.pop()
            if is_suffix:
                yield from _suffix_ends(node, segments, at)
                continue
            if node.many:
                stack.append((node.many, at, True))
            if at == length:
                yield node.ends
                continue
            # What is pushed last is tried first.
            segment = segments[at]
            if node.one and segment:
                stack.append((node.one, at + 1, False))
            if literal := node.literals.get(_decoded(segment)):
                stack.append((literal, at + 1, False))


def _descend(node: _Node[T], literals: Sequence[str]) -> _Node[T]:
    for segment in literals:
        node = node.literal(segment)
    return node


def _suffix_ends(node: _Node[T], segments: Sequence[bytes], start: int) -> Iterator[dict[bytes, dict[str, T]]]:
    """The ends of a tree of suffixes whose `**` begins at `start`, the longest suffix first."""
    found = [node.ends]
    for at in range(len(segments) - 1, start - 1, -1):
        child = node.literals.get(_decoded(segments[at]))
        if child is None:
            break
        node = child
        found.append(node.ends)
    return reversed(found)


def _decoded(segment: bytes) -> bytes:
    return unquote_to_bytes(segment) if b"%" in segment else segment
