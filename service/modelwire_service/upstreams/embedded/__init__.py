"""The default upstream: a small chat model and an embedding model that run on this machine and need no key."""

from modelwire_service.upstreams.embedded.adapter import EmbeddedUpstream
from modelwire_service.upstreams.embedded.packages import embedded_packages_missing

__all__ = ["EmbeddedUpstream", "embedded_packages_missing"]
