"""What only a real engine can show: the walls of the desktop contract, the network, exec, events, TLS."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from asci_api.domain.environment import Kind
from asci_api.domain.errors import EngineAway, EngineFault, SourceMissing
from asci_api.domain.identity import InstanceId, NodeName, Username, new_instance_id
from asci_api.domain.instance import Hop
from asci_api.domain.ports import ContainerSpec, Mount
from asci_api.engine import labels
from asci_api.engine.clients import Clients, EngineAddress
from asci_api.engine.container_spec import ContainerSpecs, Homes
from asci_api.engine.desktops import DockerEngine
from asci_api.engine.readiness import Probe
from tests.contract.engine.conftest import UID, EventReader, instance_of, seen, spec_maker, wait_until
from tests.support.engine_fronts import TlsFront
from tests.support.engine_lab import URL, EngineLab
from tests.support.instances import an_instance
from tests.support.rfb_client import PasswordRefused, RfbClient

DESKTOP = "asci/env-desktop:dev"
KEY = b"k" * 32
WHO = f"{UID}:{UID}"


@pytest.fixture
def engine(clean_lab: EngineLab) -> DockerEngine:
    return clean_lab.engine()


@pytest.fixture
def new_spec(clean_lab: EngineLab) -> Callable[..., ContainerSpec]:
    return spec_maker(clean_lab.installation, clean_lab.image)


def run(engine: DockerEngine, spec: ContainerSpec) -> str:
    container = engine.create(spec)
    engine.start(container)
    return container


def log_of(engine: DockerEngine, container: str) -> list[str]:
    wait_until(lambda: "listening" in engine.logs(container, 200))
    return engine.logs(container, 200)


def test_the_program_feels_every_wall(engine: DockerEngine, new_spec: Callable[..., ContainerSpec]) -> None:
    lines = log_of(engine, run(engine, new_spec()))
    facts = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert facts["CapEff"] == facts["CapBnd"] == "0" * 16
    assert facts["NoNewPrivs"] == "1"
    assert facts["Uid"].split() == facts["Gid"].split() == [str(UID)] * 4
    assert "30007" in facts["Groups"].split()
    mounts = {line.split()[1]: set(line.split()[3].split(",")) for line in lines if line.count(" ") == 5}
    assert "ro" in mounts["/"]
    assert {"rw", "nosuid", "nodev", "size=1024k"} <= mounts["/tmp"]
    assert "noexec" not in mounts["/tmp"]
    assert {"noexec", "mode=700", f"uid={UID}", f"gid={UID}"} <= mounts["/run/asci"]
    assert "size=1024k" in mounts["/dev/shm"]


def test_a_program_that_writes_without_end_does_not_fill_the_records(
    engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    container = run(engine, new_spec())
    log_of(engine, container)
    flood = 'open(O, ">", "/proc/1/fd/1"); print O "x" x 15000, $_, "\n" for 1 .. 150; print O "last words\n"; close O'
    engine.write(container, WHO, ["perl", "-e", flood], b"")
    wait_until(lambda: engine.logs(container, 200)[-1] == "last words")
    lines = engine.logs(container, 200)
    assert sum(map(len, lines)) <= 64_000
    assert max(map(len, lines)) <= 2_002


def test_the_engine_is_told_every_limit(
    clean_lab: EngineLab, engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    spec = new_spec(cpus=5000.0)
    facts = clean_lab.api.inspect_container(engine.create(spec))
    host = facts["HostConfig"]
    assert host["NanoCpus"] == (os.cpu_count() or 1) * 10**9
    assert host["Memory"] == spec.memory
    assert host["PidsLimit"] == spec.pids
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}
    assert host["Privileged"] is False
    assert not host["Binds"]
    assert not host["Devices"]
    assert facts["Config"]["Env"][0] == "ASCI_USER=mara"


def test_labels_of_an_image_do_not_pass_for_the_instances(clean_lab: EngineLab, engine: DockerEngine) -> None:
    image = clean_lab.import_image("labelled", {labels.ENVIRONMENT: '{"name": "tiny"}', labels.OWNER: "root"})
    spec = spec_maker(clean_lab.installation, image)()
    assert spec.labels.items() <= seen(engine, engine.create(spec)).labels.items()


def test_only_images_of_this_installation_or_of_none_are_listed(clean_lab: EngineLab, engine: DockerEngine) -> None:
    mine = clean_lab.import_image("mine", {labels.ENVIRONMENT: '{"name": "mine"}'})
    clean_lab.import_image("no-entry", {})
    found = {image.id: image for image in engine.images()}
    assert found[mine].environment == '{"name": "mine"}'
    assert found[mine].tags == (f"asci-test/{clean_lab.installation}:mine",)
    assert found[mine].size > 0
    assert all(image.environment and image.tags for image in found.values())
    other = DockerEngine(Clients(EngineAddress(NodeName("local"), URL)), "other", Homes("/homes"))
    assert mine not in {image.id for image in other.images()}
    other.close()


def test_neighbours_cannot_reach_each_other(engine: DockerEngine, new_spec: Callable[..., ContainerSpec]) -> None:
    one, other = (run(engine, new_spec()) for _ in range(2))
    log_of(engine, other)
    networks = engine._clients.get().inspect_container(other)["NetworkSettings"]["Networks"]
    (address,) = (network["IPAddress"] for network in networks.values())
    connect = (
        "alarm 2; socket(S, 2, 1, 0); my @a = split /[.]/, $ARGV[0];"
        'exit(connect(S, pack("S n C4 x8", 2, 5901, @a)) ? 0 : 3)'
    )
    engine.write(one, WHO, ["perl", "-e", connect, "127.0.0.1"], b"")
    with pytest.raises(EngineFault):
        engine.write(one, WHO, ["perl", "-e", connect, address], b"")


@pytest.fixture
def portal(clean_lab: EngineLab, engine: DockerEngine) -> str:
    """A running container on another bridge of the same engine, as those of the control plane are."""
    mark = {labels.INSTALLATION: clean_lab.installation}
    network = clean_lab.api.create_network(f"asci-{clean_lab.installation}-portal", labels=mark)["Id"]
    body = {"Image": clean_lab.image, "Labels": mark, "HostConfig": {"NetworkMode": network}}
    made = clean_lab.api.create_container_from_config(body, name=f"asci-{clean_lab.installation}-portal")["Id"]
    engine.start(made)
    return str(made)


def test_the_control_plane_reaches_instances_and_not_the_other_way(
    clean_lab: EngineLab, engine: DockerEngine, new_spec: Callable[..., ContainerSpec], portal: str
) -> None:
    instance = run(engine, new_spec())
    endpoint = seen(engine, instance).endpoint
    assert endpoint is not None
    log_of(engine, instance)
    log_of(engine, portal)
    hear = (
        "alarm 3; socket(S, 2, 1, 0); my @a = split /[.]/, $ARGV[0];"
        "connect(S, pack('S n C4 x8', 2, $ARGV[1], @a)) or exit 3;"
        "sysread(S, my $b, 12); exit($b =~ /^RFB 003/ ? 0 : 4)"
    )
    engine.write(portal, "1000:1000", ["perl", "-e", hear, endpoint.address, str(endpoint.port)], b"")
    networks = clean_lab.api.inspect_container(portal)["NetworkSettings"]["Networks"]
    (address,) = (network["IPAddress"] for network in networks.values())
    engine.write(portal, "1000:1000", ["perl", "-e", hear, address, "5901"], b"")
    with pytest.raises(EngineFault):
        engine.write(instance, WHO, ["perl", "-e", hear, address, "5901"], b"")


def test_two_creators_at_once_share_one_network_and_one_container(
    clean_lab: EngineLab, new_spec: Callable[..., ContainerSpec]
) -> None:
    spec, made = new_spec(), list[str]()
    barrier = threading.Barrier(4)

    def create() -> None:
        engine = clean_lab.engine()
        barrier.wait()
        made.append(engine.create(spec))

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1
    assert len(clean_lab.api.networks(names=[spec.network])) == 1
    clean_lab.engine().start(made[0])


def test_a_network_removed_behind_our_back_is_made_again(
    clean_lab: EngineLab, engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    spec = new_spec()
    container = engine.create(spec)
    clean_lab.api.remove_network(spec.network)
    with pytest.raises(EngineFault) as fault:
        engine.start(container)
    assert fault.value.transient
    assert fault.value.hop is Hop.NODE
    assert engine.look(container) is None
    assert seen(engine, run(engine, spec)).status == "running"


def test_standard_input_arrives_byte_by_byte(engine: DockerEngine, new_spec: Callable[..., ContainerSpec]) -> None:
    container = run(engine, new_spec())
    secret = bytes(range(256)) * 40
    keep = f"head -c {len(secret)} >/run/asci/kept"
    engine.write(container, WHO, ["sh", "-c", keep], secret)
    check = f'exit(do {{ local $/; open F, "/run/asci/kept"; read(STDIN, my $d, {len(secret)}); <F> eq $d }} ? 0 : 4)'
    engine.write(container, WHO, ["perl", "-e", check], secret)
    with pytest.raises(EngineFault):
        engine.write(container, WHO, ["perl", "-e", check], secret[::-1])


def test_a_program_that_refuses_is_told_without_the_secret(
    engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    container = run(engine, new_spec())
    said = engine.write(container, WHO, ["sh", "-c", "head -c 4 >/dev/null; echo 'all is well'"], b"abc\n")
    assert said == "all is well"
    assert engine.write(container, WHO, ["sh", "-c", "head -c 9"], b"s3cretab\n") == ""
    with pytest.raises(EngineFault) as fault:
        engine.write(container, WHO, ["sh", "-c", "head -c 4 >/dev/null; echo 'no room' >&2; exit 3"], b"abc\n")
    assert fault.value.detail == "sh ended with 3. no room"
    with pytest.raises(EngineFault) as fault:
        engine.write(container, WHO, ["sh", "-c", "head -c 9 >&2; exit 3"], b"s3cretab\n")
    assert fault.value.detail == "sh ended with 3."
    with pytest.raises(EngineFault) as fault:
        engine.write(container, WHO, ["no-such-program"], b"")
    assert fault.value.hop is Hop.CONTAINER


def test_a_long_grace_ends_in_a_transient_fault_and_is_kept(
    clean_lab: EngineLab, new_spec: Callable[..., ContainerSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asci_api.engine.desktops.QUICK_SECONDS", 1)
    engine = clean_lab.engine()
    deaf = clean_lab.import_image(
        "deaf", {}, {"/serve": "#!/usr/bin/perl\n$SIG{TERM} = 'IGNORE'; print qq(listening\n); $|=1; sleep 99;"}
    )
    container = run(engine, new_spec(image=deaf))
    wait_until(lambda: "running" in seen(engine, container).status)
    time.sleep(0.3)
    with pytest.raises(EngineFault) as fault:
        engine.stop(container, 3.0)
    assert fault.value.transient
    assert not isinstance(fault.value, EngineAway)
    wait_until(lambda: seen(engine, container).status == "exited")
    assert seen(engine, container).exit_code == 137


def test_a_program_killed_for_memory_is_told(engine: DockerEngine, new_spec: Callable[..., ContainerSpec]) -> None:
    container = run(engine, new_spec())
    log_of(engine, container)
    with pytest.raises(EngineFault) as fault:
        engine.write(container, WHO, ["perl", "-e", "my @hog = (1) x 50_000_000; sleep 1"], b"")
    assert "137" in fault.value.detail


def test_events_of_others_are_not_told(
    clean_lab: EngineLab, engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    spec, reader = new_spec(), EventReader(engine)
    foreign = new_spec(labels={**spec.labels, labels.INSTALLATION: f"{clean_lab.installation}x"})
    engine.remove(run(engine, foreign))
    container = run(engine, spec)
    clean_lab.import_image("event", {labels.ENVIRONMENT: "{}"})
    engine.remove(container)
    assert [reader.next(instance_of(spec)) for _ in range(3)] == ["start", "die", "destroy"]
    assert {event.instance for event in reader.all if event.subject == "container"} == {instance_of(spec)}


def test_the_probe_hears_the_banner_through_the_published_port(
    engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    spec = new_spec()
    container = run(engine, spec)
    endpoint = seen(engine, container).endpoint
    assert endpoint is not None
    desktop = an_instance(kind=Kind.DESKTOP)
    wait_until(lambda: Probe(KEY).ready(desktop, endpoint))
    engine.stop(container, 2.0)
    assert not Probe(KEY).ready(desktop, endpoint)


def test_a_home_is_made_with_its_owner_and_another_owners_is_refused(
    clean_lab: EngineLab, engine: DockerEngine
) -> None:
    engine.make_home(Username("mara"), UID, UID + 1, clean_lab.image)
    home = clean_lab.homes / "mara"
    facts = home.stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777) == (UID, UID + 1, 0o700)
    with pytest.raises(EngineFault) as fault:
        engine.make_home(Username("mara"), UID + 5, UID, clean_lab.image)
    assert fault.value.hop is Hop.MOUNT
    assert "belongs to another" in fault.value.detail
    (clean_lab.homes / "eve").symlink_to("/etc")
    with pytest.raises(EngineFault, match="could not be made"):
        engine.make_home(Username("eve"), UID, UID, clean_lab.image)
    assert (
        clean_lab.api.containers(all=True, filters={"label": f"{labels.INSTALLATION}={clean_lab.installation}"}) == []
    )


def test_a_home_job_left_behind_is_run_again(clean_lab: EngineLab, engine: DockerEngine) -> None:
    name = labels.home_job_name(clean_lab.installation, Username("left_over"))
    body = {
        "Image": clean_lab.image,
        "Labels": {labels.INSTALLATION: clean_lab.installation},
        "Entrypoint": ["/bin/sh"],
    }
    clean_lab.api.create_container_from_config({**body, "Cmd": ["-c", "exit 0"]}, name=name)
    engine.make_home(Username("left_over"), UID, UID, clean_lab.image)
    assert clean_lab.api.containers(all=True, filters={"name": name}) == []


def test_homes_made_elsewhere_are_never_made_here(clean_lab: EngineLab) -> None:
    engine = clean_lab.engine()
    engine._homes = Homes(str(clean_lab.homes), external=True)
    with pytest.raises(EngineFault) as fault:
        engine.make_home(Username("nfs"), UID, UID, clean_lab.image)
    assert fault.value.hop is Hop.MOUNT
    assert str(UID) in fault.value.next_step
    assert not (clean_lab.homes / "nfs").exists()


def test_a_missing_folder_of_all_homes_is_told(clean_lab: EngineLab) -> None:
    engine = clean_lab.engine()
    engine._homes = Homes(f"{clean_lab.folder}/not-mounted")
    with pytest.raises(EngineFault) as fault:
        engine.make_home(Username("mara"), UID, UID, clean_lab.image)
    assert fault.value.hop is Hop.MOUNT
    assert "not-mounted" in fault.value.detail


def test_a_mounted_folder_is_there_and_read_only_means_it(
    clean_lab: EngineLab, engine: DockerEngine, new_spec: Callable[..., ContainerSpec]
) -> None:
    data = clean_lab.folder / "data"
    data.mkdir(exist_ok=True)
    (data / "run.h5").write_text("beam")
    data.chmod(0o777)
    for read_only, ends in ((False, True), (True, False)):
        container = run(engine, new_spec(mounts=(Mount(str(data), "/data", read_only=read_only),)))
        write = ["sh", "-c", "cat /data/run.h5 && echo more > /data/new"]
        if ends:
            engine.write(container, WHO, write, b"")
        else:
            with pytest.raises(EngineFault):
                engine.write(container, WHO, write, b"")


def test_a_remote_engine_is_another_url_and_an_identity(
    clean_lab: EngineLab, new_spec: Callable[..., ContainerSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with TlsFront(tmp_path, URL.removeprefix("unix://")) as front:
        engine = clean_lab.engine(front.url, tls=front.files)
        container = run(engine, new_spec())
        for _ in range(3):
            engine.write(container, WHO, ["sh", "-c", "head -c 18 >/run/asci/kept"], b"control1\nviewview\n")
        with pytest.raises(EngineFault) as fault:
            engine.write(container, WHO, ["sh", "-c", "head -c 1 >/dev/null; echo no >&2; exit 9"], b"x")
        assert fault.value.detail == "sh ended with 9. no"
        assert [each.container for each in engine.observe()] == [container]
        assert engine.logs(container, 5)
        engine.stop(container, 2.0)
        engine.remove(container)
        stranger = clean_lab.engine(front.url, tls=front.strangers)
        with pytest.raises(EngineAway):
            stranger.facts()
        clean_lab.close_engines()


def test_a_real_desktop_comes_up_by_the_same_calls(clean_lab: EngineLab, engine: DockerEngine) -> None:
    if not engine.image_id(DESKTOP):
        pytest.skip(f"{DESKTOP} is not on this engine: make images")
    owner = Username("real_desktop")
    instance = an_instance(id=new_instance_id(), owner=owner, image=DESKTOP, image_id="")
    spec = ContainerSpecs(clean_lab.installation, engine._homes, dict)(instance)
    with pytest.raises(SourceMissing):
        engine.create(spec)
    engine.make_home(owner, instance.uid, instance.gid, DESKTOP)
    container = run(engine, spec)
    endpoint = seen(engine, container).endpoint
    assert endpoint is not None
    for words in (b"control1\nviewview\n", b"control2\nviewview\n"):
        engine.write(container, spec.user, ["asci-set-passwords"], words)
    wait_until(lambda: Probe(KEY).ready(instance, endpoint), 30.0)
    with RfbClient.connect(endpoint.address, endpoint.port, "control2") as viewer:
        assert (viewer.desktop.width, viewer.desktop.height) == (1280, 800)
    with pytest.raises(PasswordRefused):
        RfbClient.connect(endpoint.address, endpoint.port, "control1")
    with pytest.raises(EngineFault):
        engine.write(container, spec.user, ["asci-set-passwords"], b"too\nshort\nand\nmore\n!")
    engine.stop(container, 10.0)
    assert seen(engine, container).status == "exited"
    assert "desktop of real_desktop started" in "\n".join(engine.logs(container, 200))


def test_a_created_id_is_never_anothers(engine: DockerEngine, new_spec: Callable[..., ContainerSpec]) -> None:
    """Removing by id cannot hit the container that took the name since."""
    spec = new_spec()
    first = engine.create(spec)
    engine.remove(first)
    second = engine.create(spec)
    engine.remove(first)
    engine.stop(first, 1.0)
    assert seen(engine, second).instance == InstanceId(spec.labels[labels.INSTANCE])
