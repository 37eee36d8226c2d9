"""The words of duties and planning rules: tags and groups so plain that two people spell them alike, and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from migrations_app.vz.names import clean_line

LONGEST_WORD: Final = 40
LONGEST_SENTENCE: Final = 500
MOST_WORDS: Final = 20
_WORD: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.ASCII)
_HOW: Final = "small letters and digits, with dots, dashes and underscores between them"


def objections(words: Sequence[str]) -> Iterator[str]:
    """Yield all that is wrong with them."""
    if len(words) > MOST_WORDS:
        yield f"{len(words)} words are too many: give at most {MOST_WORDS}."
        return
    for word in words:
        yield from of_word(word)


def of_word(word: str) -> Iterator[str]:
    if len(word) > LONGEST_WORD:
        yield f"{clean_line(word, limit=20)!r} has {len(word)} characters: at most {LONGEST_WORD} are allowed."
    elif not _WORD.fullmatch(word):
        yield f"{clean_line(word, limit=LONGEST_WORD)!r} is not one plain word: {_HOW}."


def of_sentence(sentence: str) -> Iterator[str]:
    """Yield what is wrong with a sentence in which white space is folded."""
    if len(sentence) > LONGEST_SENTENCE:
        yield f"At most {LONGEST_SENTENCE} characters."
    elif sentence != clean_line(sentence, limit=LONGEST_SENTENCE):
        yield "Write it without invisible characters."


def folded(text: str) -> str:
    return " ".join(text.split())
