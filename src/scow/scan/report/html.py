"""PURE. A report as one page that needs nothing else: no network, no script, works from a file, in light and dark.

A policy in the page lets nothing be loaded or run, whatever an image may have made its names of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from scow.scan.advice import Advice
from scow.scan.finding import Report
from scow.scan.report import text
from scow.scan.report.sarif import advisory_url
from scow.scan.report.terminal import advised
from scow.scan.report.text import Line

_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; --line: #8884; --dim: #888; }
body { max-width: 78rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; overflow-wrap: anywhere; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
th, td { padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; }
td:nth-child(3), td:nth-child(4) { font-family: ui-monospace, monospace; font-size: .9em; }
small, .dim { color: var(--dim); } .gap { border-left: 3px solid #d80; padding-left: .6rem; margin: .2rem 0; }
.critical { color: #c2185b; } .high { color: #d32f2f; } .medium { color: #c77700; } .low { color: #2a7f9e; }
.tag { border: 1px solid; border-radius: 3px; padding: 0 .3em; font-size: .8em; }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_HEAD: Final = ("Vulnerability", "Package", "Installed", "Fixed in", "Layer")
_ADVICE: Final = 8


def report(told: Report, advice: Sequence[Advice] = ()) -> str:
    """The page."""
    catalog = told.catalog
    about = ", ".join(filter(None, (str(catalog.distribution or ""), text.number(len(catalog.packages), "package"))))
    body = [f"<h1>{_text(catalog.subject)}</h1>", f"<p>{_text(about)}<br><small>{_text(catalog.digest)}</small></p>"]
    body.append(f"<p><strong>{_text(text.headline(told))}</strong></p>")
    body += (f'<p class="gap">{_text(warning)}</p>' for warning in text.warnings(told))
    if advice:
        listed = "".join(f"<li>{_text(advised(one))}</li>" for one in advice[:_ADVICE])
        body.append(f"<h2>What removes most</h2><ul>{listed}</ul>")
    for word, lines in text.by_severity(told):
        body.append(f'<h2 class="{word}">{word.capitalize()} ({text.total(lines)})</h2>')
        body += _table(told, lines)
    body.append(f'<p class="dim">{_text(text.asked(told))}</p>')
    return _page(catalog.subject, "\n".join(body))


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}: what is known to be wrong</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _table(told: Report, lines: Sequence[Line]) -> Iterator[str]:
    yield f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in _HEAD)}</tr></thead><tbody>"
    for line in lines:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(told, line))}</tr>"
    yield "</tbody></table>"


def _cells(told: Report, line: Line) -> Iterator[str]:
    finding = line.finding
    tag = f' <span class="tag high">exploited since {_text(finding.exploited)}</span>' if finding.exploited else ""
    score = f" <small>{finding.score:.1f}</small>" if finding.score is not None else ""
    yield f"{_link(advisory_url(finding), finding.name)}{score}{tag}<br><small>{_text(finding.title)}</small>"
    yield _text(", ".join(line.packages))
    yield _text(finding.package.version)
    yield _text(finding.fixed) or '<span class="dim">none</span>'
    layer = finding.package.layer
    made = text.instruction(told.catalog, layer)
    yield (f"{layer}<br><small>{_text(text.cut(made, 120))}</small>" if layer >= 0 else "")


def _link(url: str, words: str) -> str:
    """A link where the address is one of the web: it is somebody else's text too."""
    if not url.startswith(("https://", "http://")):
        return _text(words)
    return f'<a rel="noreferrer" href="{_text(url)}">{_text(words)}</a>'


def _text(words: str) -> str:
    return escape(text.printable(words))
