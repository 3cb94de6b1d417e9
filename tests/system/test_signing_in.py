"""The dashboard of a scheduler with tokens: who signs in sees it, who does not sees why, and every session ends."""

import signal

import pytest
import trustme
from browser_day import Day, picture

playwright = pytest.importorskip(
    "playwright.sync_api", reason="SKIPPED: the dashboard, because this environment has no Playwright"
)
expect = playwright.expect

pytestmark = pytest.mark.processes

ADMIN, CLIENT, OTHER = "a" * 40, "c" * 40, "o" * 40
TOKENS = f"""
[ann]
token = "{ADMIN}"
roles = ["admin"]
principal = "operations"

[billing]
token = "{CLIENT}"
roles = ["client"]
"""
LINK = "#/tasks?state=dead"


class Guarded(Day):  # type: ignore[misc] # it lies beside
    """The same with a token file."""

    def __init__(self, system, browser, **options) -> None:
        self.tokens = system.folder / "tokens.toml"
        self.write(TOKENS)
        super().__init__(system, browser, flags=("--tokens", str(self.tokens), *self.more(system.folder)), **options)

    def more(self, folder):
        """More flags of the scheduler."""
        return ()

    def write(self, text) -> None:
        self.tokens.write_text(text)
        self.tokens.chmod(0o600)

    def sign_in(self, key_id, token):
        self.page.get_by_label("Key id").fill(key_id)
        self.page.get_by_label("Token").fill(token)
        self.page.keyboard.press("Enter")


class Secure(Guarded):
    """The same over TLS, with a certificate that this browser has to take."""

    def more(self, folder):
        signed = trustme.CA().issue_cert("127.0.0.1")
        certificate, key = folder / "scheduler.pem", folder / "scheduler.key"
        signed.cert_chain_pems[0].write_to_path(str(certificate))
        signed.private_key_pem.write_to_path(str(key))
        return "--tls-cert", str(certificate), "--tls-key", str(key)


@pytest.fixture
def day(system, browser):
    day = Guarded(system, browser)
    yield day
    day.context.close()


def test_a_link_leads_through_signing_in_to_what_it_names(day):
    day.page.goto(f"{day.url}/{LINK}")
    day.sign_in("ann", ADMIN)
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Tasks")
    expect(day.page.locator("select")).to_have_value("dead")
    expect(day.page.locator("#status")).to_have_text("live")
    # No script can read the cookie, and no place shows the token.
    assert day.page.evaluate("document.cookie") == ""
    assert ADMIN not in day.page.url + day.page.content()
    day.page.reload()
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Tasks")
    assert day.wrong == []


@pytest.mark.parametrize(
    ("key_id", "token", "said"),
    [
        ("ann", OTHER, "nobody has this key id with this token"),
        ("nobody", ADMIN, "nobody has this key id with this token"),
        ("ann", "short", "this is no key id with its token"),
        ("billing", CLIENT, "the token billing is for client; use one with the role admin"),
    ],
)
def test_who_does_not_know_an_admins_token_is_told_what_is_wrong(day, key_id, token, said):
    day.page.goto(day.url)
    day.sign_in(key_id, token)
    expect(day.page.get_by_role("alert")).to_contain_text(said)
    expect(day.page.get_by_label("Token")).to_have_value("")
    day.sign_in("ann", ADMIN)
    expect(day.page.locator("#status")).to_have_text("live")


def test_who_signs_out_sees_nothing_any_more(day):
    day.page.goto(f"{day.url}/login")
    day.sign_in("ann", ADMIN)
    day.page.get_by_role("button", name="Sign out operations").click()
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Sign in to Wiretask")
    day.page.go_back()
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Sign in to Wiretask")


def test_a_session_ends_with_its_token_and_the_page_asks_to_sign_in_again(day):
    day.page.goto(f"{day.url}/{LINK}")
    day.sign_in("ann", ADMIN)
    expect(day.page.locator("#status")).to_have_text("live")
    day.write(TOKENS.replace(ADMIN, OTHER))
    day.system.scheduler.process.send_signal(signal.SIGHUP)
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Sign in to Wiretask")
    day.sign_in("ann", OTHER)
    # It goes on where it was.
    expect(day.page.locator("select")).to_have_value("dead")


def test_where_nobody_has_to_sign_in_nobody_is_asked_to(system, browser):
    day = Day(system, browser)
    day.page.goto(f"{day.url}/login")
    expect(day.page.locator("#status")).to_have_text("live")
    expect(day.page.locator("#out")).to_be_hidden()
    day.context.close()
    assert day.wrong == []


def test_over_tls_the_page_is_live_and_its_cookie_is_for_tls_alone(system, browser):
    day = Secure(system, browser, ignore_https_errors=True)
    assert day.url.startswith("https://")
    day.page.goto(f"{day.url}/#/queues")
    day.sign_in("ann", ADMIN)
    expect(day.page.get_by_role("heading", level=1)).to_have_text("Queues")
    expect(day.page.locator("#status")).to_have_text("live")
    (cookie,) = day.context.cookies()
    assert cookie["name"].startswith("__Host-wiretask-")
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
    day.page.reload()
    expect(day.page.locator("#status")).to_have_text("live")
    day.context.close()
    assert day.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_signing_in_is_not_wider_than_the_screen(system, browser, width, scheme):
    day = Guarded(system, browser, viewport={"width": width, "height": 844}, color_scheme=scheme)
    day.page.goto(day.url)
    day.sign_in("ann", OTHER)
    expect(day.page.get_by_role("alert")).to_be_visible()
    assert day.page.evaluate("document.documentElement.scrollWidth") <= width
    picture(day.page, f"login-{width}-{scheme}")
    day.context.close()
