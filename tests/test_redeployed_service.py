"""`modelwire gateway` in front of a service that is deployed anew while the gateway runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from support.commands import ended_by_itself
from support.images import compiled_image
from support.logged_programs import LoggedProgram, running_with_log
from support.programs import COMMAND
from support.reflecting import ReflectionHandler, serving

BOTH = ("v1", "v1alpha")
OFTEN, NEVER = 0.05, 3600.0
CHANGED, REFUSED = "routes changed", "the target cannot be served as it is"
RULE = 'option (google.api.http) = {{ get: "{}" }};'


class Release(ReflectionHandler):
    """A release of the service, whose methods have the annotations `rules`; all answer with the request."""

    def __init__(self, folder: Path, *rules: str, versions: tuple[str, ...] = BOTH) -> None:
        methods = "".join(f"rpc M{at}(M) returns (M) {{ {RULE.format(rule)} }} " for at, rule in enumerate(rules))
        text = 'syntax = "proto3"; package shop; import "google/api/annotations.proto"; message M { string name = 1; }'
        super().__init__(compiled_image(folder, shop=f"{text} service Shop {{ {methods} }}"), versions=versions)
        self.echo = grpc.method_handlers_generic_handler(
            "shop.Shop",
            {f"M{at}": grpc.unary_unary_rpc_method_handler(lambda request, _: request) for at in range(len(rules))},
        )


@contextmanager
def released(release: Release, address: str = "127.0.0.1:0") -> Iterator[str]:
    with serving(release, release.echo, address=address) as target:
        yield target


@contextmanager
def gateway(target: str, seconds: float) -> Iterator[LoggedProgram]:
    """`modelwire gateway` that asks its target every so many seconds."""
    environment = {"MODELWIRE_REFLECTION_SECONDS": str(seconds)}
    arguments = ("gateway", "--target", target, "--http-address", "127.0.0.1:0")
    with running_with_log(*arguments, environment=environment) as program:
        yield program


def status(program: LoggedProgram, path: str) -> int:
    return httpx.get(f"{program.url}{path}").status_code


@pytest.mark.parametrize(
    ("versions", "seconds"), [(("v1",), NEVER), (("v1alpha",), OFTEN)], ids=["told-by-the-connection", "asked-often"]
)
def test_a_new_release_is_served_without_a_restart_and_a_defective_one_is_not(
    tmp_path: Path, versions: tuple[str, ...], seconds: float
) -> None:
    with ExitStack() as stack:
        with released(Release(tmp_path, "/old/{name}", versions=versions)) as target:
            program = stack.enter_context(gateway(target, seconds))
            assert "routes  1\n" in program.printed
            assert httpx.get(f"{program.url}/old/x").json() == {"name": "x"}
            assert program.logged(CHANGED)["routes"] == 1
        assert status(program, "/old/x") == 503
        assert status(program, "/readyz") == 503
        with released(Release(tmp_path, "/new/{name}", "/newer", versions=versions), target):
            changed = program.logged(CHANGED)
            assert (changed["routes"], changed["added"], changed["removed"]) == (2, 2, 1)
            assert httpx.get(f"{program.url}/new/x").json() == {"name": "x"}
            assert (status(program, "/old/x"), status(program, "/readyz")) == (404, 200)
        with released(Release(tmp_path, "/new/{nowhere}", "/fine", "/**/{name}", versions=versions), target):
            refused = [program.logged(REFUSED, CHANGED), program.logged(REFUSED, CHANGED)]
            assert [line["complaint"].partition(":")[0] for line in refused] == ["shop.Shop.M0", "shop.Shop.M2"]
            assert {line["level"] for line in refused} == {"error"}
            assert httpx.get(f"{program.url}/new/x").json() == {"name": "x"}
            assert (status(program, "/fine"), status(program, "/readyz")) == (404, 200)
        with released(Release(tmp_path, "/mended", versions=versions), target):
            assert program.logged(REFUSED, CHANGED)["event"] == CHANGED
            assert status(program, "/mended") == 200


def test_a_target_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    with released(Release(tmp_path)) as target:
        pass
    with gateway(target, NEVER) as program:
        assert "routes  none as yet" in program.printed
        unknown = httpx.get(f"{program.url}/a")
        assert (unknown.status_code, unknown.json()["error"]["status"]) == (503, "UNAVAILABLE")
        assert (status(program, "/readyz"), status(program, "/healthz")) == (503, 200)
        with released(Release(tmp_path, "/a"), target):
            program.logged(CHANGED)
            assert (status(program, "/a"), status(program, "/readyz")) == (200, 200)


def test_a_target_is_found_by_name_and_on_a_socket(tmp_path: Path) -> None:
    release = Release(tmp_path, "/a")
    with released(release) as target, gateway(f"localhost:{target.rpartition(':')[2]}", NEVER) as program:
        assert status(program, "/a") == 200
    with released(release, f"unix:{tmp_path}/s") as target, gateway(target, NEVER) as program:
        assert status(program, "/a") == 200


def test_a_target_with_defective_annotations_ends_the_start_with_all_complaints(tmp_path: Path) -> None:
    with released(Release(tmp_path, "/{nowhere}", "/fine", "/{neither}")) as target:
        done = ended_by_itself(COMMAND, "gateway", "--target", target, "--http-address", "127.0.0.1:0")
    assert done.returncode == 1
    assert all(name in done.stderr for name in ("shop.Shop.M0: ", "nowhere", "shop.Shop.M2: ", "neither"))
    assert "Traceback" not in done.stderr


def test_a_target_without_reflection_ends_the_start_with_what_helps(tmp_path: Path) -> None:
    with serving(Release(tmp_path, "/a").echo) as target:
        done = ended_by_itself(COMMAND, "gateway", "--target", target, "--http-address", "127.0.0.1:0")
    assert done.returncode == 1
    assert "the target has no server reflection; give --descriptor-set FILE" in done.stderr
    assert "Traceback" not in done.stderr
