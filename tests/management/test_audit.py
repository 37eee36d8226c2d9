from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from migrations_app.models import AuditHead, AuditLine
from tests.audit.stage import tamper, write_lines

pytestmark = pytest.mark.django_db


def audit(*words: str) -> str:
    out = StringIO()
    call_command("audit", *words, stdout=out)
    return out.getvalue()


def test_it_says_that_a_trail_is_whole(ada: User) -> None:
    write_lines(3, ada)
    assert "3 lines" in audit("verify")


def test_it_fails_and_names_the_first_broken_line(ada: User) -> None:
    write_lines(3, ada)
    tamper("UPDATE LINES SET verb = 'x' WHERE number = 2")
    with pytest.raises(CommandError, match="Line 2: it was changed") as failure:
        audit("verify")
    assert failure.value.returncode == 1


def test_an_anchor_file_betrays_a_trail_cut_short(tmp_path: Path) -> None:
    kept = tmp_path / "anchors"
    write_lines(3)
    audit("anchor", "--to", str(kept))
    write_lines(2)
    audit("anchor", "--to", str(kept))
    assert len(kept.read_text().splitlines()) == 2
    assert "2 anchors" in audit("verify", "--anchor", str(kept))
    tamper("DELETE FROM LINES WHERE number > 4")
    AuditHead.objects.update(number=4, digest=AuditLine.objects.get(number=4).digest)
    with pytest.raises(CommandError, match="Line 5"):
        audit("verify", "--anchor", str(kept))


def test_it_prints_the_anchor() -> None:
    write_lines(1)
    number, digest, _ = audit("anchor").split()
    assert (number, digest) == ("1", AuditLine.objects.get().digest)


@pytest.mark.parametrize("text", ["", "nonsense", "1 abc", "é", "1 " + "0" * 64 + "\n\x00"])
def test_it_takes_no_file_that_holds_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "anchors").write_text(text)
    with pytest.raises(CommandError, match="anchors: "):
        audit("verify", "--anchor", str(tmp_path / "anchors"))


def test_it_says_when_there_is_no_such_file() -> None:
    with pytest.raises(CommandError, match="No such file"):
        audit("verify", "--anchor", "/nowhere/at/all")


def test_it_exports_every_line_as_json(ada: User) -> None:
    write_lines(3, ada)
    lines = [json.loads(line) for line in audit("export").splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert lines[0]["actor_name"] == "ada"
    assert lines[1]["previous"] == lines[0]["digest"]
