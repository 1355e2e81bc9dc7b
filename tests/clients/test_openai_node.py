"""The official Node client: tests/clients/node/openai.test.mjs, run by Node's own test runner."""

from pathlib import Path

from support.commands import run

HERE = Path(__file__).parent


def test_the_node_client_works(node: str, base_url: str) -> None:
    variables = {"BASE_URL": base_url}
    printed = run(node, "--test", "--test-reporter=tap", "openai.test.mjs", cwd=HERE / "node", variables=variables)
    assert "\n# skipped 0\n" in printed
    assert "\n# fail 0\n" in printed
