"""From an instance to what the engine is told: pure, so tables."""

from __future__ import annotations

from typing import Any

import pytest

from asci_api.domain.environment import GIB, MIB, GpuNeed, GpuShare, Kind, Needs
from asci_api.domain.errors import EngineFault
from asci_api.domain.gpu_label import LabelledGpus, read_gpus
from asci_api.domain.identity import NodeName
from asci_api.domain.instance import Hop, Instance, Placement
from asci_api.domain.node import DeclaredGpu
from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.engine.container_body import instance_body
from asci_api.engine.container_spec import ContainerSpecs, Homes, Manners
from asci_api.engine.gpus import told_gpus
from tests.support.instances import PLAIN, an_instance

DATA = Mount("/srv/data", "/data", read_only=True)


def spec_of(instance: Instance, homes: str = "/srv/homes") -> ContainerSpec:
    return ContainerSpecs("xfm", Homes.parse(homes), lambda: {"data": DATA})(instance)


def body_of(instance: Instance) -> dict[str, Any]:
    return instance_body(spec_of(instance), "network-id", "172.18.0.1", 8.0)


def test_the_record_stands_on_the_container() -> None:
    spec = spec_of(PLAIN)
    assert spec.name == "asci-xfm-k3v9x2mqab"
    assert spec.labels == {
        "org.asci.installation": "xfm",
        "org.asci.instance": "k3v9x2mqab",
        "org.asci.owner": "mara",
        "org.asci.environment": "desktop",
        "org.asci.created": "2026-11-23T23:18:22.500Z",
        "org.asci.kind": "desktop",
    }


def test_the_person_and_her_home_go_in() -> None:
    spec = spec_of(an_instance(mounts=("data",)))
    assert (spec.user, spec.groups) == ("24117:24118", ("30007", "30008"))
    assert spec.mounts == (Mount("/srv/homes/mara", "/home/mara"), DATA)
    assert spec.environment == {
        "ASCI_INSTANCE": "k3v9x2mqab",
        "ASCI_USER": "mara",
        "ASCI_UID": "24117",
        "ASCI_GID": "24118",
        "ASCI_GROUPS": "xfm:30007,imbl:30008",
        "ASCI_NAME": "Mara Lindqvist",
        "ASCI_HOME": "/home/mara",
        "ASCI_GEOMETRY": "1280x800",
    }


def test_the_pinned_image_is_used_and_the_reference_before_it_is_known() -> None:
    assert spec_of(PLAIN).image == PLAIN.image_id
    assert spec_of(an_instance(image_id="")).image == PLAIN.image


def test_amounts_become_limits() -> None:
    spec = spec_of(an_instance(needs=Needs(cpus=1.5, memory=4 * GIB, tmp=3 * GIB, pids=99)))
    assert (spec.cpus, spec.memory, spec.shm, spec.pids) == (1.5, 4 * GIB, GIB, 99)
    assert spec.tmpfs == {
        "/run/asci": f"uid=24117,gid=24118,mode=0700,size={64 * MIB}",
        "/tmp": f"exec,mode=1777,size={3 * GIB}",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"uid": 0},
        {"uid": 999},
        {"gid": 100},
        {"groups": (("root", 0),)},
        {"owner": "Mara"},
        {"owner": "../etc"},
        {"owner": ""},
    ],
)
def test_nobody_but_an_ordinary_person_owns_a_container(changes: dict[str, Any]) -> None:
    with pytest.raises(EngineFault) as fault:
        spec_of(an_instance(**changes))
    assert fault.value.hop is Hop.CONTAINER


def test_a_mount_that_nobody_declared_is_refused_by_name() -> None:
    with pytest.raises(EngineFault, match="not set up") as fault:
        spec_of(an_instance(mounts=("data", "scratch")))
    assert fault.value.hop is Hop.MOUNT
    assert "scratch" in fault.value.detail


def test_a_name_cannot_smuggle_lines_into_the_environment() -> None:
    assert spec_of(an_instance(owner_name="Mara\nLD_PRELOAD=x\x00")).environment["ASCI_NAME"] == "Mara LD_PRELOAD=x "


def test_every_wall_stands() -> None:
    host = body_of(PLAIN)["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["NetworkMode"] == "network-id"
    assert host["Memory"] == host["MemorySwap"] == 2 * GIB
    assert host["DeviceRequests"] == []
    assert not {"Binds", "Devices", "PidMode", "UsernsMode", "VolumesFrom", "ExtraHosts"} & set(host)
    assert host["Mounts"] == [
        {"Type": "bind", "Source": "/srv/homes/mara", "Target": "/home/mara", "ReadOnly": False},
    ]


def test_the_port_is_published_on_the_given_address_at_random() -> None:
    body = body_of(PLAIN)
    assert body["ExposedPorts"] == {"5901/tcp": {}}
    assert body["HostConfig"]["PortBindings"] == {"5901/tcp": [{"HostIp": "172.18.0.1", "HostPort": ""}]}


def test_a_service_without_port_publishes_nothing() -> None:
    body = body_of(an_instance(kind=Kind.SERVICE, port=0))
    assert body["ExposedPorts"] == {}
    assert body["HostConfig"]["PortBindings"] == {}


@pytest.mark.parametrize(("asked", "given"), [(0.5, 0.5), (8.0, 8.0), (64.0, 8.0)])
def test_cores_never_pass_those_of_the_node(asked: float, given: float) -> None:
    body = body_of(an_instance(needs=Needs(cpus=asked)))
    assert body["HostConfig"]["NanoCpus"] == given * 1e9


def test_gpus_are_requested_where_nvidia_s_runtime_is_and_graphics_come_with_them() -> None:
    two = an_instance(placement=Placement(NodeName("node2"), ("GPU-1a", "node2-1")))
    body = instance_body(spec_of(two), "network", "192.0.2.1", 8.0, nvidia=True)
    assert body["HostConfig"]["DeviceRequests"] == [
        {"Driver": "nvidia", "DeviceIDs": ["GPU-1a", "1"], "Capabilities": [["gpu"]]}
    ]
    assert "NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility,display" in body["Env"]
    assert body_of(two)["HostConfig"]["DeviceRequests"] == []
    assert not [one for one in body_of(two)["Env"] if one.startswith("NVIDIA")]


def test_without_gpus_of_its_own_an_instance_sees_none() -> None:
    body = instance_body(spec_of(PLAIN), "network", "192.0.2.1", 8.0, nvidia=True)
    assert "NVIDIA_VISIBLE_DEVICES=void" in body["Env"]
    assert body["HostConfig"]["DeviceRequests"] == []


@pytest.mark.parametrize(
    ("share", "label"), [(GpuShare.EXCLUSIVE, "exclusive:GPU-1,GPU-2"), (GpuShare.SHARED, "shared:GPU-1,GPU-2")]
)
def test_the_container_carries_its_gpus(share: GpuShare, label: str) -> None:
    needs = Needs(gpu=GpuNeed(share, 2))
    marks = spec_of(an_instance(needs=needs, placement=Placement(NodeName("node2"), ("GPU-1", "GPU-2")))).labels
    assert marks["org.asci.gpus"] == label
    assert read_gpus(label) == LabelledGpus(("GPU-1", "GPU-2"), share is GpuShare.EXCLUSIVE)
    assert "org.asci.gpus" not in spec_of(PLAIN).labels


@pytest.mark.parametrize("label", ["", "exclusive", "both:GPU-1", "2xA100"])
def test_a_label_that_cannot_be_read_holds_nothing(label: str) -> None:
    assert read_gpus(label) == LabelledGpus()


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"Labels": ["org.asci.gpus=2xA100:40GiB:4"]}, (DeclaredGpu("A100", 40 * GIB, 4),) * 2),
        ({"Labels": ["org.asci.gpus=1x"]}, (DeclaredGpu(),)),
        ({"Labels": ["org.asci.gpus=many"]}, ()),
        ({"Labels": ["org.asci.gpus=0xA100"]}, ()),
        (
            {"GenericResources": [{"NamedResourceSpec": {"Kind": "NVIDIA-GPU", "Value": "GPU-7"}}]},
            (DeclaredGpu("NVIDIA-GPU", uuid="GPU-7"),),
        ),
        ({"GenericResources": [{"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}}]}, ()),
        ({"Labels": None, "GenericResources": None}, ()),
    ],
)
def test_an_engine_may_tell_of_its_gpus(info: dict[str, object], told: tuple[DeclaredGpu, ...]) -> None:
    assert told_gpus(info) == told


@pytest.mark.parametrize(
    ("setting", "homes"),
    [
        ("/srv/homes", Homes("/srv/homes")),
        ("/srv/homes/", Homes("/srv/homes")),
        ("external:/nfs/homes", Homes("/nfs/homes", external=True)),
    ],
)
def test_homes_are_read_from_their_setting(setting: str, homes: Homes) -> None:
    assert Homes.parse(setting) == homes


@pytest.mark.parametrize("setting", ["", "homes", "external:", "external:homes", "/srv/../etc", "/"])
def test_homes_that_are_no_absolute_path_are_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="absolute path"):
        Homes.parse(setting)


def test_what_every_session_of_the_site_has_in_common() -> None:
    manners = Manners(timezone="Europe/Zurich", layout="de")
    spec = ContainerSpecs("xfm", Homes.parse("/homes"), dict, manners)(PLAIN)
    assert spec.environment["TZ"] == "Europe/Zurich"
    assert spec.environment["ASCI_LAYOUT"] == "de"
    assert "LANG" not in spec.environment
    assert spec.environment["ASCI_USER"] == PLAIN.owner
