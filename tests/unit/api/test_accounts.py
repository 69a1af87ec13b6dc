"""Local accounts: the file, the hashes, the command line."""

from __future__ import annotations

import io
import json
import threading
import time
from pathlib import Path

import pytest

from asci_api.accounts import AccountBook, main
from asci_api.directory.account_file import Account, AccountFile
from asci_api.directory.hashing import Hashing
from asci_api.directory.local import LocalDirectory
from asci_api.directory.passwords import new_password
from asci_api.domain.errors import AsciError, InvalidInput, Unavailable
from asci_api.domain.identity import Username
from tests.support.api_lab import QUICK


class Terminal:
    """The command line on a file of a test's own."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        monkeypatch.setenv("ASCI_ACCOUNTS_FILE", str(path))
        monkeypatch.delenv("ASCI_REDIS_URL", raising=False)
        self.directory = LocalDirectory(AccountFile(path), Hashing(QUICK))

    def run(self, *arguments: str, given: str = "") -> str:
        out = io.StringIO()
        assert main(arguments, io.StringIO(given), out, Hashing(QUICK)) == 0
        return out.getvalue()


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(tmp_path / "accounts.json", monkeypatch)


def test_the_demonstration_accounts_are_made_once(terminal: Terminal) -> None:
    made = json.loads(terminal.run("ensure", "--demo", given="demo:known-to-us\n"))
    assert [one["username"] for one in made] == ["demo", "admin"]
    assert made[0]["password"] == "known-to-us"
    assert json.loads(terminal.run("ensure", "--demo", given="demo:other-word\n")) == []
    demo = terminal.directory.authenticate("demo", "known-to-us")
    admin = terminal.directory.authenticate("admin", made[1]["password"])
    assert demo is not None
    assert admin is not None
    assert (demo.uid, demo.roles, admin.uid, admin.roles) == (20001, ("user",), 20002, ("user", "admin"))
    assert terminal.directory.authenticate("demo", "other-word") is None
    assert terminal.path.stat().st_mode & 0o777 == 0o600
    assert "known-to-us" not in terminal.path.read_text()


def test_people_are_added_and_given_new_passwords(terminal: Terminal) -> None:
    made = json.loads(terminal.run("add", "mara", "--fullname", "Mara Lindqvist", "--group", "xfm:30001"))
    assert made["made"] == "account"
    mara = terminal.directory.authenticate("mara", made["password"])
    assert mara is not None
    assert (mara.uid, mara.gid, mara.name, mara.groups[0].gid) == (20003, 20003, "Mara Lindqvist", 30001)
    again = json.loads(terminal.run("add", "mara", "--admin", given="a-word-of-hers\n"))
    assert again == {"username": "mara", "made": "password"}
    mara = terminal.directory.authenticate("mara", "a-word-of-hers")
    assert mara is not None
    assert (mara.uid, mara.name, mara.is_admin) == (20003, "Mara Lindqvist", True)
    assert json.loads(terminal.run("add", "jun", "--uid", "30500"))["made"] == "account"
    assert json.loads(terminal.run("add", "kim"))["username"] == "kim"
    kim = terminal.directory.get("kim")
    assert kim is not None
    assert kim.uid == 30501


def test_an_administrator_becomes_a_user_again(terminal: Terminal) -> None:
    terminal.run("add", "mara", "--admin", given="first-word\n")
    terminal.run("add", "mara", given="second-word\n")
    mara = terminal.directory.get("mara")
    assert mara is not None
    assert mara.is_admin
    terminal.run("add", "mara", "--no-admin", given="third-word\n")
    mara = terminal.directory.get("mara")
    assert mara is not None
    assert mara.roles == ("user",)


def test_a_new_password_says_that_earlier_sign_ins_are_over(terminal: Terminal) -> None:
    terminal.run("add", "mara", given="first-word\n")
    mara = terminal.directory.get("mara")
    assert mara is not None
    assert mara.signed_out_at == 0.0
    before = time.time()
    terminal.run("add", "mara", given="second-word\n")
    mara = terminal.directory.get("mara")
    assert mara is not None
    assert mara.signed_out_at >= before


def test_disabled_people_are_kept_out_and_listed(terminal: Terminal) -> None:
    password = json.loads(terminal.run("add", "mara"))["password"]
    terminal.run("disable", "mara")
    assert terminal.directory.authenticate("mara", password) is None
    assert terminal.directory.search("ma") == []
    assert "disabled" in terminal.run("list")
    terminal.run("enable", "mara")
    assert terminal.directory.authenticate("mara", password) is not None


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("add", "Mara"), ""),
        (("add", "0mara"), ""),
        (("add", "m" * 33), ""),
        (("add", "../mara"), ""),
        (("add", "mara", "--uid", "0"), ""),
        (("add", "mara", "--uid", "20001"), ""),
        (("add", "mara", "--group", "root:0"), ""),
        (("add", "mara", "--group", "xfm"), ""),
        (("add", "mara"), "short\n"),
        (("add", "demo", "--uid", "20009"), ""),
        (("disable", "nobody"), ""),
    ],
)
def test_what_is_refused_changes_nothing(terminal: Terminal, arguments: tuple[str, ...], given: str) -> None:
    terminal.run("ensure", "--demo")
    before = terminal.path.read_text()
    with pytest.raises(AsciError):
        main(arguments, io.StringIO(given), io.StringIO(), Hashing(QUICK))
    assert terminal.path.read_text() == before


@pytest.mark.parametrize("content", ["", "\n", '{"demo"', "[]", "null"])
def test_a_damaged_file_is_nobodys_absence(terminal: Terminal, content: str) -> None:
    terminal.path.write_text(content)
    with pytest.raises(Unavailable) as reading:
        terminal.directory.get("demo")
    assert reading.value.slug == "no-accounts"
    for arguments in (("add", "mara"), ("ensure", "--demo")):
        with pytest.raises(Unavailable, match=r"accounts.json cannot be read, so nothing was changed\. .+\."):
            terminal.run(*arguments)
    assert terminal.path.read_text() == content


def test_a_new_password_and_disabling_end_sign_ins(tmp_path: Path) -> None:
    ended: list[tuple[str, str]] = []
    book = AccountBook(
        AccountFile(tmp_path / "a.json"), Hashing(QUICK), lambda username, reason: ended.append((username, reason))
    )
    book.add("mara", "first-word", "", "", None, {}, admin=False)
    assert ended == []
    book.add("mara", "second-word", "", "", None, {}, admin=False)
    book.switch("mara", disabled=True)
    book.switch("mara", disabled=False)
    assert ended == [("mara", "Your password was changed."), ("mara", "Your account was disabled.")]


def test_nobody_is_lost_when_many_write(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"

    def add(number: int) -> None:
        with AccountFile(path).edit() as accounts:
            accounts[f"user{number}"] = Account("", 20003 + number, 20003 + number, "")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(AccountFile(path).read()) == 16


def test_a_failed_change_leaves_the_file_alone(tmp_path: Path) -> None:
    file = AccountFile(tmp_path / "accounts.json")

    def interrupted() -> None:
        with file.edit() as accounts:
            accounts["mara"] = Account("", 20003, 20003, "")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert [one.name for one in tmp_path.iterdir()] == ["accounts.json.lock"]


def test_a_missing_file_is_an_outage_not_an_empty_house(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        AccountFile(tmp_path / "accounts.json").read()


@pytest.mark.parametrize("text", ["{", "[]", '{"mara": 5}', '{"mara": {"name": "x"}}'])
def test_a_broken_file_is_an_outage_not_an_empty_house(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text)
    with pytest.raises(Unavailable):
        AccountFile(path).read()


def test_unknown_members_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text('{"mara": {"name": "Mara", "uid": 20003, "gid": 20003, "hash": "", "badge": 7}}')
    assert AccountFile(path).read()["mara"].person("mara").name == "Mara"


def test_hashes_are_argon2id_with_64_mib() -> None:
    hashing = Hashing()
    hashed = hashing.hash("a good word")
    assert hashed.startswith("$argon2id$v=19$m=65536,")
    assert hashing.matches(hashed, "a good word")
    assert not hashing.matches(hashed, "another word")
    assert not hashing.matches(None, "")
    assert not hashing.matches("no hash at all", "x")


def test_made_passwords_differ_and_pass(tmp_path: Path) -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    directory = LocalDirectory(AccountFile(tmp_path / "a.json"), Hashing(QUICK))
    AccountBook(AccountFile(tmp_path / "a.json"), Hashing(QUICK)).add("mara", "", "", "", None, {}, admin=False)
    for password in made:
        directory.change_password(Username("mara"), password)
    with pytest.raises(InvalidInput):
        directory.change_password(Username("mara"), "mara-mara-mara")
