"""Lists of what a test sends, to be read in columns."""


def words(text: str, *others: str) -> tuple[str, ...]:
    """The words of `text`, and `others`, in which there are blanks or what no editor shows."""
    return (*text.split(), *others)
