"""How the cluster is told: states of nodes, concerns, charts, outcomes."""

from __future__ import annotations

from flask import Flask

from asci_adminui.words import amounts, concerns, environments, nodes, outcomes, spark
from asci_shared.web.words import marks


def install(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.globals.update(
        amounts=amounts,
        concerns=concerns,
        environments=environments,
        marks=marks,
        nodes=nodes,
        outcomes=outcomes,
        spark=spark,
    )
    app.jinja_env.filters.update(percent=amounts.percent, number=amounts.number, cut=amounts.cut)
