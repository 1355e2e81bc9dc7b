"""The official Python client of the major version before: the same tests, in an environment of its own."""

from pathlib import Path

from support.commands import run

HERE = Path(__file__).parent


def test_the_major_version_before_works_alike(openai2_python: str, base_url: str) -> None:
    tests = str(HERE / "test_openai_python.py")
    options = ("-q", "--noconftest", "-p", "no:cacheprovider", "-p", "base_url_from_environment")
    variables = {"BASE_URL": base_url, "PYTHONPATH": str(HERE)}
    assert " passed in " in run(openai2_python, "-m", "pytest", *options, tests, variables=variables)
