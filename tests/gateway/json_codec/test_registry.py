from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from modelwire_gateway.json_codec import MessageCodec


def chain(length: int) -> Descriptor:
    """A message type that contains another, and so on, `length` times, and the last the first."""
    file = descriptor_pb2.FileDescriptorProto(name="chain.proto", package="chain", syntax="proto3")
    for index in range(length):
        link = file.message_type.add(name=f"Link{index}")
        link.field.add(
            name="next", number=1, label="LABEL_OPTIONAL", type="TYPE_MESSAGE",
            type_name=f".chain.Link{(index + 1) % length}",
        )  # fmt: skip
    pool = DescriptorPool()
    pool.Add(file)
    return pool.FindMessageTypeByName("chain.Link0")


def test_long_chains_of_types_are_compiled() -> None:
    codec = MessageCodec.of(chain(3000))
    assert codec.decode(codec.encode({"next": {"next": {}}})) == {"next": {"next": {}}}


def test_no_thread_sees_a_codec_half_made() -> None:
    descriptor = chain(300)
    together = Barrier(8)

    def encode() -> bytes:
        together.wait()
        return MessageCodec.of(descriptor).encode({"next": {"next": {}}})

    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(encode) for _ in range(8)]
    assert {result.result() for result in results} == {b"\x0a\x02\x0a\x00"}
