"""What calls can be summed by. Days are those of UTC."""

from typing import Final

GROUPS: Final = ("key", "model", "upstream", "day", "outcome")
