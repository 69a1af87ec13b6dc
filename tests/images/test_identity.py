"""Who runs in the container, with which rights: its person, and none."""

from __future__ import annotations

import json

from tests.images.conftest import StartDesktop
from tests.support.desktop_container import DesktopContainer, Engine, Person

LARGEST_IMAGE = 700_000_000


def test_name_groups_and_home_come_from_the_start(shared_desktop: DesktopContainer) -> None:
    person = shared_desktop.person
    assert shared_desktop.shell("id").strip() == (
        f"uid={person.uid}(mara) gid={person.uid}(mara) groups={person.uid}(mara),30007(xfm),30008(imbl)"
    )
    assert (
        shared_desktop.shell("getent passwd mara").strip()
        == f"mara:x:{person.uid}:{person.uid}:Mara Lind:/home/mara:/bin/bash"
    )
    assert shared_desktop.shell("stat -c %U:%G:%a ~").strip() == "mara:mara:700"


def test_a_name_cannot_forge_a_line_of_the_account_file(start: StartDesktop) -> None:
    desktop = start(Person(name="Eve:x\nroot2:x:0:0::/:/bin/sh"))
    assert "root2" not in desktop.shell("cut -d: -f1 /run/asci/nss/passwd")
    assert len(desktop.shell("cat /run/asci/nss/passwd").splitlines()) == 1


def test_no_process_has_a_capability_or_may_gain_one(shared_desktop: DesktopContainer) -> None:
    said = shared_desktop.shell(
        "grep -hE '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs):' /proc/[0-9]*/status 2>/dev/null | sort -u; :"
    )
    facts = {tuple(line.split()) for line in said.splitlines()}
    assert {value for name, value in facts if name.startswith("Cap")} == {"0000000000000000"}
    assert ("NoNewPrivs:", "1") in facts
    assert ("NoNewPrivs:", "0") not in facts


def test_every_process_belongs_to_the_person(shared_desktop: DesktopContainer) -> None:
    assert set(shared_desktop.shell("ps axo uid=").split()) == {str(shared_desktop.person.uid)}


def test_nothing_can_be_written_outside_home_and_tmpfs(shared_desktop: DesktopContainer) -> None:
    writable = shared_desktop.shell(
        "for folder in / /etc /usr /usr/local/bin /var /var/lib /opt /srv /root /home; do "
        "touch $folder/.try 2>/dev/null && echo $folder; done; :"
    )
    assert writable.split() == []
    assert (
        shared_desktop.shell("cp /bin/true /tmp/run && /tmp/run && touch ~/.try /run/asci/.try && echo yes").strip()
        == "yes"
    )


def test_no_file_in_the_image_gives_anybody_rights(engine: Engine, image: str) -> None:
    said = engine.run_once(image, ["find", "/", "-xdev", "-perm", "/6000", "-type", "f"], [], ["DAC_READ_SEARCH"])
    assert (said.status, said.text) == (0, "")


def test_image_is_small_and_carries_its_catalogue_entry(engine: Engine, image: str) -> None:
    facts = engine.api.inspect_image(image)
    entry = json.loads(facts["Config"]["Labels"]["org.asci.environment"])
    assert entry["kind"] == "desktop"
    assert entry["port"] == 5901
    if image.startswith("asci/env-desktop:"):
        assert facts["Size"] <= LARGEST_IMAGE
