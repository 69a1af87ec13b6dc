"""Every page and dialog: there, sound, for administrators only, and following the cluster."""

from __future__ import annotations

import pytest

from tests.support.admin_lab import AdminLab
from tests.support.sound_pages import faults

PAGES = (
    "/admin",
    "/admin?window=1h",
    "/admin/nodes",
    "/admin/nodes?q=gpu&state=draining",
    "/admin/nodes?q=none",
    "/admin/nodes/gpu-07",
    "/admin/nodes/cpu-03",
    "/admin/nodes/gpu-09",
    "/admin/sessions",
    "/admin/sessions?state=queued",
    "/admin/sessions?q=none",
    "/admin/sessions/k0000001",
    "/admin/sessions/k0000002",
    "/admin/sessions/k0000005",
    "/admin/scheduler",
    "/admin/scheduler?environment=desktop&person=mara",
    "/admin/scheduler?environment=none",
    "/admin/environments",
    "/admin/people",
    "/admin/people?q=zzz",
    "/admin/audit",
    "/admin/audit?actor=admin",
)
DIALOGS = (
    "/admin/nodes/gpu-07/cordon",
    "/admin/nodes/gpu-07/drain",
    "/admin/nodes/gpu-07/labels",
    "/admin/nodes/gpu-07/remove",
    "/admin/nodes/cpu-03/gone",
    "/admin/register-node",
    "/admin/sessions/k0000001/stop",
    "/admin/sessions/k0000001/decision",
    "/admin/sessions/k0000002/decision",
    "/admin/sessions/k0000001/put-out/c1",
    "/admin/environments/desktop/allow",
    "/admin/environments/desktop/disable",
    "/admin/people/demo/quota",
    "/admin/people/demo/sign-ins",
)
PARTS = (
    "/admin/fragments/overview",
    "/admin/fragments/overview-nodes",
    "/admin/fragments/nodes",
    "/admin/fragments/nodes/gpu-07",
    "/admin/fragments/sessions",
    "/admin/fragments/sessions/k0000001",
    "/admin/fragments/people",
)


@pytest.mark.parametrize("path", [*PAGES, *DIALOGS])
def test_every_page_is_sound(lab: AdminLab, path: str) -> None:
    page = lab.browser().get(path)
    assert page.status == 200, page.text
    assert faults(page.html) == []
    assert "undefined" not in page.text.lower()


@pytest.mark.parametrize("path", DIALOGS)
def test_every_dialog_is_a_part_for_scripts(lab: AdminLab, path: str) -> None:
    part = lab.browser().get(path, X_Inline="1")
    assert part.status == 200
    assert "<dialog" in part.html
    assert "<html" not in part.html


@pytest.mark.parametrize("path", PARTS)
def test_live_parts_are_sent_only_when_they_changed(lab: AdminLab, path: str) -> None:
    browser = lab.browser()
    first = browser.get(path)
    assert first.status == 200
    assert "<html" not in first.html
    assert 'name="form_token"' not in first.html
    again = browser.get(path, HX_PTag=first.headers["HX-PTag"])
    assert (again.status, again.html) == (304, "")
    lab.double.nodes["gpu-07"].update(state="cordoned", wanted="cordoned")
    lab.double.instances["k0000001"].update(title="Renamed", connections=[])
    lab.double.sign_ins["demo"] = 9
    assert browser.get(path, HX_PTag=first.headers["HX-PTag"]).status == 200


@pytest.mark.parametrize("path", ["/admin", "/admin/nodes/gpu-07/drain", "/admin/fragments/nodes", "/admin/audit.csv"])
def test_who_is_no_administrator_is_refused_with_the_way_back(lab: AdminLab, path: str) -> None:
    page = lab.browser("mara").get(path)
    assert page.status == 403
    assert "These pages are for administrators." in page.text
    assert "Mara Lindqvist" in page.text
    assert 'href="/"' in page.html
    assert "gpu-07" not in page.html
    assert faults(page.html) == []


def test_who_is_no_administrator_changes_nothing(lab: AdminLab) -> None:
    admin, mara = lab.browser(), lab.browser("mara")
    admin.get("/admin/nodes/gpu-07/cordon")
    mara.token = admin.token
    assert mara.post("/admin/nodes/gpu-07/cordon", reason="mine").status == 403
    assert lab.changes == []


@pytest.mark.parametrize(
    ("path", "target"),
    [("/admin", "/sign-in?next=%2Fadmin"), ("/admin/nodes?q=gpu", "/sign-in?next=%2Fadmin%2Fnodes%3Fq%3Dgpu")],
)
def test_who_is_signed_out_goes_to_the_portal_and_comes_back(lab: AdminLab, path: str, target: str) -> None:
    answer = lab.browser("").get(path)
    assert (answer.status, answer.location) == (303, target)


def test_a_script_that_is_signed_out_is_led_there_too(lab: AdminLab) -> None:
    browser = lab.browser()
    browser.client.set_cookie("asci", "dead")
    answer = browser.get("/admin/fragments/overview", HX_Request="true", X_Page="/admin")
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/sign-in?next=%2Fadmin")


def test_the_policy_of_the_pages_lets_nothing_inline_in(lab: AdminLab) -> None:
    policy = lab.browser().get("/admin").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_api_being_away_is_told_as_a_page(lab: AdminLab) -> None:
    browser = lab.browser()
    lab.wire.cut = True
    page = browser.get("/admin")
    assert (page.status, page.headers["Retry-After"]) == (503, "3")
    assert "ASCI does not answer." in page.text
    assert faults(page.html) == []


def test_what_is_not_there(lab: AdminLab) -> None:
    for path in ("/admin/nothing", "/admin/nodes/none", "/admin/sessions/none", "/admin/environments/none/allow"):
        page = lab.browser().get(path)
        assert page.status == 404, path
        assert faults(page.html) == []


def test_health_and_metrics_are_for_the_inner_network(lab: AdminLab) -> None:
    browser = lab.browser("")
    assert browser.get("/health/ready").status == 200
    lab.browser().get("/admin/people")
    assert (
        'asci_adminui_requests_total{method="GET",route="/admin/people",status="200"}' in browser.get("/metrics").html
    )
    for path in ("/health/live", "/metrics"):
        assert browser.get(path, X_Forwarded_For="192.0.2.1").status == 404


def test_light_and_dark(lab: AdminLab) -> None:
    browser = lab.browser()
    browser.get("/admin")
    assert browser.post("/admin/theme", theme="dark", next="/admin/nodes").location == "/admin/nodes"
    assert 'data-theme="dark"' in browser.get("/admin").html


def test_a_form_without_our_token_does_nothing(lab: AdminLab) -> None:
    browser = lab.browser()
    browser.get("/admin")
    browser.token = "wrong"
    assert browser.post("/admin/nodes/gpu-07/activate").status == 400
    assert lab.changes == []


def test_the_buttons_of_a_node_are_part_of_what_follows_its_state(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "Take new sessions again" not in browser.get("/admin/fragments/nodes/gpu-07").text
    lab.double.nodes["gpu-07"].update(state="draining", wanted="draining")
    part = browser.get("/admin/fragments/nodes/gpu-07")
    assert "Take new sessions again" in part.text
    assert "/admin/nodes/gpu-07/cordon" not in part.html


@pytest.mark.parametrize("path", ["/admin/nodes/gpu-07/labels", "/admin/register-node", "/admin/nodes/gpu-07/drain"])
def test_a_question_that_is_a_page_is_sent_as_a_page(lab: AdminLab, path: str) -> None:
    page, part = lab.browser().get(path).html, lab.browser().get(path, X_Inline="1").html
    assert f'action="{path}" data-inline>' in part
    assert f'action="{path}">' in page  # the answer, with what is wrong, is a page too


def test_what_has_ended_offers_no_stop_any_more(lab: AdminLab) -> None:
    browser = lab.browser()
    assert "/admin/sessions/k0000001/stop" in browser.get("/admin/fragments/sessions/k0000001").html
    lab.double.instances["k0000001"].update(state="stopped")
    assert "/admin/sessions/k0000001/stop" not in browser.get("/admin/fragments/sessions/k0000001").html
