"""Message types between JSON and the wire, and the scope that what is compiled for them lives in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from .any_messages import any_decode
from .decoder import Decoder, decode_wire
from .encoder import Encoder
from .errors import JsonError
from .field_decoders import zero_of
from .field_encoders import field_put
from .json_options import PROTO3_JSON, JsonOptions
from .json_text import MAX_VALUES, JsonValue
from .options import null_is_value
from .reader import Reader
from .struct_decoder import Decode
from .struct_encoder import Put
from .styles import PROTO_NAMES, Style, rest_style
from .text_values import TextEncoder
from .value_limit import ValueLimit
from .wire import MAX_DEPTH

FieldEncoder = Callable[[JsonValue, str], bytes]
RequestReader = Callable[[JsonValue, str], JsonValue]


@dataclass(frozen=True, slots=True)
class _Compilers:
    """What makes, and keeps, the tables of message types."""

    style: Style
    encoder: Encoder
    rest: Decoder
    proto_names: Decoder
    reader: Reader
    rest_limit: ValueLimit
    proto_names_limit: ValueLimit


class Codecs:
    """The codecs of one set of descriptors, compiled when first asked for; safe to share between threads.

    What is compiled is kept with the descriptors it was compiled from, for as long as the scope is; both go
    together. `options` hold for all messages of the scope. `max_values` is the most JSON values that a message
    may come to when it is written as JSON, so that no service makes the gateway build more. Long lists of numbers
    in a ListValue count as one.
    """

    def __init__(self, options: JsonOptions = PROTO3_JSON, *, max_values: int = MAX_VALUES) -> None:
        style, encoder, proto_names = rest_style(options), Encoder(options), Decoder(PROTO_NAMES)
        self._compilers = _Compilers(
            style,
            encoder,
            Decoder(style),
            proto_names,
            Reader(encoder, proto_names),
            ValueLimit(count_runs=False),
            ValueLimit(count_runs=True),
        )
        self.plain: Final = options == PROTO3_JSON
        """Whether messages say for themselves all that is not as proto3 JSON has it."""
        self._max_values = max_values
        self._messages: dict[Descriptor, MessageCodec] = {}
        self._fields: dict[FieldDescriptor, FieldEncoder] = {}
        self._texts: dict[FieldDescriptor, TextEncoder] = {}

    def message(self, descriptor: Descriptor) -> "MessageCodec":
        """The codec of a message type, made once."""
        return self._messages.get(descriptor) or self._messages.setdefault(
            descriptor, MessageCodec(descriptor, self._compilers, self._max_values)
        )

    def request_reader(self, descriptor: Descriptor) -> RequestReader:
        """Reads JSON values of a message type as a service reads its request: what `MessageCodec.decode_proto_names`
        gives of what `MessageCodec.encode` writes, without the bytes between.

        Called with a value that `parse_json` gave and the path it stands at; values are not counted again. Texts of
        it are handed on, not copied. Raises `JsonError` where `encode` does.
        """
        read = self._compilers.reader.read_of(descriptor)

        def read_request(value: JsonValue, path: str) -> JsonValue:
            try:
                return read(value, MAX_DEPTH)
            except JsonError as error:
                raise error.below(path) from None

        return read_request

    def field_encoder(self, field: FieldDescriptor) -> FieldEncoder:
        """Writes the JSON value of one whole field (a list for a repeated one), tag included.

        Called with the value and the path it stands at. Null is no bytes, except where it is a value.
        """
        return self._fields.get(field) or self._fields.setdefault(field, self._field_encoder(field))

    def encode_text(self, field: FieldDescriptor, text: str) -> bytes:
        """One value of `field`, tag included, read from text as a path or a query has it: see `TextEncoder`.

        Raises `JsonError`.
        """
        encoder = self._texts.get(field) or self._texts.setdefault(field, TextEncoder(field, self._put_of))
        return encoder.encode(text)

    def decode_any(self, wire: bytes, pool: DescriptorPool) -> JsonValue:
        """A google.protobuf.Any, in wire form, as REST answers have it; its type is looked up in `pool`.

        Raises `JsonError`, for types that are not known too.
        """
        return decode_wire(any_decode(pool, self._compilers.rest.decode_of), wire)

    def _field_encoder(self, field: FieldDescriptor) -> FieldEncoder:
        put = field_put(field, self._put_of)
        keeps_null = null_is_value(field)

        def encode(value: JsonValue, path: str) -> bytes:
            return b"" if value is None and not keeps_null else _written(put, value, path)

        return encode

    def _put_of(self, descriptor: Descriptor) -> Put:
        return self._compilers.encoder.put_of(descriptor)


class MessageCodec:
    """Converts messages of one type."""

    __slots__ = (
        "_decode_proto_names", "_decode_rest", "_descriptor", "_max_values", "_proto_names_limit", "_put",
        "_rest_limit", "_style",
    )  # fmt: skip

    def __init__(self, descriptor: Descriptor, compilers: _Compilers, max_values: int) -> None:
        self._descriptor = descriptor
        self._style = compilers.style
        self._put = compilers.encoder.put_of(descriptor)
        self._decode_rest = compilers.rest.decode_of(descriptor)
        self._decode_proto_names = compilers.proto_names.decode_of(descriptor)
        self._rest_limit = compilers.rest_limit
        self._proto_names_limit = compilers.proto_names_limit
        self._max_values = max_values

    @staticmethod
    def of(descriptor: Descriptor) -> "MessageCodec":
        """The codec of a message type, made once for the whole process: for contracts that never go away."""
        return _PROCESS.message(descriptor)

    def encode(self, value: JsonValue, path: str = "") -> bytes:
        """The wire form of a JSON value.

        `path` is where the value stands in what the caller sent; errors are reported below it. Raises
        `JsonError` for values the type does not hold: proto3 JSON (protobuf.dev/programming-guides/json), read
        strictly.
        """
        return _written(self._put, value, path)

    def decode(self, wire: bytes) -> JsonValue:
        """The message as a REST answer has it: proto3 JSON, changed by the options of the scope and of
        modelwire/http/v1.

        Long lists of numbers in a ListValue come as NumPy arrays, for `dump_json`. Raises `JsonError`, for more
        values than the scope allows too.
        """
        return self._checked(self._decode_rest, self._rest_limit, wire, self._max_values)

    def decode_field(self, wire: bytes, field: FieldDescriptor) -> JsonValue:
        """The value of one field of the message, as `decode` has it: `[]`, `0` and the like where it is absent,
        null where it has presence and is absent."""
        absent = None if field.has_presence else zero_of(field, self._style)
        return self.decode(wire).get(self._style.name(field), absent)

    def decode_proto_names(self, wire: bytes, *, max_values: int = MAX_VALUES) -> JsonValue:
        """The message as a service reads its request: like `decode`, but for names and numbers.

        Names are those of the .proto file, 64-bit integers are integers, lists are lists, and a field that
        has no presence is left out when it holds its default. Raises `JsonError`, for more than `max_values`
        values too; a field that comes again, or is unknown, counts as one.
        """
        return self._checked(self._decode_proto_names, self._proto_names_limit, wire, max_values)

    def _checked(self, decode: Decode, limit: ValueLimit, wire: bytes, max_values: int) -> JsonValue:
        if len(wire) < max_values:  # no value takes less than a byte
            return decode_wire(decode, wire)

        def decode_if_few(buf: bytes, pos: int, end: int, depth: int) -> JsonValue:
            limit.check(self._descriptor, buf, max_values)
            return decode(buf, pos, end, depth)

        return decode_wire(decode_if_few, wire)


def _written(put: Put, value: JsonValue, path: str) -> bytes:
    chunks: list[bytes] = []
    try:
        put(chunks, value, MAX_DEPTH)
    except JsonError as error:
        raise error.below(path) from None
    return b"".join(chunks)


_PROCESS: Final = Codecs()
