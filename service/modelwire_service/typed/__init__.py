"""modelwire.v1: what the OpenAI API says, in typed messages.

Requests become OpenAI's JSON, and from there on are what they would have been at any other door: validated,
dispatched and completed by the same code. Answers are OpenAI's JSON made into messages at the very end. Everything
between the two is here, and pure, but for the three services:

    json_texts.py   JSON that came as text, within one bound for a request
    fields.py       from a message to a JSON object, field by field, by tables
    words.py        the values of enums and OpenAI's words for them
    content.py      the parts of messages
    messages.py     messages and calls
    tools.py        tools, the choice among them, formats
    requests.py     whole requests
    answers.py      completions and chunks
    figures.py      log probabilities and usage
    field_names.py  what a field of OpenAI's is called here, for errors
    pages.py        the pages of a list
    chat.py embeddings.py models.py    the RPCs

Messages are dicts, as the codec reads and writes them: names of the .proto files, enums as names, bytes as base64, and
a field that is absent or None not there. So no tree of objects is built between the wire and JSON.
"""

from modelwire_service.typed.chat import ChatService
from modelwire_service.typed.embeddings import EmbeddingService
from modelwire_service.typed.models import ModelService

__all__ = ["ChatService", "EmbeddingService", "ModelService"]
