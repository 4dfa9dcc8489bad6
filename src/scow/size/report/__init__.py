"""An analysis as text: for a terminal, as JSON, Markdown, and one self-contained HTML page. Pure."""
