"""Which other origins' pages may call, as browsers ask (the Fetch standard, section 3.2)."""

from collections.abc import Collection
from dataclasses import dataclass

from modelwire_gateway.asgi import App


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsPolicy:
    """What pages of other origins may do."""

    origins: Collection[str]
    """The origins as browsers write them, `https://example.com` or `http://localhost:3000`; `*` is every one."""

    credentials: bool = False
    """Whether their browsers may send cookies and the like along, and show them the answers."""

    max_age_seconds: int = 600
    """How long a browser may keep what a preflight request was told."""

    exposed_headers: tuple[str, ...] = ()
    """Which headers of answers their scripts may read, beside those that all scripts may."""


def with_cors(app: App, policy: CorsPolicy) -> App:
    """`app`, with preflight requests answered and its answers marked by `policy`, errors and streams included.

    Every request header is allowed, and so are HTTP's own methods, but not those of other names.
    """
    # Imported here: it takes as long as the rest of the gateway, and most have no use for it.
    from starlette.middleware.cors import CORSMiddleware

    return CORSMiddleware(
        app,
        allow_origins=frozenset(policy.origins),
        allow_methods=("*",),
        allow_headers=("*",),
        allow_credentials=policy.credentials,
        expose_headers=policy.exposed_headers,
        max_age=policy.max_age_seconds,
    )
