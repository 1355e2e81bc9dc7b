"""Hatch build hook: makes the package `modelwire` of the protos, with the service config beside the stubs.

Nothing generated is checked in, because generated code is bound to the runtime it was generated for.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MakeStubs(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable":
            make_stubs(root, root.parents[1] / "build" / "stubs")
        else:
            self._made = TemporaryDirectory()
            make_stubs(root, Path(self._made.name))
            build_data["force_include"][f"{self._made.name}/modelwire"] = "modelwire"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._made.cleanup()


def make_stubs(root: Path, stubs: Path) -> None:
    """Makes `stubs`/modelwire; `root` is that of this distribution, in the tree or by itself."""
    alone = (root / "protos").is_dir()
    protos = root / "protos" if alone else root.parents[1] / "protos"
    service_config = (root if alone else root.parent) / "service_config.json"

    sys.path.insert(0, str(protos))
    from compile_protos import compile_protos

    compile_protos(protos, stubs)
    shutil.copy(service_config, stubs / "modelwire")
