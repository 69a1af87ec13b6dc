"""What operations take, as marshmallow schemas."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate

from asci_api.domain.environment import ENVIRONMENT_NAME
from asci_api.domain.instance import State
from asci_api.http import paging
from asci_api.http.members import Strict, modes

_GEOMETRY = re.compile(r"[1-9]\d{2,3}x[1-9]\d{2,3}")
_LEAST, _MOST = (320, 240), (7680, 4320)
_CONTROL_SIGNS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _geometry(text: str) -> None:
    if not _GEOMETRY.fullmatch(text):
        raise ValidationError("Write width x height in pixels, such as 1280x800.")
    width, height = map(int, text.split("x"))
    if not (_LEAST[0] <= width <= _MOST[0] and _LEAST[1] <= height <= _MOST[1]):
        raise ValidationError("Between 320x240 and 7680x4320.")


def one_line(text: str) -> None:
    """Refuses line breaks, other control signs, and nothing but blanks."""
    if _CONTROL_SIGNS.search(text) or not text.strip():
        raise ValidationError("Write one line of text.")


def _states(text: str) -> None:
    unknown = set(text.split(",")) - {str(state) for state in State}
    if unknown:
        raise ValidationError(f"Choose from {', '.join(State)}, with commas between.")


def _title(**options: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, 80), one_line], **options)


class NoQuery(Strict):
    """No parameter at all."""


class Paged(Strict):
    """A page of a list."""

    limit = fields.Integer(
        load_default=paging.DEFAULT,
        validate=validate.Range(1, paging.MOST),
        metadata={"description": "How many at most."},
    )
    cursor = fields.String(
        load_default="",
        validate=validate.Length(max=400),
        metadata={"description": "`next_cursor` of the page before."},
    )


class SignInRequest(Strict):
    """Name and password."""

    username = fields.String(required=True, validate=validate.Length(1, 128))
    password = fields.String(required=True, validate=validate.Length(1, 1024), metadata={"format": "password"})


class PasswordChange(Strict):
    """The present password and the new one."""

    current = fields.String(required=True, validate=validate.Length(1, 1024), metadata={"format": "password"})
    new = fields.String(required=True, validate=validate.Length(1, 1024), metadata={"format": "password"})


class PeopleQuery(Strict):
    """Whom to look for."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=128),
        metadata={"description": "The beginning of a user name or of a word of a name; at least 2 characters."},
    )


class StartRequest(Strict):
    """What to start."""

    environment = fields.String(
        required=True,
        validate=validate.Regexp(ENVIRONMENT_NAME.pattern + r"\Z", error="No environment can be called so."),
        metadata={"example": "desktop"},
    )
    title = _title(metadata={"description": "The environment's where left out.", "example": "Tomography, 24117"})
    geometry = fields.String(validate=_geometry, metadata={"description": "Pixels.", "example": "1280x800"})


class InstanceChange(Strict):
    """What to change; members that are left out stay as they are."""

    title = _title()
    expires_at = fields.AwareDateTime(metadata={"description": "Its new end, at most the policy's longest life away."})


class InstancesQuery(Paged):
    """Which instances."""

    scope = fields.String(
        load_default="mine",
        validate=validate.OneOf(["mine", "all"]),
        metadata={"description": "`mine`: one's own and those shared with one. `all`: everybody's, for admins."},
    )
    state = fields.String(load_default="", validate=_states, metadata={"description": "States, with commas between."})
    owner = fields.String(load_default="", validate=validate.Length(max=64))
    node = fields.String(load_default="", validate=validate.Length(max=64))
    q = fields.String(
        load_default="",
        validate=validate.Length(max=128),
        metadata={"description": "Part of a title, an id, an environment or the owner's name."},
    )


class ConnectionRequest(Strict):
    """How to open it."""

    mode = fields.String(required=True, validate=modes())


class ShareRequest(Strict):
    """What the other person may do."""

    mode = fields.String(required=True, validate=modes())
