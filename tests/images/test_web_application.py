"""The contract of web applications (images/base-web/README.md), asked of every image of that kind."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.desktop_container import Engine, Person
from tests.support.web_container import HEADER, JupyterKernel, WebContainer, proof

LARGEST_IMAGE = 500_000_000
StartApp = Callable[..., WebContainer]


def own_home(engine: Engine, folder: Path, person: Person) -> Path:
    """Her home on the host, made as the controller makes it, with ASCI's own image."""
    said = engine.make_home(f"asci/base:{os.environ.get('ASCI_TAG', 'dev')}", folder, person)
    assert said.status == 0, said.text
    return folder / person.username


def entry_of(engine: Engine, image: str) -> dict[str, object]:
    return dict(json.loads(engine.api.inspect_image(image)["Config"]["Labels"]["org.asci.environment"]))


@pytest.fixture
def start_app(engine: Engine, web_image: str, tmp_path: Path) -> Iterator[StartApp]:
    """Starts applications of the image; ``told`` gives them their secrets and waits until they are ready."""
    apps: list[WebContainer] = []
    homes = tmp_path / "homes"
    homes.mkdir()

    def start(person: Person | None = None, *, home_mode: str = "rw", told: bool = True) -> WebContainer:
        owner = person or Person()
        home = own_home(engine, homes, owner)
        app = WebContainer(
            engine.start_desktop(web_image, owner, home, home_mode=home_mode), entry_of(engine, web_image)
        )
        apps.append(app)
        if told:
            assert app.set_upstream().status == 0
            app.wait_ready()
        return app

    yield start
    for app in apps:
        app.container.remove()
    engine.empty(f"asci/base:{os.environ.get('ASCI_TAG', 'dev')}", homes)


@pytest.fixture(scope="session")
def shared_app(engine: Engine, web_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebContainer]:
    """One application for all tests that only look."""
    folder = tmp_path_factory.mktemp("homes")
    person = Person()
    home = own_home(engine, folder, person)
    app = WebContainer(engine.start_desktop(web_image, person, home), entry_of(engine, web_image))
    try:
        assert app.set_upstream().status == 0
        app.wait_ready()
        yield app
    finally:
        app.container.remove()
        engine.empty(f"asci/base:{os.environ.get('ASCI_TAG', 'dev')}", folder)
        shutil.rmtree(folder, ignore_errors=True)


def test_name_groups_and_home_come_from_the_start(shared_app: WebContainer) -> None:
    person = shared_app.container.person
    assert shared_app.container.shell("id").strip() == (
        f"uid={person.uid}(mara) gid={person.uid}(mara) groups={person.uid}(mara),30007(xfm),30008(imbl)"
    )
    assert (
        shared_app.container.shell("getent passwd mara").strip()
        == f"mara:x:{person.uid}:{person.uid}:Mara Lind:/home/mara:/bin/bash"
    )


def test_no_process_has_a_capability_or_may_gain_one(shared_app: WebContainer) -> None:
    said = shared_app.container.shell(
        "grep -hE '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs):' /proc/[0-9]*/status 2>/dev/null | sort -u; :"
    )
    facts = {tuple(line.split()) for line in said.splitlines()}
    assert {value for name, value in facts if name.startswith("Cap")} == {"0000000000000000"}
    assert ("NoNewPrivs:", "0") not in facts
    assert set(shared_app.container.shell("ps axo uid=").split()) == {str(shared_app.container.person.uid)}


def test_nothing_can_be_written_outside_home_and_tmpfs(shared_app: WebContainer) -> None:
    writable = shared_app.container.shell(
        "for folder in / /etc /usr /usr/local/bin /var /var/lib /opt /opt/jupyter /srv /root /home; do "
        "touch $folder/.try 2>/dev/null && echo $folder; done; :"
    )
    assert writable.split() == []
    assert shared_app.container.shell("touch ~/.try /run/asci/.try /tmp/.try && echo yes").strip() == "yes"


def test_no_file_in_the_image_gives_anybody_rights(engine: Engine, web_image: str) -> None:
    said = engine.run_once(web_image, ["find", "/", "-xdev", "-perm", "/6000", "-type", "f"], [], ["DAC_READ_SEARCH"])
    assert (said.status, said.text) == (0, "")


def test_image_is_small_and_carries_its_catalogue_entry(engine: Engine, web_image: str) -> None:
    entry = entry_of(engine, web_image)
    assert entry["kind"] == "web"
    assert str(entry["ready_path"]).startswith("/")
    if web_image.startswith("asci/env-jupyter:"):
        assert engine.api.inspect_image(web_image)["Size"] <= LARGEST_IMAGE


def test_before_it_knows_a_secret_nobody_comes_in(start_app: StartApp) -> None:
    app = start_app(told=False)
    app.wait_listens()
    for secret in ("", app.present, proof(app.present)):
        assert app.ask(app.entry["ready_path"], secret).status_code == 403
    assert app.set_upstream().status == 0
    assert app.ready()


@pytest.mark.parametrize("path", ["/", "/lab", "/api/status", "/static/lab/package.json", "/login", "/nothing/here"])
def test_a_request_without_the_secret_is_refused(shared_app: WebContainer, path: str) -> None:
    for secret in (
        "",
        "x" * 43,
        proof(shared_app.present),
        shared_app.present[:-1],
        f"{shared_app.present} "[:44] + "x",
    ):
        answer = shared_app.ask(path, secret)
        assert (answer.status_code, answer.headers[HEADER]) == (403, "refused"), secret
    refused = shared_app.ask(path, method="POST", data=b"x" * 300_000)
    assert refused.status_code == 403


def test_two_secrets_at_once_are_none(shared_app: WebContainer) -> None:
    both = f"{shared_app.present}, x"
    assert shared_app.ask(shared_app.entry["ready_path"], both).status_code == 403


def test_a_websocket_without_the_secret_is_refused(shared_app: WebContainer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{shared_app.host}/api/events/subscribe", proxy=None, open_timeout=10)
    assert refused.value.response.status_code == 403


def test_the_next_secret_counts_already_and_the_last_one_no_more(start_app: StartApp) -> None:
    app = start_app()
    path, first, second = app.entry["ready_path"], app.present, app.coming
    assert app.ask(path, second).status_code < 400
    app.present, app.coming = second, "another one, of any length"
    assert app.set_upstream().status == 0
    assert app.ask(path, first).status_code == 403
    assert app.ask(path, second).status_code < 400
    assert app.ask(path, app.coming).status_code < 400


@pytest.mark.parametrize("data", [b"\n" * 130, b"x" * 130, b"a" * 129 + b"\n", (b"A" * 64 + b"\n") * 2])
def test_input_of_another_shape_changes_nothing(shared_app: WebContainer, data: bytes) -> None:
    said = shared_app.tell(data)
    assert said.status == 2
    assert "expected two lines" in said.text
    assert shared_app.ready()
    assert shared_app.container.shell("stat -c %a /run/asci/upstream; ls /run/asci | grep -c upstream").split() == [
        "600",
        "1",
    ]


def test_no_secret_is_told_or_kept(shared_app: WebContainer) -> None:
    shared_app.ask(shared_app.entry["ready_path"], shared_app.present)
    shared_app.ask("/lab?secret=x", shared_app.present)
    kept = shared_app.container.shell("cat /run/asci/upstream; env; ps axwwo args=")
    told = shared_app.container.logs() + json.dumps(shared_app.container.inspect())
    for secret in (shared_app.present, shared_app.coming):
        assert secret not in kept + told


def test_two_of_one_person_side_by_side_on_one_home(engine: Engine, web_image: str, start_app: StartApp) -> None:
    one = start_app()
    source = Path(one.container.inspect()["Mounts"][0]["Source"])
    other = WebContainer(engine.start_desktop(web_image, Person(), source), one.entry)
    try:
        assert other.set_upstream().status == 0
        other.wait_ready()
        assert one.ready()
        assert one.ask(one.entry["ready_path"], other.present).status_code == 403
    finally:
        other.container.remove()


def test_a_home_that_cannot_be_written_is_told(start_app: StartApp) -> None:
    app = start_app(home_mode="ro", told=False)
    said = app.set_upstream()
    assert (said.status, said.text.strip()) == (0, "home is not writable")
    app.wait_ready()
    assert "is not writable: using a private one" in app.container.logs()


def test_it_stops_in_under_two_seconds(start_app: StartApp) -> None:
    app = start_app()
    begun = time.monotonic()
    app.container.api.stop(app.container.id, timeout=10)
    took = time.monotonic() - begun
    assert app.container.inspect()["State"]["ExitCode"] == 143
    assert took < 2.0
    assert "asci: told to stop" in app.container.logs()


@pytest.fixture
def kernel(start_app: StartApp, web_image: str) -> Iterator[JupyterKernel]:
    """Python in a JupyterLab; other applications have none."""
    if "/env-jupyter:" not in web_image:
        pytest.skip(f"{web_image} is no JupyterLab")
    with JupyterKernel.started(start_app()) as started:
        yield started


def test_python_works_as_the_person_in_her_home(kernel: JupyterKernel) -> None:
    assert kernel.run("import os; print(os.getcwd(), os.getuid())").split() == ["/home/mara", "24117"]
    assert kernel.run("import getpass; print(getpass.getuser())").strip() == "mara"
    kernel.run("open('written', 'w').write('by a cell')")
    assert kernel.app.container.shell("cat ~/written") == "by a cell"


def test_what_people_expect_to_import(kernel: JupyterKernel) -> None:
    drawn = (
        "import h5py, numpy\nimport matplotlib.pyplot as plt\n"
        "with h5py.File('scan.h5', 'w') as f: f['signal'] = numpy.arange(10)\n"
        "plt.plot(h5py.File('scan.h5')['signal'][:]); plt.savefig('scan.png'); print(numpy.arange(10).sum())"
    )
    assert kernel.run(drawn, within=120).splitlines()[-1] == "45"
    assert kernel.app.container.shell("head -c 4 ~/scan.png | tail -c 3") == "PNG"


def test_a_busy_kernel_does_not_hold_up_the_end(kernel: JupyterKernel) -> None:
    kernel.send("import time\nwhile True: time.sleep(0.01)")
    app = kernel.app
    time.sleep(1)
    begun = time.monotonic()
    app.container.api.stop(app.container.id, timeout=10)
    assert app.container.inspect()["State"]["ExitCode"] == 143
    assert time.monotonic() - begun < 2.0


def test_jupyter_shows_no_login_and_knows_the_owner(kernel: JupyterKernel) -> None:
    app = kernel.app
    me = app.ask("/api/me", app.present).json()["identity"]
    assert (me["username"], me["name"]) == ("mara", "Mara Lind")
    assert app.ask("/login", app.present).status_code == 404
    page = app.ask("/lab", app.present).text
    assert '"token": ""' in page
    assert "announcements" in page.partition('"disabledExtensions"')[2][:200]
