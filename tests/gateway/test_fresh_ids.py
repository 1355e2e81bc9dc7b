import re
import subprocess
import sys

from modelwire_gateway.fresh_ids import fresh_id

FORKED = """
import os
from modelwire_gateway.fresh_ids import fresh_id
fresh_id()
if not (child := os.fork()):
    print(*(fresh_id() for _ in range(300)), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(*(fresh_id() for _ in range(300)))
"""


def test_ids_are_digits_and_never_the_same() -> None:
    ids = [fresh_id() for _ in range(2_000)]
    assert len(set(ids)) == 2_000
    assert all(re.fullmatch("[0-9a-f]{24}", given) for given in ids)


def test_a_forked_process_has_ids_of_its_own() -> None:
    told = subprocess.run([sys.executable, "-c", FORKED], check=True, capture_output=True, text=True).stdout.split()
    assert (len(told), len(set(told))) == (600, 600)
