"""OpenAPI 3.1 documents of annotated services, made from the same routes and descriptors that serve them.

    comments → schemas → (parameters, bodies, answers) → operations → document

What the document says of JSON is what answers print. Requests may also spell field names the other way, give
64-bit integers in either form and null for what is absent; enums and doubles are described without the values
that only a broken peer sends: numbers nobody declared, NaN and the infinities.
"""

from modelwire_gateway.openapi.comments import NO_COMMENTS, Comments
from modelwire_gateway.openapi.document import openapi_document, title_of
from modelwire_gateway.openapi.served import ServedDocument

__all__ = ["NO_COMMENTS", "Comments", "ServedDocument", "openapi_document", "title_of"]
