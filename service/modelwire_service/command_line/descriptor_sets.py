"""The descriptor sets that an operator names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.sources.descriptors import DescriptorError, services_in_image

from modelwire_service.settings import ConfigurationError


@dataclass(frozen=True, slots=True)
class DescriptorSets:
    """Serialized google.protobuf.FileDescriptorSets, and the services in all of them."""

    images: tuple[bytes, ...]
    services: tuple[ServiceDescriptor, ...]


def read_descriptor_sets(paths: Sequence[Path]) -> DescriptorSets:
    """Raises ConfigurationError with a complaint for each file that cannot be used."""
    images: list[bytes] = []
    services: list[ServiceDescriptor] = []
    complaints: list[str] = []
    for path in paths:
        try:
            images.append(path.read_bytes())
            services.extend(services_in_image(images[-1]))
        except OSError as error:
            complaints.append(f"descriptor_set: {path}: {error.strerror}")
        except DescriptorError as error:
            complaints.append(f"descriptor_set: {path}: {error}")
    if complaints:
        raise ConfigurationError(complaints)
    return DescriptorSets(tuple(images), tuple(services))
