"""Local accounts from the command line.

::

    python -m asci_api.accounts ensure --demo       demo and admin, where they are missing; passwords "name:password"
                                                    on standard input, else made; prints those newly made as JSON
    python -m asci_api.accounts add NAME [--admin|--no-admin] [--fullname X] [--email E] [--uid N] [--group NAME:GID …]
                                                    a new person, or a new password for NAME; the password is the first
                                                    line of standard input, else made; prints what was made as JSON
    python -m asci_api.accounts list | disable NAME | enable NAME

Ends with 0, or with 2 and one line on standard error. The file is ASCI_ACCOUNTS_FILE. A new password and ``disable``
end the person's sign-ins at once where ASCI_REDIS_URL is set and Redis answers; else the controller ends them when it
next compares sign-ins and accounts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TextIO

from asci_api.directory.account_file import Account, AccountFile, Accounts, free_uid
from asci_api.directory.hashing import Hashing
from asci_api.directory.passwords import new_password
from asci_api.domain.errors import AsciError, InvalidInput, NotFound, Unavailable
from asci_api.domain.identity import ADMIN, LEAST_ID, USER, USERNAME, Username
from asci_api.settings import Settings
from asci_api.wiring import end_sign_ins
from asci_shared.environ import Environ, SettingsError

DEMO = {
    "demo": ("Demo Scientist", 20001, (USER,)),
    "admin": ("Demo Administrator", 20002, (USER, ADMIN)),
}

LEAST_CHARACTERS = 8
EndSignIns = Callable[[Username, str], None]


class AccountBook:
    """The deeds of the command line on one file."""

    def __init__(self, file: AccountFile, hashing: Hashing, end: EndSignIns = lambda _username, _reason: None) -> None:
        self._file = file
        self._hashing = hashing
        self._end = end

    def ensure_demo(self, given: dict[str, str]) -> list[dict[str, str]]:
        """Make the demonstration accounts that are missing; user name and password of each that was made."""
        made = []
        with self._file.edit() as accounts:
            for username, (name, uid, roles) in DEMO.items():
                if username not in accounts:
                    password = given.get(username) or new_password()
                    accounts[username] = Account(name, uid, uid, self._hashing.hash(password), roles=roles)
                    made.append({"username": username, "password": password})
        return made

    def add(
        self,
        username: str,
        password: str,
        name: str,
        email: str,
        uid: int | None,
        groups: dict[str, int],
        admin: bool | None,
    ) -> dict[str, str]:
        """Make a person, or give an existing one a new password (and what else was given). ``admin`` None: as it is."""
        _check_name(username)
        chosen = password or new_password()
        _check_password(chosen)
        hashed = self._hashing.hash(chosen)
        with self._file.edit() as accounts:
            known = username in accounts
            accounts[username] = _account(accounts, username, hashed, name, email, uid, groups, admin)
        if known:
            self._end(Username(username), "Your password was changed.")
        shown = {} if password else {"password": chosen}
        return {"username": username, **shown, "made": "password" if known else "account"}

    def switch(self, username: str, disabled: bool) -> None:
        """Disable or enable a person."""
        with self._file.edit() as accounts:
            if username not in accounts:
                raise NotFound(f"Nobody is called {username}.")
            accounts[username] = replace(accounts[username], disabled=disabled)
        if disabled:
            self._end(Username(username), "Your account was disabled.")

    def everybody(self) -> Accounts:
        """All accounts."""
        return self._file.read()


def main(arguments: Sequence[str], stdin: TextIO, stdout: TextIO, hashing: Hashing | None = None) -> int:
    """The command line; the exit code."""
    options = _parser().parse_args(arguments)
    environ = Environ()
    book = AccountBook(
        AccountFile(environ.path("ASCI_ACCOUNTS_FILE", "/accounts/accounts.json")), hashing or Hashing(), _end
    )
    match options.command:
        case "ensure":
            _print(stdout, book.ensure_demo(_pairs(stdin)))
        case "add":
            groups = dict(_group(word) for word in options.group)
            password = "" if stdin.isatty() else stdin.readline().rstrip("\r\n")
            made = book.add(options.name, password, options.fullname, options.email, options.uid, groups, options.admin)
            _print(stdout, made)
        case "list":
            _list(stdout, book.everybody())
        case _:
            book.switch(options.name, options.command == "disable")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asci_api.accounts", description="Local accounts of ASCI.")
    commands = parser.add_subparsers(dest="command", required=True)
    ensure = commands.add_parser("ensure", help="make accounts that are missing")
    ensure.add_argument("--demo", action="store_true", required=True)
    add = commands.add_parser("add", help="add a person, or set her password")
    add.add_argument("name")
    add.add_argument("--admin", action=argparse.BooleanOptionalAction)
    add.add_argument("--fullname", default="")
    add.add_argument("--email", default="")
    add.add_argument("--uid", type=int)
    add.add_argument("--group", action="append", default=[], metavar="NAME:GID")
    commands.add_parser("list", help="print everybody")
    for word in ("disable", "enable"):
        commands.add_parser(word, help=f"{word} a person").add_argument("name")
    return parser


def _account(
    accounts: Accounts,
    username: str,
    hashed: str,
    name: str,
    email: str,
    uid: int | None,
    groups: dict[str, int],
    admin: bool | None,
) -> Account:
    old = accounts.get(username)
    roles = (USER, ADMIN) if admin else (USER,)
    if old is None:
        number = free_uid(accounts) if uid is None else uid
        _check_uid(accounts, number)
        return Account(name or username, number, number, hashed, email, groups, roles)
    if uid not in {None, old.uid}:
        raise InvalidInput(f"{username} has uid {old.uid}; her files belong to it, so it stays.")
    return replace(
        old,
        hash=hashed,
        name=name or old.name,
        email=email or old.email,
        groups={**old.groups, **groups},
        roles=old.roles if admin is None else roles,
        signed_out_at=time.time(),
    )


def _check_name(username: str) -> None:
    if not USERNAME.fullmatch(username):
        raise InvalidInput("User names are lower case: a letter or _, then up to 31 letters, digits, _ or -.")


def _check_password(password: str) -> None:
    """The operator's word counts for more than a person's own choice: only what is surely a slip is refused."""
    if len(password) < LEAST_CHARACTERS:
        raise InvalidInput(f"The password must have at least {LEAST_CHARACTERS} characters.")


def _check_uid(accounts: Accounts, uid: int) -> None:
    if uid < LEAST_ID:
        raise InvalidInput(f"A uid must be at least {LEAST_ID}.")
    if owner := next((name for name, account in accounts.items() if account.uid == uid), ""):
        raise InvalidInput(f"uid {uid} is {owner}'s.")


def _group(word: str) -> tuple[str, int]:
    name, _, gid = word.partition(":")
    if not USERNAME.fullmatch(name) or not gid.isdigit() or int(gid) < LEAST_ID:
        raise InvalidInput(f"A group is written NAME:GID with a gid of at least {LEAST_ID}, not {word!r}.")
    return name, int(gid)


def _pairs(stdin: TextIO) -> dict[str, str]:
    lines = [] if stdin.isatty() else [line.rstrip("\r\n") for line in stdin]
    return {name: password for name, _, password in (line.partition(":") for line in lines) if password}


def _print(stdout: TextIO, document: object) -> None:
    json.dump(document, stdout, indent=2, ensure_ascii=False)
    stdout.write("\n")


def _list(stdout: TextIO, accounts: Accounts) -> None:
    for username, account in sorted(accounts.items()):
        marks = " ".join((*account.roles, *(["disabled"] if account.disabled else [])))
        stdout.write(f"{username:<20} {account.uid:>6}  {account.name:<30} {marks}\n")


def _end(username: Username, reason: str) -> None:
    """End her sign-ins now where this process can reach Redis; else the controller does, since the file says so."""
    environ = Environ()
    if not environ.text("ASCI_REDIS_URL", ""):
        return
    try:
        end_sign_ins(Settings.read(environ), username, reason)
    except Unavailable as away:
        sys.stderr.write(f"accounts: {away} The sign-ins of {username} end once the controller reaches the records.\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout))
    except (AsciError, SettingsError, OSError) as error:
        sys.stderr.write(f"accounts: {error}\n")
        sys.exit(2)
