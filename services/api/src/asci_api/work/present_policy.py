"""The policy as the API tells and takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asci_api.domain.identity import Quota
from asci_api.domain.policy import Policy

Json = dict[str, Any]
SPREAD, PACK = "spread", "pack"


def present_policy(policy: Policy) -> Json:
    """The JSON object of a policy. What is not in it (deadlines of single steps) is not edited by anybody."""
    return {
        "strategy": SPREAD if policy.spread else PACK,
        "weights": {
            "cpu": policy.weight_cpu,
            "memory": policy.weight_memory,
            "gpu": policy.weight_gpu,
            "image": policy.weight_image,
        },
        "overcommit": {"cpus": policy.cpu_overcommit, "memory": policy.memory_overcommit},
        "lifetime": {"default_seconds": policy.default_life, "maximum_seconds": policy.longest_life},
        "quotas": {
            "default": present_quota(policy.quota),
            "groups": {name: present_quota(quota) for name, quota in sorted(policy.group_quotas.items())},
            "people": {name: present_quota(quota) for name, quota in sorted(policy.people_quotas.items())},
        },
        "priorities": {"groups": dict(sorted(policy.group_priorities.items()))},
        "starvation_seconds": policy.starvation_seconds,
        "drain_seconds": policy.drain_seconds,
        "revision": policy.revision,
    }


def read_policy(document: Mapping[str, Any], before: Policy) -> Policy:
    """The policy that a whole, checked document asks for; what documents do not tell stays as ``before`` has it."""
    weights, overcommit, quotas = document["weights"], document["overcommit"], document["quotas"]
    return replace(
        before,
        spread=document["strategy"] == SPREAD,
        weight_cpu=weights["cpu"],
        weight_memory=weights["memory"],
        weight_gpu=weights["gpu"],
        weight_image=weights["image"],
        cpu_overcommit=overcommit["cpus"],
        memory_overcommit=overcommit["memory"],
        default_life=document["lifetime"]["default_seconds"],
        longest_life=document["lifetime"]["maximum_seconds"],
        quota=Quota(**quotas["default"]),
        group_quotas={name: Quota(**quota) for name, quota in quotas["groups"].items()},
        people_quotas={name: Quota(**quota) for name, quota in quotas["people"].items()},
        group_priorities=dict(document["priorities"]["groups"]),
        starvation_seconds=document["starvation_seconds"],
        drain_seconds=document["drain_seconds"],
    )


def present_quota(quota: Quota) -> Json:
    return {"sessions": quota.sessions, "gpus": quota.gpus}
