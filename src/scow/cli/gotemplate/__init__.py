"""PURE. The subset of Go's ``text/template`` that docker's ``--format`` speaks, over plain JSON-like values.

``lexer`` cuts the text into tokens, ``parser`` makes ``nodes`` of them, ``execute`` walks the nodes, ``functions`` is
the table of what a template may call, ``printf`` prints values the way Go's ``fmt`` does. Start at ``template``.
"""
