"""The rig with what it measures: every case is answered rightly, and a cell has its figures."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cases.all_cases import CASES, EIGHT_KB, HELD
from bench.cases.case import REST, Case
from bench.measuring.calls import Target, complaint
from bench.measuring.cell import measured
from bench.measuring.memory import idle_and_streaming
from bench.measuring.plan import Plan
from bench.measuring.session import Session, session
from bench.peers.bare_proxy import BARE_PROXY
from bench.peers.modelwire import MODELWIRE
from bench.peers.peer import Peer, Place, Prepared, Unavailable, installed

CORE = min(os.sched_getaffinity(0))
SHORTEST = Plan("test", rounds=1, seconds=0.05, patience=5, rate_seconds=0.1, connections=(2,))


@pytest.fixture(scope="module")
def modelwire(mock: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with session(MODELWIRE, tmp_path_factory.mktemp("modelwire"), mock, core=CORE) as running:
        yield running


@pytest.mark.parametrize("case", [*CASES.values(), EIGHT_KB], ids=lambda case: case.name)
def test_modelwire_answers_every_case(case: Case, modelwire: Session) -> None:
    assert complaint(case, modelwire.target) == ""


def test_the_bare_proxy_answers_every_case_of_rest(mock: str, tmp_path: Path) -> None:
    cases = [case for case in [*CASES.values(), EIGHT_KB] if case.door == REST]
    with session(BARE_PROXY, tmp_path, mock, core=CORE) as bare:
        assert {case.name: complaint(case, bare.target) for case in cases} == dict.fromkeys(
            (case.name for case in cases), ""
        )


@pytest.mark.parametrize("case", ["short", "stream", "grpc", "grpc_stream"])
def test_a_cell_has_figures(case: str, modelwire: Session) -> None:
    cell = measured(modelwire, CASES[case], 2, SHORTEST, 0)
    assert (cell.complaint, cell.figures["errors"], cell.figures["unfinished"]) == ("", 0, 0)
    assert all(cell.figures[name] > 0 for name in ("per_second", "p50_ms", "p99_ms", "calls"))


def test_where_an_answer_is_wrong_nothing_is_loaded(modelwire: Session) -> None:
    nobody = Session(MODELWIRE, Target(modelwire.target.rest, "", {}), modelwire.processes, 0)
    cell = measured(nobody, CASES["short"], 2, SHORTEST, 0)
    assert cell.figures == {"errors": 1}
    assert cell.complaint.startswith("ValueError: status 401")


def test_a_held_stream_is_no_whole_answer(modelwire: Session) -> None:
    assert complaint(CASES["stream"], modelwire.target) == ""
    memory = idle_and_streaming(modelwire)
    assert memory["opened"] == 1000
    assert 0 < memory["idle"] < memory["streams"]
    assert HELD.name not in CASES


def test_a_peer_that_is_not_installed_is_told(mock: str, tmp_path: Path) -> None:
    missing = Path(__file__).parents[2] / ".toolchains" / "no-such-program"

    def prepare(_: Place) -> Prepared:
        installed(missing)
        raise AssertionError

    nobody = Peer("none", "None", prepare, lambda: "")
    with pytest.raises(Unavailable, match="no-such-program is missing"), session(nobody, tmp_path, mock, core=CORE):
        pass
