"""The operator's sentence on every page."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from asci_api.catalogue.notices import NoticeFile


def test_no_file_no_notice_and_a_text_is_enough(tmp_path: Path) -> None:
    notices = NoticeFile(tmp_path)
    assert notices.current() is None
    (tmp_path / "notice.txt").write_text("Beam off on\n Tuesday.\n", "utf-8")
    found = notices.current()
    assert found is not None
    assert (found.text, found.level) == ("Beam off on Tuesday.", "info")
    assert notices.current() is found


def test_json_wins_and_a_changed_text_has_another_id(tmp_path: Path) -> None:
    notices = NoticeFile(tmp_path)
    (tmp_path / "notice.txt").write_text("Plain.", "utf-8")
    first = notices.current()
    (tmp_path / "notice.json").write_text('{"text": "Maintenance at nine.", "level": "warning"}', "utf-8")
    second = notices.current()
    assert first is not None
    assert second is not None
    assert (second.text, second.level) == ("Maintenance at nine.", "warning")
    assert first.id != second.id
    (tmp_path / "notice.json").unlink()
    assert notices.current() == first
    (tmp_path / "notice.txt").write_text("  \n", "utf-8")
    assert notices.current() is None


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"text": 7}', '{"text": "x", "level": "alarm"}', '{"text": "' + "x" * 501 + '"}']
)
def test_what_is_no_notice_is_told_once_and_not_shown(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "notice.json").write_text(content, "utf-8")
    notices = NoticeFile(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert notices.current() is None
        assert notices.current() is None
    assert len(caplog.records) == 1
