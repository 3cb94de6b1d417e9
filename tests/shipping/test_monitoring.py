"""The alerts and the dashboard for Grafana: every metric and label that an expression names is in a real scrape."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from shipping_place import Place

DEPLOY = Path(__file__).parents[2] / "scheduler" / "deploy"
ALERTS, DASHBOARD = DEPLOY / "prometheus" / "alerts.yml", DEPLOY / "grafana" / "dashboards" / "wiretask.json"
PROMTOOL = shutil.which("promtool")
#: What Prometheus itself makes.
PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
ADDED = {"job", "instance"}
#: What Grafana replaces.
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$queue": ".*", "$worker": ".*"}


def alerts() -> list[dict]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with the name of what it is for."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for note in json.loads(DASHBOARD.read_text())["annotations"]["list"]:
        yield note["name"], note["expr"]


EXPRESSIONS = list(expressions())


def parse(expression: str) -> promql_parser.Expr:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"Grafana does not know a variable of {expression}"
    return promql_parser.parse(expression)


def named(expression: str) -> dict[str, set[str]]:
    """The metrics that an expression names, with the labels that it selects by."""
    found: dict[str, set[str]] = defaultdict(set)

    def look(node: object) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            found[node.name or ""] |= {matcher.name for matcher in node.matchers.matchers}

    promql_parser.walk(parse(expression), look)
    return dict(found)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """The metrics of a scheduler that has seen some of everything, and of its worker, each with its labels."""
    with Place(tmp_path_factory.mktemp("scraped")) as place:
        worker = place.worker()
        assert place.client("submit", "one").returncode == 0
        # What is delayed keeps its queue in the lists; what is paused has a mode.
        assert place.client("submit", "--no-wait", "--delay", "1h", "later").returncode == 0
        place.post("/api/queues/night/pause")
        assert place.client("submit", "--no-wait", "--queue", "night", "ready").returncode == 0
        place.until(lambda: "wiretask_queue_oldest_ready_seconds{" in scrape(place.http))
        found: dict[str, set[str]] = defaultdict(set)
        for family in text_string_to_metric_families(scrape(place.http) + scrape(worker)):
            for sample in family.samples:
                found[sample.name] |= {*sample.labels}
        yield {**PROMETHEUS, **{name: labels | ADDED for name, labels in found.items()}}


def scrape(http: str) -> str:
    with urllib.request.urlopen(f"http://{http}/metrics", timeout=10) as answer:
        return str(answer.read(), "utf-8")


@pytest.mark.processes
@pytest.mark.parametrize(("what", "expression"), EXPRESSIONS, ids=[what for what, _ in EXPRESSIONS])
def test_an_expression_names_what_schedulers_and_workers_tell(scraped, what, expression):
    metrics = named(expression)
    assert metrics, f"{what} asks for nothing"
    for name, labels in metrics.items():
        assert name in scraped, f"{what} names {name}, which no scrape has"
        assert labels <= scraped[name], f"{what}: {name} has no label {labels - scraped[name]}"


@pytest.mark.processes
def test_a_name_that_is_wrong_would_be_noticed(scraped):
    for expression in ("sum(rate(wiretask_tasks_submited_total[1m]))", "1 - wiretask_queue_task > 0"):
        assert not set(named(expression)) <= set(scraped)
    assert (
        not named('sum by (le) (wiretask_queue_tasks{stage="ready"})')["wiretask_queue_tasks"]
        <= scraped["wiretask_queue_tasks"]
    )


def _families(scraped):
    ours = {name for name in scraped if name.startswith("wiretask_") and not name.endswith("_created")}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}


@pytest.mark.processes
def test_every_metric_has_a_panel(scraped):
    shown = {name for what, expression in EXPRESSIONS for name in named(expression)}
    assert _families(scraped) <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}


@pytest.mark.processes
def test_the_reference_names_every_metric_and_no_other(scraped):
    page = (DEPLOY.parents[1] / "docs" / "reference" / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == _families(scraped)


@pytest.mark.parametrize("text", ["rate(wiretask_commits_total)", "sum by (", "wiretask_tasks{queue=~'['}"])
def test_an_expression_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


def test_an_alert_says_who_is_to_wake_and_what_is_wrong():
    assert len({rule["alert"] for rule in alerts()}) == len(alerts()) >= 10
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_the_guide_says_of_every_alert_what_to_do():
    page = (DEPLOY.parents[1] / "docs" / "how-to" / "monitor.md").read_text()
    assert [rule["alert"] for rule in alerts() if f"`{rule['alert']}`" not in page] == []


def test_panels_have_ids_of_their_own_and_say_what_they_show():
    every = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]


def test_no_panel_lies_on_another():
    taken: dict[tuple[int, int], str] = {}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            assert 0 <= x < 24, panel["title"]
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) is panel["title"]


@pytest.mark.skipif(PROMTOOL is None, reason="SKIPPED: the stories of the alerts, because this machine has no promtool")
@pytest.mark.parametrize("words", ["check config prometheus.yml", "test rules alerts.test.yml"])
def test_promtool_agrees(words):
    done = subprocess.run(
        [str(PROMTOOL), *words.split()],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_story():
    stories = (DEPLOY / "prometheus" / "alerts.test.yml").read_text()
    assert [rule["alert"] for rule in alerts() if rule["alert"] not in stories] == []
