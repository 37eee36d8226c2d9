"""Lists to take away as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from django.http import StreamingHttpResponse

# A spreadsheet takes a cell that begins like this for a formula and runs it; what containers call themselves is
# chosen by strangers.
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _lines([header, *rows]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Content-Type-Options": "nosniff"},
    )


def harmless(value: object) -> str:
    text = "" if value is None else str(value)
    if isinstance(value, str) and text.lstrip(" ").startswith(_BEGINS_A_FORMULA):
        return "'" + text
    return text


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in rows:
        line = StringIO()
        csv.writer(line).writerow([harmless(cell) for cell in row])
        yield line.getvalue()
