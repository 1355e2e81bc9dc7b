"""The process in which the chat model runs: llama.cpp's own server on loopback, one slot, one key.

`python chat_worker.py MODEL_PATH`, with the key in MODELWIRE_CHAT_WORKER_KEY.
Prints one line of JSON when it can be called, `{"address": URL}`, or when it never will be, `{"error": TEXT}`, and
serves until its standard input ends. A parent that dies, however it dies, closes that, so this process never
outlives it.

A process of its own, because a crash in native code must not take the service along. Run as a file, not by `-m`: it
starts in half a second as long as it imports nothing but the standard library and xllamacpp, not even its package.
"""

import json
import os
import sys
from typing import Any

KEY_VARIABLE = "MODELWIRE_CHAT_WORKER_KEY"
MODEL_ID = "smollm2-135m-instruct"
CONTEXT_TOKENS = 8192
MAX_REPLY_TOKENS = 512


def main() -> None:
    said_to = os.dup(1)
    os.dup2(2, 1)  # whatever native code prints is no address
    try:
        server = _serve(sys.argv[1], os.environ[KEY_VARIABLE])
    except Exception as error:
        _say(said_to, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _say(said_to, {"address": server.listening_address})
    sys.stdin.buffer.read()
    os._exit(0)  # the server's threads would delay an orderly exit, and nothing is to be saved


def _serve(model_path: str, key: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model_path
    params.model_alias = {MODEL_ID}
    params.api_keys = [key]
    params.cors_origins = "http://127.0.0.1"  # the default is "*"
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = -1
    params.n_ctx = CONTEXT_TOKENS
    params.n_predict = MAX_REPLY_TOKENS  # by default a reply may run on to the end of the context
    params.prefill_assistant = False  # a conversation may end with the assistant; that is no reply to be continued
    params.n_parallel = 1  # seeds reproduce only while no other reply shares the batch
    params.cache_ram_mib = 0  # the default keeps up to 8 GiB of old prompts
    cores = _cores()
    params.cpuparams.n_threads = max(1, cores - 1)  # OpenMP spins: a thread a core collapses beside any other load
    params.cpuparams_batch.n_threads = cores
    return xllamacpp.Server(params)


def _cores() -> int:
    """The cores this process may use, fewer than the machine's in a container or under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def _say(file_number: int, message: dict[str, str]) -> None:
    os.write(file_number, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
