"""The portal's processes before the API's processes: one road through both, and what must hold between them."""

from __future__ import annotations

import json
import re
import signal

import requests

from tests.integration.webui.conftest import PortalServer


def test_the_main_road(portal: PortalServer) -> None:
    demo = portal.browser("demo")
    home = portal.get(demo, "/")
    assert home.status_code == 200
    assert "Nothing is running." in home.text
    assert home.headers["Content-Encoding"] == "gzip"

    started = portal.post(demo, "/", "/start", environment="desktop", geometry="1280x752")
    assert started.status_code == 303
    page = started.headers["Location"]
    assert "in the queue" in portal.get(demo, page).text

    state = portal.get(demo, f"{page}/state")
    assert state.json()["phase"] == "waiting"
    assert portal.get(demo, f"{page}/state", If_None_Match=state.headers["ETag"]).status_code == 304

    assert portal.post(demo, f"{page}/rename", f"{page}/rename", title="Slices").status_code == 303
    assert "Slices" in portal.get(demo, "/").text
    assert portal.post(demo, f"{page}/share", f"{page}/share", username="jun", mode="view").status_code == 303
    jun = portal.browser("jun")
    assert "Slices" in portal.get(jun, "/").text
    assert portal.get(portal.browser("mara"), page).status_code == 404
    assert portal.post(demo, f"{page}/stop", f"{page}/stop").status_code == 303


def test_a_sign_out_holds_in_every_process(portal: PortalServer) -> None:
    demo = portal.browser("demo")
    token = demo.cookies["asci"]
    assert portal.post(demo, "/", "/sign-out").status_code == 303
    for _ in range(8):
        demo.cookies.set("asci", token)
        assert portal.get(demo, "/").status_code == 303


def test_one_request_id_from_page_to_both_logs(portal: PortalServer) -> None:
    number = "feedfacefeedfacefeedfacefeedface"
    demo = portal.browser("demo")
    answer = portal.get(demo, "/s/nosuchsess", X_Request_Id=number)
    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] == number
    assert number in answer.text


def test_the_address_that_the_api_audits_is_the_persons(portal: PortalServer) -> None:
    portal.browser("demo")
    admin = portal.api.visitor("admin")
    entries = admin.get(portal.api.at("/audit"), timeout=30).json()["items"]
    assert "192.0.2.9" in json.dumps(entries)


def test_two_people_never_share_a_connection_pools_sign_in(portal: PortalServer) -> None:
    demo, jun = portal.browser("demo"), portal.browser("jun")
    for _ in range(10):
        assert "Demo Scientist" in portal.get(demo, "/account").text
        assert "Jun Okafor" in portal.get(jun, "/account").text
        assert portal.get(portal.browser(), "/account").status_code == 303


def test_both_processes_count_together(portal: PortalServer) -> None:
    def counted() -> int:
        text = requests.get(portal.address + "/metrics", timeout=30).text
        found = re.search(r'asci_webui_requests_total\{method="GET",route="/help",status="200"\} (\d+)', text)
        return int(found.group(1)) if found else 0

    before = counted()
    for _ in range(10):
        portal.get(portal.browser(), "/help")
    assert counted() == before + 10


def test_no_secret_in_the_log(portal: PortalServer) -> None:
    demo = portal.browser("demo")
    portal.get(demo, "/")
    assert demo.cookies["asci"] not in portal.log
    assert "Traceback" not in portal.log


def test_without_the_api_there_is_a_page_in_words(portal: PortalServer) -> None:
    demo = portal.browser("demo")
    process = portal.api._process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    answer = portal.get(demo, "/")
    assert answer.status_code == 503
    assert "Your desktops keep running." in answer.text
    assert portal.get(demo, "/help").status_code == 200
    assert portal.get(demo, "/health/live").status_code == 404
