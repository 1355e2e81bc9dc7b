"""How upstreams are verified where the system's authorities are not those to trust."""

import ssl
from pathlib import Path

from modelwire_service.tls.files import File


def upstream_context(ca_file: Path) -> ssl.SSLContext:
    """Trusts the authorities in `ca_file`, and no others. Raises FileError for a file that cannot be used."""
    File("ca_file", ca_file).certificates()
    return ssl.create_default_context(cafile=ca_file)
