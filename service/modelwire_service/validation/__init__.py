"""Whether a request keeps the rules of the contract, decided before any upstream hears of it.

A request is a plain dict: field names as the .proto files spell them, present fields only, members that
no field declares beside those that are. It came through either door; nothing here knows which.

    report.py       collects violations, each with the path of its field
    checks.py       small checks, and how they combine into checks of objects and lists
    model_name.py   the model asked for
    bounds.py       the one table of bounds: field → check
    content.py      what a message says: a string or parts
    messages.py     the conversation, role by role
    tools.py        tools, and which of them is called
    formats.py      the format of the response
    chat.py         a chat request: the fields, how they relate, what upstreams get
    embeddings.py   an embeddings request

A check is called with a value, the path to it and the report; it adds what is wrong and never raises,
except that a full report ends the work. So one answer tells a caller all that is wrong. Checks trust no
type: Structs are free-form, and a declared double that is NaN comes as the text "NaN".

A member that is null counts as absent, but not in maps of the caller's own keys (metadata, logit_bias).
What nobody declared is passed on unchecked.
"""

from modelwire_service.validation.chat import validate_chat
from modelwire_service.validation.embeddings import validate_embeddings
from modelwire_service.validation.model_name import validate_model_name

__all__ = ["validate_chat", "validate_embeddings", "validate_model_name"]
