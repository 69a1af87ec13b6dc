"""Local accounts in a file. LDAP or OIDC would be other classes with the same shape (``ports.Directory``)."""

from __future__ import annotations

from asci_api.directory.account_file import Account, AccountFile, with_hash
from asci_api.directory.hashing import Hashing
from asci_api.directory.passwords import check_strength
from asci_api.domain.errors import NotFound
from asci_api.domain.identity import Person, Username


class LocalDirectory:
    """Satisfies ``Directory``. Reads follow the file; passwords are argon2 hashes."""

    def __init__(self, file: AccountFile, hashing: Hashing) -> None:
        self._file = file
        self._hashing = hashing

    def warm(self) -> None:
        """Prepare what unknown names are checked against; before workers are forked, so that none does it late."""
        self._hashing.warm()

    def authenticate(self, username: str, password: str) -> Person | None:
        account = self._file.read().get(username)
        matches = self._hashing.matches(account.hash if account else None, password)
        return account.person(username) if account and matches and not account.disabled else None

    def get(self, username: str) -> Person | None:
        account = self._file.read().get(username)
        return account.person(username) if account else None

    def everybody(self) -> list[Person]:
        return [account.person(username) for username, account in sorted(self._file.read().items())]

    def search(self, text: str, limit: int = 10) -> list[Person]:
        wanted = text.casefold()
        found = [
            account.person(username)
            for username, account in self._file.read().items()
            if not account.disabled and _begins(username, account, wanted)
        ]
        return sorted(found, key=lambda person: (person.name.casefold(), person.username))[:limit]

    def change_password(self, username: Username, new: str) -> None:
        check_strength(username, new)
        hashed = self._hashing.hash(new)
        with self._file.edit() as accounts:
            account = accounts.get(username)
            if account is None:
                raise NotFound("Nobody by that name.", slug="unknown-person")
            accounts[username] = with_hash(account, hashed)


def _begins(username: str, account: Account, wanted: str) -> bool:
    name = account.name.casefold()
    return username.startswith(wanted) or name.startswith(wanted) or any(w.startswith(wanted) for w in name.split())
