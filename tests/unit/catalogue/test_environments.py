"""Labels of images and the operator's overlay, read into environments."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asci_api.catalogue.environments import Catalogue, read_catalogue, read_entry
from asci_api.catalogue.overlay import Overlay, OverlayError, OverlayFile, read_overlay
from asci_api.domain.environment import GIB, MIB, GpuNeed, GpuShare, Kind, Needs
from asci_api.domain.node import NodeImage
from asci_api.domain.ports import Mount

ROOT = Path(__file__).resolve().parents[3]
LEAST: dict[str, Any] = {"name": "desktop", "title": "Linux desktop", "kind": "desktop"}


def image(entry: Any, tag: str = "asci/x:1", image_id: str = "sha256:1") -> NodeImage:
    return NodeImage(image_id, (tag,) if tag else (), 1, entry if isinstance(entry, str) else json.dumps(entry))


def read(**changes: Any) -> Any:
    return read_entry(image({**LEAST, **changes}))


def test_the_least_entry_gets_the_defaults() -> None:
    environment = read()
    assert (environment.name, environment.title, environment.kind) == ("desktop", "Linux desktop", Kind.DESKTOP)
    assert (environment.image, environment.image_id) == ("asci/x:1", "sha256:1")
    assert (environment.port, environment.needs, environment.lifetime) == (5901, Needs(), None)
    assert (environment.mounts, environment.allow, environment.enabled) == ((), (), True)


def test_every_field_is_read() -> None:
    environment = read(
        kind="web",
        port=8888,
        ready_path="/lab",
        description="Notebooks.",
        icon="book",
        tags=["python", "notebook"],
        needs={"cpus": 0.5, "memory": "2 GiB", "shm": "512MiB", "tmp": GIB, "pids": 100, "gpu": "shared",
               "selector": "a, !b"},
        mounts=["data"],
        lifetime="12 h",
        allow={"groups": ["XFM", "imbl-staff"]},
    )  # fmt: skip
    assert environment.needs == Needs(0.5, 2 * GIB, 512 * MIB, GIB, 100, GpuNeed(GpuShare.SHARED, 1), "a, !b")
    assert (environment.port, environment.ready_path, environment.lifetime) == (8888, "/lab", 43200.0)
    assert (environment.tags, environment.mounts) == (("python", "notebook"), ("data",))
    assert environment.allow == ("XFM", "imbl-staff")


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2 GiB", 2 * GIB), ("2GiB", 2 * GIB), ("1.5 GiB", 1536 * MIB), ("64 MB", 64_000_000), (GIB, GIB),
     ("67108864", 64 * MIB)],
)  # fmt: skip
def test_sizes(text: Any, amount: int) -> None:
    assert read(needs={"memory": text}).needs.memory == amount


@pytest.mark.parametrize(
    ("text", "seconds"), [("7 d", 604800), ("1 day", 86400), ("90 min", 5400), (3600, 3600), ("2 weeks", 1209600)]
)
def test_durations(text: Any, seconds: float) -> None:
    assert read(lifetime=text).lifetime == seconds


@pytest.mark.parametrize(
    ("gpu", "need"),
    [
        ("none", None),
        (None, None),
        ("exclusive", GpuNeed(GpuShare.EXCLUSIVE, 1)),
        ({"share": "exclusive", "count": 2}, GpuNeed(GpuShare.EXCLUSIVE, 2)),
        ({"share": "shared"}, GpuNeed(GpuShare.SHARED, 1)),
    ],
)
def test_gpus(gpu: Any, need: GpuNeed | None) -> None:
    assert read(needs={"gpu": gpu}).needs.gpu == need


@pytest.mark.parametrize(("kind", "port"), [("desktop", 5901), ("service", 0)])
def test_ports_by_kind(kind: str, port: int) -> None:
    assert read(kind=kind).port == port


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Desktop"}, "name"),
    ({"name": "x" * 64}, "name"),
    ({"name": "x\n"}, "name"),
    ({"title": ""}, "title"),
    ({"title": "x" * 81}, "title"),
    ({"kind": "vm"}, "kind"),
    ({"kind": "web"}, "port"),
    ({"port": 0}, "port"),
    ({"port": "5901"}, "port"),
    ({"ready_path": "lab"}, "ready_path"),
    ({"ready_path": "/a b"}, "ready_path"),
    ({"needs": {"memory": "2 gigs"}}, "needs.memory"),
    ({"needs": {"memory": True}}, "needs.memory"),
    ({"needs": {"memory": "1 MiB"}}, "needs.memory"),
    ({"needs": {"memory": "-2 GiB"}}, "needs.memory"),
    ({"needs": {"memory": float("inf")}}, "needs.memory"),
    ({"needs": {"memory": 10**400}}, "needs.memory"),
    ({"needs": {"memory": "9" * 400 + " GiB"}}, "needs.memory"),
    ({"needs": {"cpus": 0}}, "needs.cpus"),
    ({"lifetime": float("nan")}, "lifetime"),
    ({"needs": {"cpus": float("nan")}}, "needs.cpus"),
    ({"needs": {"pids": 1.5}}, "needs.pids"),
    ({"needs": {"gpu": "all"}}, "needs.gpu"),
    ({"needs": {"gpu": {"share": "exclusive", "count": 0}}}, "needs.gpu"),
    ({"needs": {"gpu": {"share": "shared", "device": "/dev/nvidia0"}}}, "needs.gpu"),
    ({"needs": {"selector": "a b"}}, "needs.selector"),
    ({"needs": {"privileged": True}}, "needs.privileged"),
    ({"mounts": ["/etc"]}, "mounts.0"),
    ({"mounts": [{"source": "/etc", "target": "/x"}]}, "mounts.0"),
    ({"lifetime": 1}, "lifetime"),
    ({"lifetime": "2 fortnights"}, "lifetime"),
    ({"allow": ["XFM"]}, "allow"),
    ({"allow": {"users": ["eve"]}}, "allow.users"),
    ({"tags": "python"}, "tags"),
    ({"devices": ["/dev/kvm"]}, "devices"),
    ({"cap_add": ["SYS_ADMIN"]}, "cap_add"),
    ({"user": "root"}, "user"),
    ({"network": "host"}, "network"),
    ({"volumes": ["/:/host"]}, "volumes"),
    ({"enabled": True}, "enabled"),
]


@pytest.mark.parametrize(("changes", "where"), WRONG, ids=[json.dumps(changes)[:50] for changes, _ in WRONG])
def test_what_is_wrong_is_refused_by_field(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(ValueError, match=rf"(^|; ){where}[.:]"):
        read(**changes)


@pytest.mark.parametrize("label", ["", "{", "[]", "7", '"x"', "null", "{}", '{"name": null}'])
def test_a_label_that_is_no_entry_is_left_out_with_a_warning(label: str) -> None:
    found, warnings = read_catalogue([image(label), image(LEAST, "asci/y:1", "sha256:2")], Overlay())
    assert [environment.image for environment in found] == ["asci/y:1"]
    assert len(warnings) == (1 if label else 0)
    assert all(warning.startswith("asci/x:1: ") for warning in warnings)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        "name",
        "title",
        "description",
        "icon",
        "tags",
        "kind",
        "port",
        "ready_path",
        "needs",
        "mounts",
        "lifetime",
        "allow",
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a loaded machine is slow at making examples
@given(
    st.dictionaries(fields, json_values, max_size=6),
    st.dictionaries(st.sampled_from(["memory", "gpu", "cpus"]), json_values),
)
def test_no_label_can_break_the_catalogue(changes: dict[str, Any], needs: dict[str, Any]) -> None:
    entry = {**LEAST, "needs": needs, **changes}
    found, warnings = read_catalogue([image(entry)], Overlay())
    assert len(found) + len(warnings) == 1 or (found and all("mounts" in warning for warning in warnings))


def test_untagged_and_unlabelled_images_are_no_environments() -> None:
    assert read_catalogue([image(LEAST, tag=""), image("")], Overlay()) == ([], [])


def test_of_one_repository_the_first_wins_and_the_same_image_elsewhere_is_one() -> None:
    old = image({**LEAST, "title": "Old"}, "asci/x:0", "sha256:2")
    found, warnings = read_catalogue([image(LEAST), image(LEAST), old], Overlay())
    assert [environment.title for environment in found] == ["Linux desktop"]
    assert [warning.partition(";")[0] for warning in warnings] == [
        "asci/x:0: its name desktop belongs to asci/x:1 already"
    ]


OTHERS = image({**LEAST, "title": "Another"}, "lab.example:5000/desktop:2", "sha256:" + "2" * 64)
THEIRS = image({**LEAST, "title": "Theirs"}, "acme/desktop:9", "sha256:" + "3" * 64)
OWN = image(LEAST, "asci/env-desktop:dev", "sha256:" + "1" * 64)


def pinned(reference: str) -> Overlay:
    return Overlay({"desktop": {"image": reference, "title": "Pinned"}})


def test_no_newer_image_takes_the_name_of_our_own() -> None:
    found, warnings = read_catalogue([OTHERS, THEIRS, OWN], Overlay())
    assert [environment.image for environment in found] == ["asci/env-desktop:dev"]
    assert [warning.partition(":")[0] for warning in warnings] == ["lab.example", "acme/desktop"]


def test_of_different_repositories_none_is_offered_and_the_log_says_how_to_pin() -> None:
    found, (warning,) = read_catalogue([OTHERS, THEIRS, image({**LEAST, "name": "other"})], Overlay())
    assert [environment.name for environment in found] == ["other"]
    for part in ("lab.example:5000/desktop:2", "acme/desktop:9", "environments.desktop.image"):
        assert part in warning


@pytest.mark.parametrize("pin", ["acme/desktop:9", "sha256:" + "3" * 64, "3" * 12])
def test_the_image_that_the_overlay_pins_has_the_name(pin: str) -> None:
    (found,), warnings = read_catalogue([OTHERS, OWN, THEIRS], pinned(pin))
    assert (found.image, found.image_id, found.title) == ("acme/desktop:9", "sha256:" + "3" * 64, "Pinned")
    assert len(warnings) == 2


@pytest.mark.parametrize("pin", ["acme/desktop", "acme/desktop:10", "sha256:" + "4" * 64, "3" * 11])
def test_a_pin_that_no_image_meets_offers_nothing(pin: str) -> None:
    found, warnings = read_catalogue([OWN, THEIRS], pinned(pin))
    assert found == []
    assert warnings[0] == f"desktop: the overlay pins {pin}, which is no image of that name"


def test_a_pin_chooses_among_an_images_names_and_may_leave_out_latest() -> None:
    two = NodeImage("sha256:1", ("acme/x:1", "acme/desktop:latest"), 1, json.dumps(LEAST))
    (found,), warnings = read_catalogue([two], pinned("acme/desktop"))
    assert (found.image, warnings) == ("acme/desktop:latest", [])


def test_the_environments_of_this_project_are_valid() -> None:
    entries = sorted((ROOT / "images" / "envs").glob("*/environment.yaml"))
    assert entries
    for path in entries:
        environment = read_entry(image(yaml.safe_load(path.read_text("utf-8"))))
        assert environment.name == path.parent.name


OVERLAY = """
environments:
  desktop:
    title: Linux desktop (XFM)
    allow: {groups: [XFM]}
    needs: {memory: 4 GiB, gpu: none}
    mounts: [data]
    lifetime: 1 d
  other: {enabled: false}
  pinned: {image: "acme/desktop:9"}
mounts:
  data: {source: /srv/data, target: /data, read_only: true}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "overlay.yaml"


def test_the_overlay_decides_what_it_names_and_nothing_else(path: Path) -> None:
    path.write_text(OVERLAY)
    overlay = read_overlay(path)
    assert overlay.mounts == {"data": Mount("/srv/data", "/data", read_only=True)}
    entry = {**LEAST, "needs": {"cpus": 3, "memory": "1 GiB", "gpu": "shared"}, "description": "Plain."}
    (found,), warnings = read_catalogue([image(entry)], overlay)
    assert warnings == []
    assert (found.title, found.description, found.allow) == ("Linux desktop (XFM)", "Plain.", ("XFM",))
    assert found.needs == Needs(cpus=3.0, memory=4 * GIB, gpu=None)
    assert (found.mounts, found.lifetime, found.enabled) == (("data",), 86400.0, True)
    assert not overlay.apply(read(name="other")).enabled
    assert (overlay.pin("pinned"), overlay.pin("other")) == ("acme/desktop:9", "")


def test_a_mount_that_nobody_declared_is_told(path: Path) -> None:
    _, warnings = read_catalogue([image({**LEAST, "mounts": ["scratch"]})], Overlay())
    assert warnings == ["asci/x:1: mounts scratch, which the overlay does not declare"]


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "{}", "environments: {}\n"])
def test_an_empty_overlay_decides_nothing(path: Path, content: str) -> None:
    path.write_text(content)
    assert read_overlay(path) == Overlay()


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("environments: [", "overlay.yaml cannot be read"),
        ("- a", "overlay.yaml"),
        ("environment: {}", "environment: unknown field"),
        ("environments: {desktop: {enabld: false}}", "environments.desktop.value.enabld: unknown field"),
        ("environments: {desktop: {image: 'a b'}}", "environments.desktop.value.image: must be the reference"),
        ("mounts: {data: {source: srv, target: /data}}", "mounts.data.value.source: must be an absolute path"),
        ("mounts: {data: {source: /srv/../etc, target: /data}}", "mounts.data.value.source"),
        ("mounts: {data: {source: /srv, target: /usr}}", "mounts.data.value.target: is a folder of the system"),
        ("mounts: {data: {source: /srv, target: /run/asci}}", "mounts.data.value.target: is a folder of the system"),
        ("mounts: {data: {source: /, target: /data}}", "mounts.data.value.source"),
        ("mounts: {data: {source: /srv}}", "mounts.data.value.target: missing data"),
    ],
)
def test_an_overlay_that_cannot_be_used_says_where(path: Path, content: str, where: str) -> None:
    path.write_text(content)
    with pytest.raises(OverlayError) as error:
        read_overlay(path)
    assert where.lower() in str(error.value).lower()


def test_the_overlay_is_read_again_when_it_changes_and_mistakes_change_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = OverlayFile(path)
    assert file.current() == Overlay()
    path.write_text(OVERLAY)
    assert file.mounts() == {"data": Mount("/srv/data", "/data", read_only=True)}
    before = file.current()
    assert file.current() is before
    path.write_text(OVERLAY + "mistake: 1\n")
    with caplog.at_level(logging.ERROR):
        assert file.current() is before
        assert file.current() is before
    assert len(caplog.records) == 1
    path.unlink()
    assert file.current() == Overlay()


def test_an_overlay_that_never_could_be_read_closes_rather_than_opens(path: Path) -> None:
    path.write_text("mistake: 1\n")
    file = OverlayFile(path)
    (found,) = Catalogue(file.current).read([image(LEAST)])
    assert not found.enabled
    path.write_text("")
    os.utime(path, ns=(1, 1))
    (found,) = Catalogue(file.current).read([image(LEAST)])
    assert found.enabled


def test_each_thing_that_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    catalogue = Catalogue(Overlay)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            catalogue.read([image("{")])
    assert len(caplog.records) == 1
    with caplog.at_level(logging.WARNING):
        catalogue.read([])
        catalogue.read([image("{")])
    assert len(caplog.records) == 2
