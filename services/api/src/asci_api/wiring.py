"""The one place where adapters are made. Nothing here connects: each adapter does when it is first used."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from asci_api.catalogue.environments import Catalogue
from asci_api.catalogue.node_file import NodeFile
from asci_api.catalogue.notices import NoticeFile
from asci_api.catalogue.overlay import OverlayFile
from asci_api.catalogue.registry import Registry, RegistryAddress
from asci_api.catalogue.sources import Listing
from asci_api.directory.account_file import AccountFile
from asci_api.directory.hashing import Hashing
from asci_api.directory.local import LocalDirectory
from asci_api.domain.identity import Username
from asci_api.domain.node import NodeRegistration, NodeSource
from asci_api.domain.ports import Clock, Notices, Readiness, Registrations
from asci_api.engine.container_spec import ContainerSpecs, Homes, Manners
from asci_api.engine.nodes import LOCAL, RegisteredEngines
from asci_api.engine.readiness import Probe
from asci_api.engine.tls_folders import TlsFolders
from asci_api.settings import Settings
from asci_api.store.redis import connect
from asci_api.store.stores import RedisStore
from asci_api.work.front_desk import FrontDesk
from asci_api.work.registered_nodes import registered_nodes
from asci_api.work.sign_in import end_all_sign_ins
from asci_shared.environ import SettingsError


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything that a process of this package can be made of."""

    store: RedisStore
    engines: RegisteredEngines
    readiness: Readiness
    directory: LocalDirectory
    notices: Notices
    catalogue: Catalogue
    registry: Registry | None
    """What nodes pull from; None: each has what was built or loaded there."""
    make_spec: ContainerSpecs
    nodes: NodeFile
    tls: TlsFolders
    clock: Clock


def build(settings: Settings, process: str = "api") -> Adapters:
    """The adapters of one process; ``process`` is the name that Redis shows for its connections."""
    homes = _homes(settings)
    overlay = OverlayFile(settings.config_dir / "overlay.yaml")
    store = RedisStore(connect(settings.redis_url, settings.redis_password, name=process))
    nodes = NodeFile(settings.config_dir / "nodes.yaml", [built_in(settings.docker_url)])
    tls = TlsFolders(settings.config_dir / "tls")
    known = Known(store.registrations, nodes.declared)
    registry = _registry(settings)
    return Adapters(
        store=store,
        engines=RegisteredEngines(settings.installation, homes, lambda: registered_nodes(known).values(), tls.files),
        readiness=Probe(settings.key),
        directory=LocalDirectory(AccountFile(settings.accounts_file), Hashing()),
        notices=NoticeFile(settings.config_dir),
        catalogue=Catalogue(overlay.current, partial(_listing, registry)),
        registry=registry,
        make_spec=ContainerSpecs(settings.installation, homes, overlay.mounts, _manners(settings)),
        nodes=nodes,
        tls=tls,
        clock=time.time,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Where registrations come from: the API's, in the store, and the operator's."""

    registrations: Registrations
    declared: Callable[[], Sequence[NodeRegistration]]


def built_in(url: str) -> NodeRegistration:
    """The engine of the machine that ASCI itself runs on."""
    return NodeRegistration(LOCAL, url, source=NodeSource.BUILT_IN)


def _registry(settings: Settings) -> Registry | None:
    if not settings.registry:
        return None
    return Registry(RegistryAddress(settings.registry, settings.registry_authority), settings.installation)


def _listing(registry: Registry | None) -> Listing | None:
    if registry is None:
        return None
    return Listing(registry.address.host, registry.images if registry.was_read else None)


def _manners(settings: Settings) -> Manners:
    return Manners(timezone=settings.timezone, layout=settings.layout, language=settings.language)


def front_desk(settings: Settings, adapters: Adapters) -> FrontDesk:
    """What the API's verbs work with."""
    store = adapters.store
    return FrontDesk(
        instances=store.instances,
        idempotency=store.idempotency,
        tokens=store.tokens,
        attempts=store.attempts,
        tickets=store.tickets,
        presence=store.presence,
        revocations=store.revocations,
        rings=store.rings,
        wakes=store.wakes,
        audit=store.audit,
        cluster=store.cluster,
        policies=store.policies,
        registrations=store.registrations,
        overlays=store.overlays,
        switches=store.switches,
        stats=store.stats,
        declared=adapters.nodes.declared,
        tls_problem=adapters.tls.problem,
        directory=adapters.directory,
        notices=adapters.notices,
        engines=adapters.engines,
        clock=adapters.clock,
        key=settings.key,
        session_idle=settings.session_idle,
        session_life=settings.session_life,
    )


def end_sign_ins(settings: Settings, username: Username, reason: str) -> None:
    """End every sign-in of a person; for the command line."""
    end_all_sign_ins(front_desk(settings, build(settings, "accounts")), username, reason)


def _homes(settings: Settings) -> Homes:
    try:
        return Homes.parse(settings.homes)
    except ValueError as error:
        raise SettingsError(f"ASCI_HOMES: {error}") from error
