"""Text of somebody else's in a document of ours: it is shown as it is, and means nothing."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scow.oci.quoting import markdown


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    shown = MarkdownIt("commonmark").enable("table").render(f"a {markdown(text)} z")
    assert unescape(shown.removeprefix("<p>").removesuffix("</p>\n")) == f"a {text} z"


@pytest.mark.parametrize("text", ["@everyone", "https://evil.example/x", "ftp://evil.example", "www.evil.example"])
def test_markdown_mentions_nobody_and_links_nowhere(text: str) -> None:
    assert text not in markdown(text)
    assert unescape(markdown(text)) == text
