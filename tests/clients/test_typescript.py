"""The TypeScript client as npm packs it and a project installs it."""

import json
import shutil
import subprocess
from pathlib import Path

import modelwire_service
from support.commands import ended_by_itself, run
from support.tours import NODE, ROOT

MODULES = ROOT / "clients" / "typescript" / "node_modules"
TSC = MODULES / "typescript" / "bin" / "tsc"
PAGE = Path(__file__).parent / "typescript" / "page.ts"
STRICT = ("--noEmit", "--strict", "--target", "es2024", "--module", "nodenext", "--types", "node")
AS_NODE_READS_IT = ("--erasableSyntaxOnly", "--verbatimModuleSyntax", "--allowImportingTsExtensions")
WHAT_EACH_MODULE_HAS = """
import config from "modelwire-client/service_config.json" with { type: "json" };

const modules = {};
for (const name of ["v1", "v1beta", "http/v1", "google/api", "google/rpc"])
  modules[name] = Object.keys(await import(`modelwire-client/${name}`));
console.log(JSON.stringify({ config, modules }));
"""


def tsc(folder: Path, *files: str) -> "subprocess.CompletedProcess[str]":
    types = ("--typeRoots", str(MODULES / "@types"))
    return ended_by_itself(NODE, str(TSC), *STRICT, *AS_NODE_READS_IT, *types, *files, cwd=folder)


def test_its_types_fit_the_tour_and_a_page(typescript_project: Path) -> None:
    shutil.copy(PAGE, typescript_project)
    checked = tsc(typescript_project, "tour.ts", PAGE.name)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_its_types_refuse_what_is_no_request(typescript_project: Path) -> None:
    tour = typescript_project / "tour.ts"
    written = tour.read_text()
    assert written.count("temperature: 0") == 1
    tour.write_text(written.replace("temperature: 0", 'temperature: "0"'))
    checked = tsc(typescript_project, "tour.ts")
    assert checked.returncode != 0
    assert "Type 'string' is not assignable to type 'number'" in checked.stdout


def test_each_of_its_modules_is_there(typescript_project: Path) -> None:
    printed = json.loads(run(NODE, "--input-type=module", "--eval", WHAT_EACH_MODULE_HAS, cwd=typescript_project))
    modules = printed["modules"]
    assert printed["config"] == json.loads((ROOT / "clients" / "service_config.json").read_text())
    assert {"ChatService", "EmbeddingService", "ModelService", "ChatCompletionSchema", "Role"} <= set(modules["v1"])
    assert {"ChatService", "EmbeddingService", "ModelService"} <= set(modules["v1beta"])
    assert "field_json" in modules["http/v1"]
    assert {"HttpBodySchema", "http"} <= set(modules["google/api"])
    assert {"BadRequestSchema", "Code", "ErrorInfoSchema", "StatusSchema"} <= set(modules["google/rpc"])


def test_it_has_the_servers_version(typescript_project: Path) -> None:
    package = json.loads((typescript_project / "node_modules" / "modelwire-client" / "package.json").read_text())
    assert package["version"] == modelwire_service.__version__
