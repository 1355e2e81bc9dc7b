"""Answers of vendors that say what OpenAI says in words of their own, and what goes out for them.

| came | goes out |
| --- | --- |
| `reasoning` beside the content | `reasoning_content`; once, where both came |
| content `<thought>why</thought>what`, split anywhere | reasoning_content `why`, content `what` |
| choices null, absent or empty (the prompt was blocked) | one choice, content null, `content_filter` |
| a choice with message null and no reason to finish | the same |
| total_tokens over prompt_tokens + completion_tokens | completion_tokens with the thoughts, reasoning_tokens beside |

What holds of every upstream is done once, for all of them, where answers leave the service: ids, indexes, roles,
reasons to finish, tool calls, usage at the end of a stream.
"""

from modelwire_service.finish_reasons import CONTENT_FILTER
from modelwire_service.upstreams.answer_json import as_count, choice_index
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.openai.answer_values import text_of
from modelwire_service.upstreams.openai.profiles import Profile
from modelwire_service.upstreams.openai.thought_tags import ThoughtSplitter


def repaired_completion(completion: Json, profile: Profile) -> Json:
    """A whole answer, whose choices were checked, as OpenAI would word it."""
    choices = completion.get("choices")
    if choices:
        choices = [_choice(choice, profile) for choice in choices]
    elif profile.no_choices_when_blocked and _is_completion(completion):
        choices = [{"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": CONTENT_FILTER}]
    return {**completion, **_usage(completion, profile), "choices": choices}


class ChunkRepair:
    """The chunks of one stream, whose choices were checked, as OpenAI would word them."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._splitters: dict[int, ThoughtSplitter] = {}
        self._heard = False

    def chunk(self, chunk: Json) -> Json:
        """What goes out for one chunk."""
        self._heard = self._heard or _is_completion(chunk)
        choices = [self._choice(choice, position) for position, choice in enumerate(chunk.get("choices") or ())]
        return {**chunk, **_usage(chunk, self._profile), "choices": choices}

    def ended(self, *, began: bool) -> list[Json]:
        """What goes out behind the last chunk. `began` tells whether there was any choice."""
        if not began and self._heard and self._profile.no_choices_when_blocked:
            return [{"choices": [{"index": 0, "delta": {"content": None}, "finish_reason": CONTENT_FILTER}]}]
        left = [(index, _split_members({}, splitter.close())) for index, splitter in self._splitters.items()]
        return [{"choices": [{"index": index, "delta": delta}]} for index, delta in left if delta]

    def _choice(self, choice: Json, position: int) -> Json:
        delta = choice.get("delta") or {}
        if self._profile.writes_reasoning:
            delta = _one_reasoning(delta)
        if self._profile.thoughts_in_content:
            splitter = self._splitters.setdefault(choice_index(choice, position), ThoughtSplitter())
            delta = _split(delta, splitter, last=bool(choice.get("finish_reason")))
        return {**choice, "delta": delta}


def _choice(choice: Json, profile: Profile) -> Json:
    message = choice.get("message") or {}
    if not message and not choice.get("finish_reason") and profile.no_choices_when_blocked:
        return {**choice, "finish_reason": CONTENT_FILTER}
    if profile.writes_reasoning:
        message = _one_reasoning(message)
    if profile.thoughts_in_content:
        message = _split(message, ThoughtSplitter(), last=True)
    return {**choice, "message": message}


def _one_reasoning(said: Json) -> Json:
    if "reasoning" not in said:
        return said
    rest = {key: value for key, value in said.items() if key != "reasoning"}
    if (told := text_of(said["reasoning"], "reasoning")) and not rest.get("reasoning_content"):
        rest["reasoning_content"] = told
    return rest


def _split(said: Json, splitter: ThoughtSplitter, *, last: bool) -> Json:
    content = said.get("content") or ""
    thought, text = splitter.feed(content, marked=_marked(said))
    if last:
        more_thought, more_text = splitter.close()
        thought, text = thought + more_thought, text + more_text
    return said if (thought, text) == ("", content) else _split_members(said, (thought, text))


def _split_members(said: Json, split: tuple[str, str]) -> Json:
    thought, text = split
    rest = {key: value for key, value in said.items() if key != "content"}
    if thought:
        beside = rest.get("reasoning_content")
        rest["reasoning_content"] = beside + thought if beside else thought
    return {**rest, "content": text} if text else rest


def _marked(said: Json) -> bool:
    extra = said.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True


def _usage(answer: Json, profile: Profile) -> Json:
    usage = answer.get("usage")
    if not profile.thoughts_not_counted or not isinstance(usage, dict):
        return {}
    prompt, completion, total = (as_count(usage.get(f"{kind}_tokens")) for kind in ("prompt", "completion", "total"))
    thoughts = total - prompt - completion
    if thoughts <= 0:
        return {}
    told = usage.get("completion_tokens_details")
    details = {"reasoning_tokens": thoughts, **(told if isinstance(told, dict) else {})}
    return {"usage": {**usage, "completion_tokens": completion + thoughts, "completion_tokens_details": details}}


def _is_completion(answer: Json) -> bool:
    """Whether JSON without choices is an answer all the same, and not anything else."""
    return bool(answer.get("object") or answer.get("model"))
