"""The instances that a caller may see."""

from __future__ import annotations

from dataclasses import dataclass

from asci_api.domain.identity import Caller
from asci_api.domain.instance import Instance
from asci_api.work.find_nodes import must_be_admin
from asci_api.work.front_desk import FrontDesk
from asci_api.work.permissions import Right, instance_for
from asci_api.work.present_instance import shown_state


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for; an empty field matches everything."""

    everybody: bool = False
    """All instances (admins) instead of one's own and those shared with one."""
    states: frozenset[str] = frozenset()
    owner: str = ""
    node: str = ""
    text: str = ""
    """Part of title, id, environment, or the owner's names, without regard to case."""

    def match(self, instance: Instance) -> bool:
        return (
            (not self.states or shown_state(instance) in self.states)
            and (not self.owner or instance.owner == self.owner)
            and (not self.node or (instance.placement is not None and instance.placement.node == self.node))
            and (not self.text or self.text.casefold() in _words(instance))
        )


def find_instances(desk: FrontDesk, caller: Caller, filters: Filters) -> list[Instance]:
    """Newest first, without those that their owner took off the list; guests do not see ended ones.

    Raises ``NotAllowed`` when somebody who is no admin asks for everybody's.
    """
    if filters.everybody:
        must_be_admin(caller)
        found = desk.instances.all()
    else:
        found = [one for one in desk.instances.visible_to(caller.person.username) if _on_her_list(one, caller)]
    listed = [one for one in found if not one.dismissed and filters.match(one)]
    return listed[::-1]


def find_instance(desk: FrontDesk, caller: Caller, instance_id: str) -> Instance:
    """One of them. Raises ``NotFound``."""
    return instance_for(desk, caller, instance_id, Right.SEE)


def _on_her_list(instance: Instance, caller: Caller) -> bool:
    return instance.owner == caller.person.username or not instance.ended


def _words(instance: Instance) -> str:
    words = (instance.title, instance.id, instance.environment, instance.environment_title)
    return "\n".join((*words, instance.owner, instance.owner_name)).casefold()
