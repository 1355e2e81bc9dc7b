"""The embedded models of several workers."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx
from support.crews import PATIENCE, WORKERS, Crew, is_gone, running_crew

CHAT = {
    "model": "smollm2-135m-instruct",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 1,
}
TEXTS = {"model": "all-minilm-l6-v2", "input": ["a text", "another one, somewhat longer"]}
CHAT_PROGRAM = b"chat_worker"
TEXT_PROGRAM = b"embedding_program"


def processes(crew: Crew, program: bytes) -> list[int]:
    """Those that run `program`, of all that the server's processes have started."""
    own = {crew.process.pid, *crew.pids.values()}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in own and program in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except FileNotFoundError:
            pass
    return found


async def posted(crew: Crew, path: str, body: dict[str, Any], call: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE, verify=False) as client:
        return await client.post(f"{crew.url}/v1/{path}", json=body, headers={"x-request-id": call})


async def answers_of_each_worker(crew: Crew, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Calls until all workers have answered."""
    answers: dict[int, dict[str, Any]] = {}
    while len(answers) < WORKERS:
        call = f"call-{len(crew.log)}"
        answer = await posted(crew, path, body, call)
        assert answer.status_code == 200, answer.text
        answers[(await crew.logged("call", id=call))["worker"]] = answer.json()
    return list(answers.values())


async def test_one_process_a_model_answers_for_all_workers_and_is_replaced_when_it_dies() -> None:
    async with running_crew("--no-usage") as crew:
        for path, body, program in (("chat/completions", CHAT, CHAT_PROGRAM), ("embeddings", TEXTS, TEXT_PROGRAM)):
            first, second = await answers_of_each_worker(crew, path, body)
            assert first.get("data") == second.get("data")
            (process,) = processes(crew, program)

            os.kill(process, signal.SIGKILL)
            await is_gone(process)
            assert (await posted(crew, path, body, f"after {path}")).json().get("data") == first.get("data")
            (replaced,) = processes(crew, program)
            assert replaced != process

        refused = await posted(crew, "embeddings", TEXTS | {"dimensions": 385}, "refused")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "dimensions")

        left = [*processes(crew, CHAT_PROGRAM), *processes(crew, TEXT_PROGRAM)]
        crew.process.kill()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(is_gone(process) for process in left))
