"""Any OpenAI-compatible server as an upstream.

`profiles` say what vendors do otherwise than OpenAI; `requests`, `messages` and `answers` repair it.
"""
