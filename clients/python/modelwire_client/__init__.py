"""What every caller of modelwire's stubs needs beside them: channel options, folded streams, details of errors.

The stubs are in the package `modelwire`, of the same distribution.
"""

from modelwire_client.channel_options import CHANNEL_OPTIONS
from modelwire_client.error_details import error_detail, status_of
from modelwire_client.folding import fold, folded

__all__ = ["CHANNEL_OPTIONS", "error_detail", "fold", "folded", "status_of"]
