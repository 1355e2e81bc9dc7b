"""Turns texts into vectors with all-MiniLM-L6-v2 on onnxruntime, off the event loop.

One thread does all the work, a batch at a time, so that texts of many callers take turns and a caller who leaves
is rid of after the batch at hand. Texts are sorted by length before they are batched: what is padded is wasted, and
attention costs memory by the square of the longest text. A text's vector does not depend on what it shares a
batch with: padding is masked out exactly, and each text is pooled by itself.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.upstreams.embedded.word_piece import WordPiece, bert_uncased

DIMENSIONS = 384
MAX_TOKENS = 512
_MAX_BATCH_TEXTS = 32
_MAX_BATCH_TOKENS = 1024
_MAX_THREADS = 4

Vector = NDArray[np.floating[Any]]


class TextEmbedder(Protocol):
    """The embedding model, wherever it runs."""

    def load_soon(self) -> None: ...

    async def embed(self, texts: Sequence[str], dimensions: int | None = None) -> tuple[list[Vector], int]: ...

    def close(self) -> None: ...


class Embedder:
    """Embeds texts. The model is loaded by the first of them, unless `load_soon` was called before."""

    def __init__(self, model_path: Path) -> None:
        self._model_path = model_path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._session: Any = None
        self._tokenizer: WordPiece | None = None

    def load_soon(self) -> None:
        """Begins to load the model and the vocabulary, which takes half a second; texts wait for it."""
        self._executor.submit(self._load)

    def close(self) -> None:
        """Ends the thread, after the batch at hand."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def embed(self, texts: Sequence[str], dimensions: int | None = None) -> tuple[list[Vector], int]:
        """One vector of length 1 a text, in order, float32, and the number of tokens read, markers included.

        With `dimensions`, vectors are cut to as many and made of length 1 again. Raises InvalidRequest for
        dimensions the model has not, and for texts longer than it reads.
        """
        if dimensions is not None and not 1 <= dimensions <= DIMENSIONS:
            raise InvalidRequest.of("dimensions", f"must be between 1 and {DIMENSIONS}")
        token_lists = await self._in_thread(self._tokenize, texts)
        vectors: dict[int, Vector] = {}
        for batch in _batches([len(tokens) for tokens in token_lists]):
            found = await self._in_thread(self._run, [token_lists[index] for index in batch])
            vectors.update(zip(batch, found, strict=True))
        in_order = [_unit(vectors[index][:dimensions]) for index in range(len(texts))]
        return in_order, sum(len(tokens) for tokens in token_lists)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _load(self) -> tuple[Any, WordPiece]:
        if self._session is None or self._tokenizer is None:
            self._tokenizer = bert_uncased()
            self._session = _session(self._model_path)
        return self._session, self._tokenizer

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        _, tokenizer = self._load()
        token_lists = [tokenizer.encode(text) for text in texts]
        too_long = [
            Violation(f"input[{index}]", f"has {len(tokens)} tokens; the model reads at most {MAX_TOKENS}")
            for index, tokens in enumerate(token_lists)
            if len(tokens) > MAX_TOKENS
        ]
        if too_long:
            raise InvalidRequest(too_long)
        return token_lists

    def _run(self, token_lists: list[list[int]]) -> list[Vector]:
        """Mean-pooled outputs of texts that are run together, not yet of length 1."""
        shape = (len(token_lists), max(len(tokens) for tokens in token_lists))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, tokens in enumerate(token_lists):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        session, _ = self._load()
        (hidden,) = session.run(["last_hidden_state"], inputs)
        return [hidden[row, : len(tokens)].mean(axis=0) for row, tokens in enumerate(token_lists)]


def _session(model_path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Indexes of texts to run together, shortest first: few enough, and few enough tokens with the padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == _MAX_BATCH_TEXTS or (len(batch) + 1) * lengths[index] > _MAX_BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _unit(vector: Vector) -> Vector:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
