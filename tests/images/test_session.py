"""The life of a session: its home, its end, and the calm in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.conftest import StartDesktop
from tests.support.desktop_container import DesktopContainer, Engine, Person
from tests.support.desktop_picture import wait_complete_frame

LOG_OUT = (
    "gdbus call --session -d org.gnome.SessionManager -o /org/gnome/SessionManager -m org.gnome.SessionManager.Logout 1"
)


def complete(desktop: DesktopContainer) -> None:
    """Waits until a person would see the whole desktop."""
    with desktop.connect() as viewer:
        wait_complete_frame(viewer)


def test_two_instances_of_one_person_share_one_home(start: StartDesktop) -> None:
    one = start()
    home = Path(one.inspect()["Mounts"][0]["Source"])
    two = start(home=home)
    complete(one)
    complete(two)
    one.shell("echo from one > ~/note; gsettings set org.mate.caja.preferences default-folder-viewer list-view")
    assert two.shell("cat ~/note").strip() == "from one"
    complete(start(home=home))
    assert one.shell("ls -A ~ | grep -E 'Xauthority|ICEauthority|vnc|xsession-errors'; :") == ""


def test_what_is_in_the_home_outlives_the_desktop(start: StartDesktop) -> None:
    first = start()
    home = Path(first.inspect()["Mounts"][0]["Source"])
    first.shell(
        "echo result > ~/Desktop/result.txt 2>/dev/null || { mkdir ~/Desktop; echo result > ~/Desktop/result.txt; }"
    )
    first.remove()
    assert start(home=home).shell("cat ~/Desktop/result.txt").strip() == "result"


@pytest.mark.parametrize("home_mode", ["ro", "none"])
def test_without_a_writable_home_it_comes_up_and_says_so(start: StartDesktop, home_mode: str) -> None:
    desktop = start(home_mode=home_mode)
    with desktop.connect() as viewer:
        viewer.wait_for(lambda: bool(desktop.windows()), timeout=20, what="the panels")
    assert "home folder /home/mara is not writable" in desktop.logs()
    again = desktop.exec(["asci-set-passwords"], stdin=f"{desktop.control}\n{desktop.view}\n".encode())
    assert again.text == "home is not writable\n"
    letter = desktop.shell("cat ~mara/Desktop/*.txt")
    assert "Your home folder could not be opened" in letter
    assert desktop.shell("getent passwd mara | cut -d: -f6").strip() == "/run/asci/home"


def test_logging_out_ends_with_zero(desktop: DesktopContainer) -> None:
    complete(desktop)
    desktop.shell(LOG_OUT)
    assert desktop.wait_end() == 0
    assert "asci: logged out" in desktop.logs()


def test_death_of_the_x_server_is_no_log_out(desktop: DesktopContainer) -> None:
    complete(desktop)
    desktop.shell("kill -KILL $(pgrep -x Xvnc)")
    assert desktop.wait_end() == 70
    assert "asci: the X server died" in desktop.logs()


def test_parts_of_the_session_that_die_come_back(desktop: DesktopContainer) -> None:
    complete(desktop)
    before = desktop.shell("pgrep -x mate-panel").strip()
    desktop.shell("kill -KILL $(pgrep -x mate-panel)")
    complete(desktop)
    assert desktop.shell("pgrep -x mate-panel").strip() not in {"", before}


def test_stops_in_under_two_seconds_and_lets_shells_finish(desktop: DesktopContainer) -> None:
    complete(desktop)
    desktop.launch(
        ["mate-terminal", "--command", "bash --norc -c 'trap \"echo bye > ~/bye; exit\" HUP TERM; touch ~/up; read'"]
    )
    _wait(lambda: desktop.exec(["test", "-e", f"{desktop.person.home}/up"]).status == 0)
    home = Path(desktop.inspect()["Mounts"][0]["Source"])
    begun = time.monotonic()
    desktop.api.stop(desktop.id, timeout=10)
    took = time.monotonic() - begun
    assert desktop.inspect()["State"]["ExitCode"] == 143
    assert took < 2.0
    assert (home / "bye").read_text() == "bye\n"


def test_nothing_nags(shared_desktop: DesktopContainer) -> None:
    complete(shared_desktop)
    time.sleep(4)
    windows = shared_desktop.windows()
    assert len(windows) == 3, windows
    assert all('"Mate-panel"' in window or '"Caja"' in window for window in windows), windows


def test_scale_two_is_set_before_the_session_and_not_kept(start: StartDesktop) -> None:
    desktop = start(scale="2", geometry="2560x1600")
    with desktop.connect() as viewer:
        viewer.wait_for(lambda: len(desktop.windows()) == 3, timeout=20, what="the panels and the desktop")
        viewer.pump(1.0)
        column = viewer.wait_frame().crop((1200, 0, 1201, 100)).tobytes()
    panel = bytes((27, 35, 43))
    assert column.count(panel) >= 50, "the panel is twice as high"
    assert desktop.shell("dconf dump /org/mate/desktop/interface/") == ""


@pytest.mark.parametrize(
    ("wanted", "given"), [("en_US.UTF-8", "en_US.UTF-8"), ("", "C.UTF-8"), ("xx_YY.UTF-8", "C.UTF-8")]
)
def test_language_is_one_that_the_image_has(start: StartDesktop, wanted: str, given: str) -> None:
    desktop = start(LANG=wanted)
    complete(desktop)
    language = desktop.shell("tr '\\0' '\\n' < /proc/$(pgrep -x mate-panel)/environ | sed -n s/^LANG=//p")
    assert language.strip() == given


def test_the_renderer_is_written_down_and_health_is_good(shared_desktop: DesktopContainer) -> None:
    complete(shared_desktop)
    assert shared_desktop.shell("cat /run/asci/renderer").strip()
    assert shared_desktop.exec(["asci-healthcheck"]).status == 0
    shared_desktop.shell("kill -STOP $(pgrep -x Xvnc)")
    try:
        assert shared_desktop.exec(["asci-healthcheck"]).status != 0
    finally:
        shared_desktop.shell("kill -CONT $(pgrep -x Xvnc)")


@pytest.mark.parametrize("back_end", ["egl", "3dx"])
def test_panel_and_files_start_programs_by_virtualgl_where_a_back_end_works(start: StartDesktop, back_end: str) -> None:
    """EGL draws in software on a machine without a GPU; a 3DX server is not there: the desktop comes up plain."""
    desktop = start(gl=back_end)
    complete(desktop)
    has_virtualgl = desktop.exec(["test", "-e", "/usr/lib/libvglfaker.so"]).status == 0
    preloaded = {
        program: "libvglfaker" in desktop.shell(f"tr '\\0' '\\n' < /proc/$(pgrep -x {program})/environ")
        for program in ("mate-panel", "caja", "marco", "mate-session", "Xvnc")
    }
    expected = has_virtualgl and back_end == "egl"
    assert preloaded == {
        "mate-panel": expected, "caja": expected, "marco": False, "mate-session": False, "Xvnc": False,
    }  # fmt: skip
    assert desktop.shell("test -s /run/asci/graphics && echo yes; :").strip() == ("yes" if expected else "")


def test_opengl_works(shared_desktop: DesktopContainer) -> None:
    complete(shared_desktop)
    said = shared_desktop.shell("asci-accelerated glxinfo")
    assert "OpenGL renderer string" in said


def test_idle_memory_is_reported(
    shared_desktop: DesktopContainer, record_property: Callable[[str, object], None]
) -> None:
    complete(shared_desktop)
    time.sleep(2)
    memory = shared_desktop.memory()
    record_property("idle_memory_bytes", memory)
    print(f"idle desktop: {memory / 2**20:.0f} MiB without page cache")
    assert memory > 0


def test_a_log_is_short_and_names_its_parts(desktop: DesktopContainer) -> None:
    complete(desktop)
    lines = desktop.logs().splitlines()
    assert any(line.startswith("asci: desktop of mara started") for line in lines)
    assert all(line.startswith(("asci: ", "xvnc: ", "session: ", "graphics: ")) for line in lines), lines
    assert len(lines) <= 15, lines


def test_homes_are_made_once_and_only_where_they_belong(
    engine: Engine, image: str, homes: Path, tmp_path: Path
) -> None:
    person = Person()
    assert engine.make_home(image, homes, person).status == 0
    home = homes / person.username
    facts = home.stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777) == (person.uid, person.uid, 0o700)
    assert (home / ".bashrc").exists()
    (home / ".bashrc").write_text("mine")
    assert engine.make_home(image, homes, person).status == 0
    assert (home / ".bashrc").read_text() == "mine"
    assert [entry.name for entry in homes.iterdir()] == [person.username]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (homes / "eve").symlink_to(elsewhere)
    refused = engine.make_home(image, homes, Person(username="eve"))
    assert refused.status == 2
    assert "symbolic link" in refused.text
    assert list(elsewhere.iterdir()) == []
    for name in ("../eve", "Eve", "a" * 33, "-eve", ".eve", ""):
        assert engine.make_home(image, homes, Person(username=name)).status == 2
    assert engine.make_home(image, homes, Person(username="low", uid=0)).status == 2
    assert engine.make_home(image, homes, Person(username=person.username, uid=person.uid + 1)).status == 2


def _wait(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
