"""Several proxy processes: what each may allow, and how their metrics become one text."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from asci_proxy import settings
from asci_proxy.metrics import Metrics
from asci_proxy.workers import labelled
from asci_shared.environ import Environ, SettingsError


def read(tmp_path: Path, **variables: str) -> settings.Settings:
    key = tmp_path / "key"
    key.write_text("k" * 32)
    return settings.read(Environ({"ASCI_REDIS_URL": "redis://r", "ASCI_KEY_FILE": str(key), **variables}))


def test_alone_it_allows_all_and_has_no_parent(tmp_path: Path) -> None:
    alone = read(tmp_path)
    assert (alone.workers, alone.worker, alone.doors) == (1, 0, ())
    assert (alone.address_burst, alone.address_rate, alone.person_burst, alone.person_rate) == (200, 20, 40, 5)


def test_rates_are_shared_by_the_workers_and_counts_are_not(tmp_path: Path) -> None:
    one = read(tmp_path, ASCI_PROXY_WORKERS="3", ASCI_PROXY_WORKER="2", ASCI_PROXY_ADDRESS_BURST="0")
    assert (one.address_burst, one.address_rate, one.person_burst, one.person_rate) == (0, 7, 14, 2)
    assert (one.person_connections, one.person_pages) == (50, 20)


def test_each_worker_has_a_name_of_its_own(tmp_path: Path) -> None:
    assert read(tmp_path, ASCI_PROXY_NAME="p").name == "p"
    names = {read(tmp_path, ASCI_PROXY_NAME="p", ASCI_PROXY_WORKER=str(number)).name for number in (1, 2)}
    assert names == {"p-1", "p-2"}


@pytest.mark.parametrize("count", ["0", "65", "many"])
def test_a_senseless_number_of_workers_is_refused(tmp_path: Path, count: str) -> None:
    with pytest.raises(SettingsError, match="ASCI_PROXY_WORKERS"):
        read(tmp_path, ASCI_PROXY_WORKERS=count)


def test_metrics_of_all_workers_stand_in_one_text() -> None:
    texts = {}
    for number in (1, 2):
        metrics = Metrics()
        metrics.setups.inc(number)
        metrics.handshake.observe(0.02)
        metrics.refused("draining")
        texts[number] = metrics.exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(labelled(texts).decode())}
    assert families["asci_proxy_setups"].type == "counter"
    setups = {sample.labels["worker"]: sample.value for sample in families["asci_proxy_setups"].samples}
    assert setups == {"1": 1.0, "2": 2.0}
    refusals = [sample.labels for sample in families["asci_proxy_refusals"].samples]
    assert {"reason": "draining", "worker": "2"} in refusals
    buckets = [one for one in families["asci_proxy_handshake_seconds"].samples if one.name.endswith("_bucket")]
    assert {one.labels["worker"] for one in buckets} == {"1", "2"}
    assert len({tuple(sorted(one.labels.items())) for one in buckets}) == len(buckets)


def test_without_an_answer_there_is_an_empty_text() -> None:
    assert labelled({}) == b""
