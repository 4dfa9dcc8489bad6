"""An analysis, or a comparison, as plain values for JSON and templates: every finding is there. Pure.

Names that are no UTF-8 are told with ``\\xff`` for the bytes that are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from scow.layer.entry import shown
from scow.size.analysis import Analysis
from scow.size.budget import Verdict
from scow.size.compare import Comparison
from scow.size.tree import Node
from scow.size.waste import Finding, Waste


def document(analysis: Analysis, verdicts: Sequence[Verdict] = ()) -> dict[str, Any]:
    """The whole analysis."""
    return {
        "name": analysis.name,
        "id": analysis.id,
        "platform": analysis.platform,
        "size": analysis.size,
        "visible": analysis.visible,
        "wasted": analysis.wasted,
        "efficiency": msgspec.to_builtins(analysis.efficiency),
        "layers": [msgspec.to_builtins(layer) for layer in analysis.layers],
        "waste": [_waste(one) for one in analysis.waste],
        "packages": [msgspec.to_builtins(package) for package in analysis.packages],
        "tree": _node(analysis.tree),
        "budget": [msgspec.to_builtins(verdict) for verdict in verdicts],
    }


def _waste(waste: Waste) -> dict[str, Any]:
    about = waste.about
    return {
        "kind": waste.kind,
        "sort": about.sort,
        "title": about.title,
        "advice": about.advice,
        "layer": waste.layer,
        "instruction": waste.instruction,
        "cause": waste.cause if waste.cause >= 0 else None,
        "caused_by": waste.caused_by,
        "size": waste.size,
        "files": waste.files,
        "findings": [_finding(one) for one in waste.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"path": shown(finding.path), "size": finding.size}
    if finding.also:
        told["also"] = finding.also
    if finding.like:
        told["like"] = shown(finding.like)
    return told


def _node(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"name": node.name, "size": node.size, "files": node.files}
    told["layers"] = [list(pair) for pair in node.layers]
    if node.children:
        told["children"] = [_node(child) for child in node.children]
    if node.rest:
        told["rest"] = True
    return told


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The whole comparison."""
    return {
        "a": comparison.a,
        "b": comparison.b,
        "semantic": comparison.semantic,
        "same": comparison.same,
        "before": comparison.before,
        "after": comparison.after,
        "layers": {"a": comparison.layers[0], "b": comparison.layers[1], "shared": comparison.shared},
        "growth": [{"path": shown(one.path), "size": one.size} for one in comparison.growth],
        "changes": [
            {"path": shown(one.path), "what": list(one.what), "before": one.before, "after": one.after}
            for one in comparison.changes
        ],
    }
