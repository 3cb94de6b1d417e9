"""An operator's day in a real browser: headless Chromium, driven by Playwright, on the page of a real scheduler.

Pictures of every view, wide and narrow, dark and light, are taken for people to look at (see `browser_day`).
"""

import json
import signal

import pytest
from browser_day import Day, picture
from parts import start_scheduler

playwright = pytest.importorskip(
    "playwright.sync_api", reason="SKIPPED: the dashboard, because this environment has no Playwright"
)
expect = playwright.expect

pytestmark = pytest.mark.processes


def test_an_operator_finds_what_fails_reads_why_and_retries_it_all(day):
    day.fail()
    page = day.open()
    expect(page.locator("#status")).to_have_text("live")
    page.get_by_role("link", name="Failures").click()
    rows = page.locator("tr[data-open]")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("TimeoutError")
    expect(rows.first.locator("td[data-label=tasks]")).to_have_text("5")

    rows.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("TimeoutError in send")
    page.locator("tr[data-open]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("send")
    expect(page.locator("pre").first).to_contain_text("raise TimeoutError")
    expect(page.locator(".timeline li")).to_have_count(3)
    expect(page.locator(".timeline")).to_contain_text("attempt 1 failed on blue:1")
    # What a task says is text, and never markup.
    expect(page.locator(".callout")).to_contain_text("nobody answers at <b>smtp</b>")

    day.back.touch()
    page.go_back()
    page.get_by_role("button", name="Retry all 5").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("5 dead tasks of the type send with TimeoutError")
    dialog.get_by_role("button", name="Retry all").click()
    expect(page.locator(".toast")).to_have_text("5 tasks live again.")
    expect(page.locator("p.empty")).to_have_text("None of them is dead any more.")
    page.goto(f"{day.url}/#/tasks?type=send&state=succeeded")
    expect(page.locator("tr[data-open]")).to_have_count(5)
    assert day.wrong == []


def test_an_operator_pauses_a_queue_and_resumes_it(day):
    page = day.open("#/queues")
    row = page.locator("tr[data-key=default]")
    row.get_by_role("button", name="Pause").click()
    expect(row.locator(".pill")).to_have_text("paused")
    waiting = day.submit("send", str(day.back))
    day.back.touch()
    expect(row.locator("td[data-label=ready]")).to_have_text("1")
    page.goto(f"{day.url}/#/tasks/{waiting}")
    expect(page.locator(".callout")).to_contain_text("the queue default is paused")
    page.goto(f"{day.url}/#/queues")
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".pill")).to_have_text("open")
    expect(row.locator("td[data-label=ready]")).to_have_text("0")
    assert day.system.client("result", waiting).stdout.strip() == '"sent"'

    row.get_by_role("button", name="Drain").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    expect(row.locator(".pill")).to_have_text("open")
    assert day.wrong == []


def test_an_operator_watches_a_worker_drain(day):
    page = day.open("#/workers")
    card = page.locator("article.card")
    expect(card).to_contain_text("blue:1")
    expect(card.locator(".pill")).to_have_text("idle")
    held = day.submit("hold", str(day.released))
    expect(card.locator(".pill")).to_have_text("working")
    expect(card.locator(".plain")).to_contain_text("hold for")
    day.worker.process.send_signal(signal.SIGTERM)
    expect(card.locator(".pill")).to_have_text("draining")
    day.released.touch()
    expect(page.locator("p.empty")).to_contain_text("No worker is connected.")
    assert day.worker.wait() == 0
    assert day.system.client("result", held).stdout.strip() == '"released"'
    assert day.wrong == []


def test_an_operator_sees_what_recurs_and_finds_its_runs(day):
    day.back.touch()
    words = ("schedule", "put", "nightly", "--type", "send", "--every", "3600", "--json", json.dumps([str(day.back)]))
    assert day.system.client(*words).returncode == 0
    page = day.open("#/schedules")
    row = page.locator("tr[data-key=nightly]")
    expect(row.locator("td[data-label=when]")).to_have_text("every 1 h")
    expect(row.locator("td[data-label=next]")).to_contain_text("in ")
    day.submit("send", str(day.back))
    row.get_by_role("link", name="nightly").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    expect(page.locator("tr[data-open]").first).to_contain_text("send")
    assert day.wrong == []


def test_the_tiles_lead_to_what_they_count(day):
    page = day.open()
    for tile, heading in (("ready", "Queues"), ("running", "Tasks"), ("failed", "Failures"), ("workers", "Workers")):
        page.keyboard.press("1")
        page.locator(f"a.tile.{tile}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert day.wrong == []


def test_everything_is_reached_by_keys_alone(day):
    day.fail()
    page = day.open()
    page.keyboard.press("3")
    expect(page.get_by_role("heading", level=1)).to_have_text("Failures")
    expect(page.locator("tr[data-open]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("TimeoutError in send")
    expect(page.locator("tr[data-open]")).to_have_count(5)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator(".timeline")).to_be_visible()
    day.back.touch()
    page.keyboard.press("r")
    expect(page.locator(".toast")).to_have_text("It lives again.")
    expect(page.locator("h1 .pill")).to_have_text("succeeded")
    page.keyboard.press("Escape")
    expect(page.locator("tr[data-open]")).to_have_count(4)
    task = page.locator("tr[data-open]").first.get_attribute("data-key")
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="type")).to_be_focused()
    page.keyboard.type(task)
    page.keyboard.press("Enter")
    expect(page.locator("p.id")).to_have_text(task)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("the next row")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert day.wrong == []


def test_the_charts_move_while_tasks_flow(day):
    page = day.open()
    line = page.locator(".chart polyline.accent").first
    line.wait_for(state="attached")
    before = line.get_attribute("points")
    day.back.touch()
    day.submit("send", str(day.back))
    expect(line).not_to_have_attribute("points", before)
    expect(page.locator(".tile.workers b")).to_have_text("1")


def test_a_page_of_another_site_changes_nothing(day):
    day.open("#/queues")
    page = day.context.new_page()
    page.goto("data:text/html,<title>elsewhere</title>")
    for headers in ({}, {"Wiretask-Request": "1"}):
        page.evaluate(
            "([url, headers]) => fetch(url, {method: 'POST', mode: Object.keys(headers).length ? 'cors' : 'no-cors', headers})"
            ".catch(() => null)",
            [f"{day.url}/api/queues/default/pause", headers],
        )
    page.set_content(
        f'<form method="post" action="{day.url}/api/queues/default/pause"><button>win a prize</button></form>'
    )
    page.get_by_role("button").click()
    expect(page.locator("body")).to_contain_text("another site")
    said = day.page.evaluate("fetch('/api/queues').then((answer) => answer.json())")
    assert [queue["mode"] for queue in said["queues"]] == ["open"]


def test_the_end_of_the_scheduler_is_seen_and_so_is_its_return(day):
    page = day.open()
    expect(page.locator("#status")).to_have_text("live")
    port = day.url.rpartition(":")[2]
    day.system.scheduler.terminate()
    expect(page.locator("#status")).to_have_text("no answer")
    day.system.scheduler, _ = start_scheduler(
        day.system.folder, port=day.system.port, extra=("--http", f"127.0.0.1:{port}")
    )
    expect(page.locator("#status")).to_have_text("live")


VIEWS = {
    "overview": "#/",
    "tasks": "#/tasks",
    "failures": "#/failed",
    "failure": "#/failed?type=send&queue=default&error=TimeoutError",
    "queues": "#/queues",
    "workers": "#/workers",
    "schedules": "#/schedules",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_view_is_wider_than_the_screen(system, browser, width, scheme):
    day = Day(system, browser, viewport={"width": width, "height": 844}, color_scheme=scheme)
    day.fail()
    every = ("--type", "send", "--every", "3600", "--json", '["x"]')
    assert day.system.client("schedule", "put", "nightly", *every).returncode == 0
    dead = None
    for name, path in {**VIEWS, "task": "#/tasks/{}"}.items():
        page = day.open(path.format(dead))
        expect(page.locator("#status")).to_have_text("live")
        expect(page.locator("h1")).not_to_be_empty()
        if name == "failure":
            dead = page.locator("tr[data-open]").first.get_attribute("data-key")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        picture(page, f"{name}-{width}-{scheme}")
    day.context.close()
    assert day.wrong == []
