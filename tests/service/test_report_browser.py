"""report.html in a real browser: the policy blocks and does not get in the way, the page reads at any width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaoskit.report.html import write_html
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from tests.unit.report.example_run import example_run
from tests.unit.report.test_html import HOSTILE, hostile_run

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("chromium")]
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all of this file."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM} (Debian: apt install chromium)")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example run's page."""
    run = example_run()
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_html(path, run.record, run.stories, run.events, system=run.system)
    return path


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Any]:
    """Opens a file in a context of its own and collects what the console says."""
    contexts = []

    def opened(path: Path, said: list[str] | None = None, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        if said is not None:
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


def test_runs_without_a_word_on_the_console(open_page: Any, report: Path) -> None:
    """No error, no request, and our own script and style are let through by the policy."""
    said: list[str] = []
    page = open_page(report, said)
    page.locator(".board").first.hover()
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "1120px"
    assert said == []


def test_policy_stops_whatever_got_in(open_page: Any, report: Path, tmp_path: Path) -> None:
    """Even if escaping failed one day, a foreign script, style or image would not run."""
    evil = "<script>document.title='owned'</script><img src='http://127.0.0.1:9/x' onerror=\"document.title='owned'\">"
    broken = tmp_path / "broken.html"
    broken.write_text(report.read_text(encoding="utf-8").replace("<main>", f"<main>{evil}", 1), encoding="utf-8")
    said: list[str] = []
    page = open_page(broken, said)
    assert page.title().startswith("fail: shop")
    assert sum("Content Security Policy" in text for text in said) >= 2


def test_hostile_names_are_only_text(open_page: Any, tmp_path: Path) -> None:
    """What a system calls itself is shown as it is, and nothing of it runs or stretches the page."""
    run = hostile_run()
    path = tmp_path / "hostile.html"
    write_html(path, run.record, run.stories, run.events)
    said: list[str] = []
    page = open_page(path, said, width=400)
    assert said == []
    assert page.locator("h1").inner_text().startswith(HOSTILE[:40])
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


_OUTSIDE = """width => [...document.querySelectorAll('svg text')]
  .filter(text => !text.closest('.scroll') && getComputedStyle(text).display !== 'none')
  .filter(text => { const box = text.getBoundingClientRect();
                    return box.width && (box.left < -1 || box.right > width + 1); })
  .map(text => text.textContent)"""

_OVERLAPS = """() => [...document.querySelectorAll('.chart svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text.tick, text.phase-label, text.state-label')]
    .map(text => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  return boxes.flatMap(([name, box], i) => boxes.slice(i + 1).filter(([, other]) => meet(box, other))
    .map(([other]) => name + ' / ' + other)); })"""


def test_reads_at_any_width(open_page: Any, report: Path) -> None:
    """Readable on a telephone: no sideways scrolling with all folds open, no letter cut, no labels on one another."""
    page = open_page(report)
    page.evaluate("document.querySelectorAll('details:not(.twin)').forEach(fold => fold.open = true)")
    for width in (320, 400, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_OUTSIDE, width) == []
        assert page.evaluate(_OVERLAPS) == []


def test_reads_without_script(open_page: Any, report: Path) -> None:
    """With JavaScript off: the sentence, the pictures, the tables, and links that open the fold they lead into."""
    page = open_page(report, java_script_enabled=False)
    assert page.locator("h1").inner_text().startswith("order's breaker on customer never opened")
    assert page.locator("#s0-panel0 svg.plot path").first.is_visible()
    folded = page.locator("#s1-panel0")
    assert not folded.is_visible()
    page.locator("#index .scenarios a", has_text="A hanging customer service").click()
    page.locator("#s1 > summary").click()
    assert folded.is_visible()
    twin = page.locator("#s0-panel0 details.twin")
    twin.locator("summary").click()
    assert twin.locator("tbody tr").count() > 50


def test_one_cursor_over_all_panels_with_values(open_page: Any, report: Path) -> None:
    """Hovering anywhere shows the same instant in every panel, with its values."""
    page = open_page(report)
    plot = page.locator("#s0-panel2 svg.plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 6 / 13, box["y"] + 20)
    board = page.locator(".board").first
    read = "lines => lines.map(line => [line.getAttribute('x1'), line.getAttribute('visibility')])"
    places = board.locator(".cursor").evaluate_all(read)
    assert len(places) == 5
    assert len({tuple(place) for place in places}) == 1
    assert places[0][1] == "visible"
    shown = board.locator(".readout").inner_text()
    assert re.match(r"\+(2\.9|3\.0)\d\d s$", shown)
    assert page.locator("#s0-panel2 output").all_inner_texts()[-1] == "50 /s"
    page.mouse.move(5, 5)
    assert board.locator(".readout").inner_text() == ""


def test_a_check_leads_to_its_instant(open_page: Any, report: Path) -> None:
    """A click on a finding's time scrolls to the panel, marks it and puts the cursor there."""
    page = open_page(report)
    page.locator("#s0 .check.fail a.jump").first.click()
    assert page.locator(".panel.shown").get_attribute("id") == "s0-panel2"
    page.wait_for_function("document.querySelector('#s0-panel2').getBoundingClientRect().top < innerHeight")
    assert page.locator(".board").first.locator(".readout").inner_text() == "+6.000 s"


def test_keyboard_reaches_everything(open_page: Any, report: Path) -> None:
    """Tab gets to links, folds and the timeline; arrows move the cursor; focus can be seen."""
    page = open_page(report)
    board = page.locator(".board").first
    board.focus()
    page.keyboard.press("ArrowRight")
    first = board.locator(".readout").inner_text()
    page.keyboard.press("Shift+ArrowRight")
    second = board.locator(".readout").inner_text()
    assert float(second[1:-2]) - float(first[1:-2]) == pytest.approx(2.0)
    page.keyboard.press("Escape")
    assert board.locator(".readout").inner_text() == ""
    reached = set()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className"))
    assert {"A.", "SUMMARY.", "DIV.scroll"} <= reached
    page.locator("#s1 > summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#s1-panel0").is_visible()


_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = new Map();
  const rgba = css => {
    if (!known.has(css)) {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
      known.set(css, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(css); };
  const part = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * part(c[0] / 255) + 0.7152 * part(c[1] / 255) + 0.0722 * part(c[2] / 255);
  const ground = e => {
    for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; }
    return [255, 255, 255, 255]; };
  const bad = new Set();
  for (const e of document.querySelectorAll('main *')) {
    const own = [...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest('.spoken') || e.matches('title, .on-open')) continue;
    const style = getComputedStyle(e), drawn = e.namespaceURI.endsWith('svg');
    const a = light(rgba(drawn ? style.fill : style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(e.tagName + '.' + e.getAttribute('class') + ' ' + ratio.toFixed(2));
  }
  return [...bad];
}"""


def test_contrast_in_both_schemes(open_page: Any, report: Path) -> None:
    """Every text has at least 4.5:1 against its ground (WCAG AA), and the dark scheme is dark."""
    page = open_page(report)
    for scheme, expected in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 21, 26)")):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == expected
        assert page.evaluate(_CONTRAST) == []


def test_prints_on_a4_with_all_folds_open(open_page: Any, report: Path) -> None:
    """On paper nothing can be unfolded: what is folded is printed, tables behind charts are not."""
    page = open_page(report, java_script_enabled=False)
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    assert 5 <= pages <= 25
    page.emulate_media(media="print")
    assert page.locator("#s1 .checks").bounding_box() is not None
    assert not page.locator("#s0-panel0 .twin").is_visible()


def test_single_scenario_stands_open(open_page: Any, tmp_path: Path) -> None:
    """With one scenario there is no index and nothing to unfold before the picture."""
    run = example_run()
    one = replace(run.record, scenarios=run.record.scenarios[1:2])
    write_html(tmp_path / "one.html", one, run.stories, run.events, system=run.system)
    page = open_page(tmp_path / "one.html", width=400)
    assert page.locator("#index").count() == 0
    assert page.locator("#s1-panel3 .state-label", has_text="open").first.is_visible()
