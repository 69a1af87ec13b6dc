"""Folders of certificates."""

from __future__ import annotations

from pathlib import Path

from asci_api.engine.clients import TlsFiles
from asci_api.engine.tls_folders import TlsFolders


def test_a_whole_folder(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).touch()
    folders = TlsFolders(tmp_path)
    assert folders.problem("site") == ""
    assert folders.files("site") == TlsFiles(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    folders = TlsFolders(tmp_path)
    assert folders.problem("site") == "There is no folder tls/site in the operator's configuration."
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "cert.pem").touch()
    assert folders.problem("site") == "The folder tls/site lacks ca.pem and key.pem."
