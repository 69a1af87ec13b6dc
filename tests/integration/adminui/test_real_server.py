"""The adminui's processes before the API's processes: every page and button, joined for real."""

from __future__ import annotations

import re

import pytest
import requests

from tests.support.pages_server import PagesServer
from tests.support.sound_pages import faults

PAGES = (
    "",
    "/nodes",
    "/nodes/local",
    "/sessions",
    "/scheduler?environment=desktop",
    "/environments",
    "/people",
    "/audit",
)
PARTS = ("overview", "overview-nodes", "nodes", "nodes/local", "sessions", "people")


@pytest.fixture(scope="module")
def admin(adminui: PagesServer) -> requests.Session:
    return adminui.signed_in("admin")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_stands_on_the_real_api(adminui: PagesServer, admin: requests.Session, path: str) -> None:
    page = adminui.get(admin, f"/admin{path}")
    assert page.status_code == 200, page.text
    assert faults(page.text) == []


@pytest.mark.parametrize("part", PARTS)
def test_live_parts_are_sent_when_they_changed(adminui: PagesServer, admin: requests.Session, part: str) -> None:
    first = adminui.get(admin, f"/admin/fragments/{part}")
    assert first.status_code == 200, first.text
    assert re.fullmatch(r"[0-9.]+-[0-9a-f]{18}", first.headers["HX-PTag"])


def test_series_for_the_charts(adminui: PagesServer, admin: requests.Session) -> None:
    found = adminui.get(admin, "/admin/series?window=1h").json()
    assert len(found["times"]) == len(found["running"]) == len(found["p95"])


def test_who_is_no_administrator(adminui: PagesServer) -> None:
    page = adminui.get(adminui.signed_in("mara"), "/admin")
    assert page.status_code == 403
    assert "These pages are for administrators." in page.text
    assert adminui.get(adminui.browser(), "/admin").headers["Location"] == "/sign-in?next=%2Fadmin"


def test_a_node_is_cordoned_and_the_audit_has_her_own_address(adminui: PagesServer, admin: requests.Session) -> None:
    path = "/admin/nodes/local"
    assert adminui.post(admin, f"{path}/cordon", f"{path}/cordon", reason="New disks").status_code == 303
    page = adminui.get(admin, path).text
    assert "Cordoned by admin: New disks" in page
    assert adminui.post(admin, path, f"{path}/activate").status_code == 303
    audit = adminui.get(admin, "/admin/audit?target=local").text
    assert "node.cordon" in audit
    assert "node.activate" in audit
    assert "192.0.2.9" in audit
    sheet = adminui.get(admin, "/admin/audit.csv?target=local")
    assert sheet.headers["Content-Type"].startswith("text/csv")
    assert "New disks" in sheet.text


def test_labels_and_a_drain(adminui: PagesServer, admin: requests.Session) -> None:
    path = "/admin/nodes/local"
    labels = adminui.post(admin, f"{path}/labels", f"{path}/labels", labels="zone=b", taints="", cpus="2", memory="1")
    assert labels.status_code == 303, labels.text
    assert "zone=b" in adminui.get(admin, path).text
    assert adminui.post(admin, f"{path}/drain", f"{path}/drain", deadline="4", reason="Move").status_code == 303
    assert "Draining" in adminui.get(admin, path).text
    assert adminui.post(admin, path, f"{path}/activate").status_code == 303
    assert adminui.post(admin, f"{path}/remove", f"{path}/remove").status_code == 409


def test_a_node_is_registered_and_removed(adminui: PagesServer, admin: requests.Session) -> None:
    form = "/admin/register-node"
    wrong = adminui.post(admin, form, form, name="Not good!", url="tcp://10.1.0.9:2376", tls="none")
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text


def test_the_policy_through_its_form(adminui: PagesServer, admin: requests.Session) -> None:
    page = adminui.get(admin, "/admin/scheduler").text
    form = page[page.index('<form class="policy"') :]
    fields = {
        found["name"]: found["value"]
        for found in re.finditer(r'<input(?:(?!>).)*name="(?P<name>[^"]+)"(?:(?!>).)*value="(?P<value>[^"]*)"', form)
        if found["name"] not in {"form_token", "strategy", "tag"}
    }
    assert len(fields) > 15
    done = adminui.post(admin, "/admin/scheduler", "/admin/scheduler", **fields, strategy="pack")
    assert done.status_code == 303, done.text
    assert re.search(r'value="pack" checked', adminui.get(admin, "/admin/scheduler").text)
    refused = adminui.post(admin, "/admin/scheduler", "/admin/scheduler", **{**fields, "weights.cpu": "-1"})
    assert refused.status_code == 422
    assert 'id="e-weights.cpu"' in refused.text


def test_an_environment_a_quota_and_sign_ins(adminui: PagesServer, admin: requests.Session) -> None:
    path = "/admin/environments"
    assert adminui.post(admin, f"{path}/desktop/disable", f"{path}/desktop/disable").status_code == 303
    assert "Switched off" in adminui.get(admin, path).text
    assert adminui.post(admin, path, f"{path}/desktop/enable").status_code == 303
    some = {"who": "some", "groups": "xfm", "people": ""}
    assert adminui.post(admin, f"{path}/desktop/allow", f"{path}/desktop/allow", **some).status_code == 303
    assert "group xfm" in adminui.get(admin, path).text
    assert adminui.post(admin, f"{path}/desktop/allow", f"{path}/desktop/allow", who="image").status_code == 303
    path = "/admin/people/jun"
    jun = adminui.signed_in("jun")
    assert adminui.post(admin, f"{path}/quota", f"{path}/quota", whose="own", sessions="9", gpus="1").status_code == 303
    assert "0 of 9" in adminui.get(admin, "/admin/people?q=jun").text
    assert adminui.post(admin, f"{path}/sign-ins", f"{path}/sign-ins").status_code == 303
    assert adminui.get(jun, "/admin").status_code == 303


def test_a_session_is_stopped_with_a_reason_that_its_owner_reads(adminui: PagesServer, admin: requests.Session) -> None:
    mara = adminui.api.visitor("mara")
    started = mara.post(adminui.api.at("/instances"), json={"environment": "desktop"}, timeout=30).json()
    path = f"/admin/sessions/{started['id']}"
    assert faults(adminui.get(admin, path).text) == []
    assert started["id"] in adminui.get(admin, "/admin/sessions?owner=mara").text
    assert adminui.post(admin, f"{path}/stop", f"{path}/stop", reason="The beam is off").status_code == 303
    now = mara.get(adminui.api.at(f"/instances/{started['id']}"), timeout=30).json()
    assert "The beam is off" in now["end_reason"]


def test_no_secret_in_the_log(adminui: PagesServer, admin: requests.Session) -> None:
    adminui.get(admin, "/admin")
    assert admin.cookies["asci"] not in adminui.log
    assert "Traceback" not in adminui.log
