"""The operator's nodes: ``nodes.yaml`` in the configuration folder, a list of registrations.

::

    - name: gpu-1
      url: tcp://10.2.0.11:2376
      publish: 10.2.0.11
      tls: site                      # <config>/tls/site/{ca,cert,key}.pem
      labels: {beamline: xfm}
      taints: [{key: online, value: "true"}]
      overcommit: {cpus: 2, memory: 1}
      gpus: [{model: A100, memory: 40 GiB, slots: 4}]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError, fields, validate

from asci_api.catalogue.amounts import Bytes
from asci_api.catalogue.changes import FileWatch
from asci_api.catalogue.schema import Strict, sentences
from asci_api.domain.environment import GIB
from asci_api.domain.identity import NodeName
from asci_api.domain.node import DeclaredGpu, NodeRegistration, NodeSource, Overcommit, Taint
from asci_api.domain.registering import EFFECT, complaints
from asci_shared.logging import get_logger

_log = get_logger(__name__)


class NodeFileError(Exception):
    """The file cannot be used. The text is for the operator: node, field, what is wrong."""


class _Taint(Strict):
    key = fields.String(required=True)
    value = fields.String(load_default="")
    effect = fields.String(load_default=EFFECT)


class _Overcommit(Strict):
    cpus = fields.Float(load_default=1.0)
    memory = fields.Float(load_default=1.0)


class _Gpu(Strict):
    model = fields.String(load_default="", validate=validate.Length(max=80))
    memory = Bytes(0, 1024 * GIB, load_default=0)
    slots = fields.Integer(strict=True, load_default=1)
    uuid = fields.String(load_default="", validate=validate.Length(max=80))


class _Node(Strict):
    name = fields.String(required=True)
    url = fields.String(required=True)
    publish = fields.String(load_default="")
    tls = fields.String(load_default="")
    labels = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)
    taints = fields.List(fields.Nested(_Taint), load_default=list)
    overcommit = fields.Nested(_Overcommit, load_default=None, allow_none=True)
    gpus = fields.List(fields.Nested(_Gpu), load_default=list)


class NodeFile:
    """The nodes as the file has them now; read again when it changes."""

    def __init__(self, path: Path, built_in: Iterable[NodeRegistration] = ()) -> None:
        self._path = path
        self._built_in = tuple(built_in)
        self._watch = FileWatch(path)
        self._nodes: tuple[NodeRegistration, ...] = ()

    def declared(self) -> tuple[NodeRegistration, ...]:
        """The built-in nodes, then the file's. A file that cannot be used is logged once and changes nothing."""
        if self._watch.changed():
            try:
                self._nodes = read_nodes(self._path, {one.name for one in self._built_in})
            except NodeFileError as error:
                _log.error("nodes.refused", detail=str(error))
        return (*self._built_in, *self._nodes)


def read_nodes(path: Path, taken: Iterable[str] = ()) -> tuple[NodeRegistration, ...]:
    """Read the file; a missing or empty one names none. Raises ``NodeFileError``."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise NodeFileError(f"{path.name} cannot be read: {error}") from error
    if content is not None and not isinstance(content, list):
        raise NodeFileError(f"{path.name} must be a list of nodes.")
    names, nodes = set(taken), []
    for number, entry in enumerate(content or (), 1):
        node = _node(path, number, entry)
        if node.name in names:
            raise NodeFileError(f"{path.name}, entry {number}: there is a node {node.name} already")
        names.add(node.name)
        nodes.append(node)
    return tuple(nodes)


def _node(path: Path, number: int, entry: Any) -> NodeRegistration:
    try:
        facts: dict[str, Any] = _Node().load(entry)
    except ValidationError as error:
        raise NodeFileError(f"{path.name}, entry {number}: {'; '.join(sentences(error.messages))}") from error
    node = NodeRegistration(
        name=NodeName(facts["name"]),
        url=facts["url"],
        publish=facts["publish"],
        tls=facts["tls"],
        labels=facts["labels"],
        taints=tuple(Taint(**one) for one in facts["taints"]),
        overcommit=Overcommit(**facts["overcommit"]) if facts["overcommit"] else None,
        gpus=tuple(DeclaredGpu(**one) for one in facts["gpus"]),
        source=NodeSource.FILE,
    )
    if wrong := complaints(node):
        told = "; ".join(f"{field}: {sentence}" for field, several in wrong.items() for sentence in several)
        raise NodeFileError(f"{path.name}, entry {number} ({node.name}): {told}")
    return node
