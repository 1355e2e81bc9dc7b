"""gRPC's credentials: those of the gRPC door, and those of the channel to the gateway's target."""

import ssl

import grpc

from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.tls.files import File, Pair, complaints_of, load_pair
from modelwire_service.tls.server import Material, ServerCertificates


def server_credentials(certificates: ServerCertificates) -> grpc.ServerCredentials:
    """Each handshake uses what `certificates` has by then.

    Where there are authorities of callers' certificates, callers without one of theirs are not let in.
    """
    used = certificates.current

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC before each handshake, one at a time, in threads of its own; None is for no change."""
        nonlocal used
        if certificates.current is used:
            return None
        used = certificates.current
        return _configuration(used)

    required = used.client_authorities is not None
    return grpc.dynamic_ssl_server_credentials(_configuration(used), renewed, require_client_authentication=required)


def target_credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    """What the gateway calls its target with, None for plain text. Raises ConfigurationError.

    The target's certificate is verified, by the authorities in `target_ca` or the system's. The files are read once.
    """
    if complaints := _target_complaints(settings):
        raise ConfigurationError(complaints)
    if not settings.target_tls:
        return None
    authorities, pair = _target_authorities(settings), _target_pair(settings)
    return channel_credentials(authorities, pair)


def channel_credentials(authorities: bytes | None, pair: Pair | None = None) -> grpc.ChannelCredentials:
    """Those of a client that shows `pair` and trusts `authorities`, in PEM, or the system's if there are none."""
    return grpc.ssl_channel_credentials(authorities, pair and pair.key, pair and pair.certificate)


def _configuration(material: Material) -> grpc.ServerCertificateConfiguration:
    pair = material.pair
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)], material.client_authorities)


def _target_complaints(settings: Settings) -> list[str]:
    names = ("target_ca", "target_certificate", "target_key")
    given = [name for name in names if getattr(settings, name) is not None]
    if not settings.target_tls:
        return [f"{name}: means nothing without target_tls" for name in given]
    pair = {"target_certificate": "target_key", "target_key": "target_certificate"}
    missing = [f"{pair[name]}: is needed with {name}" for name in given if name in pair and pair[name] not in given]
    unusable = complaints_of(lambda: _target_authorities(settings))
    return missing + unusable + ([] if missing else complaints_of(lambda: _target_pair(settings)))


def _target_authorities(settings: Settings) -> bytes | None:
    return File("target_ca", settings.target_ca).certificates() if settings.target_ca else None


def _target_pair(settings: Settings) -> Pair | None:
    certificate, key = settings.target_certificate, settings.target_key
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return load_pair(context, File("target_certificate", certificate), File("target_key", key))
