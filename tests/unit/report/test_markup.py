"""Escaping: the one gate between names from outside and the page."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from chaoskit.report.page.markup import Html, escape, join, json_block, tag
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = "<script>alert(1)</script>\"'&]]></style>\u202eevil\x00"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.opened: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    """No string, whatever it holds, opens a tag or ends an attribute."""
    read = _read(tag("p", text, title=text))
    assert [name for name, _ in read.opened] == ["p"]
    assert list(read.opened[0][1]) == ["title"]


def test_control_and_bidi_characters_are_replaced() -> None:
    """A name cannot pretend to be another one by turning the direction of writing."""
    assert escape("a\u202eb\x1bc") == "a\ufffdb\ufffdc"


def test_only_html_is_not_escaped() -> None:
    """Markup passes once, strings beside it do not."""
    assert join([tag("b", "x"), "<i>", None, 3]) == "<b>x</b>&lt;i&gt;3"
    assert isinstance(escape(Html("<b>")), Html)


def test_attributes() -> None:
    """None and False vanish, True stands alone, underscores become dashes."""
    assert tag("a", class_="x", data_at=1, open=True, href=None, id=False) == '<a class="x" data-at="1" open></a>'
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


@given(st.text())
def test_json_block_cannot_be_ended_from_inside(text: str) -> None:
    """`</script>` or `<!--` inside a name must not end or change the data block."""
    block = json_block("d", {"name": text})
    inner = block.removeprefix('<script type="application/json" id="d">').removesuffix("</script>")
    assert "<" not in inner
    assert json.loads(inner) == {"name": text}


def test_hostile_name_reads_back_as_text() -> None:
    """What the reader sees is what the system said."""
    assert "".join(_read(tag("p", HOSTILE)).texts) == HOSTILE.replace("\u202e", "\ufffd").replace("\x00", "\ufffd")
