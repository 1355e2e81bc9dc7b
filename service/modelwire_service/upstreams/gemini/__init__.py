"""The Gemini API as an upstream, natively: OpenAI's JSON on this side, generateContent on the other.

    families.py           what a model's name tells of it
    refusals.py           what Gemini cannot do, refused by name
    request.py            a chat request, put together from
        contents.py           the conversation: roles, turns, their order
        signatures.py         thought signatures
        parts.py              text, images, audio, files
        inline_data.py        data: URLs and base64
        tool_turns.py         calls made and their results
        tools.py              what may be called
        schemas.py            which of two fields a JSON Schema goes to
        schema_cleanup.py     … rewritten for the field that takes a part of OpenAPI
        schema_references.py  … its references resolved
        schema_unions.py      … its unions merged
        json_schema.py        … nearly as it is, for the field that takes JSON Schema
        generation_config.py  sampling, formats, modalities
        thinking.py           reasoning_effort
        extra_body.py         extra_body.google
    answers.py            an answer, put together from
        candidate_parts.py    what a candidate says
        audio_answer.py       … when it speaks
        finish_reasons.py     why it ended
        usage.py              tokens
        logprobs.py           their probabilities
    stream.py             the same, event by event
    embeddings.py, models.py, errors.py
    remote_media.py       what a conversation points to on the web
    media.py              … fetched for callers, where an operator allows it
    wire.py               its addresses and the key
    adapter.py            the upstream itself

All but media, wire, adapter, embeddings and models is pure. Where public implementations disagree, the way that
loses nothing is taken, and the reason stands beside the code.
"""
