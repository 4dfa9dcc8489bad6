"""PURE. A report as text: for a terminal, a pull request, a browser, a script, or another tool. One module a format."""
