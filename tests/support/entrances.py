"""An entrance for tests that are about something else."""

from modelwire_service.access.gate import OpenGate
from modelwire_service.dispatch.admission import Admission
from modelwire_service.dispatch.deadlines import Deadlines
from modelwire_service.entrance import Entrance
from modelwire_service.limits.memory import MemoryLimiter
from modelwire_service.settings import Settings


def open_entrance() -> Entrance:
    """Anybody's, with the limits of a server that nobody configured, and nothing kept."""
    settings = Settings()
    places = Admission(settings.max_concurrent_calls, settings.max_queued_calls, "the server")
    return Entrance(OpenGate(), MemoryLimiter(), places, Deadlines(settings.default_deadline, settings.max_deadline))
