"""What schemas of both directions are made of. Unknown members are refused both ways."""

from __future__ import annotations

from marshmallow import RAISE, Schema, validate

from asci_shared.redis_contract import Mode


class Strict(Schema):
    """Refuses what it does not know."""

    class Meta:
        unknown = RAISE


def modes() -> validate.OneOf:
    return validate.OneOf([str(mode) for mode in Mode], error="Choose control or view.")
