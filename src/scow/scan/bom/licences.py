"""Which texts are SPDX licence expressions. Pure.

Packages state their licences as they please. Only what the specification can express may stand where it wants an
expression; everything else is passed on as the text that it is.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_OPERATORS: Final = frozenset({"AND", "OR", "WITH"})
#: of the SPDX licence list, those that most packages have; what is not here is passed on as text
KNOWN: Final = frozenset({
    "0BSD", "AFL-2.1", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-1.1", "Apache-2.0",
    "Artistic-1.0", "Artistic-1.0-Perl", "Artistic-2.0", "BlueOak-1.0.0", "BSD-1-Clause", "BSD-2-Clause",
    "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "bzip2-1.0.6", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0",
    "CDDL-1.0", "CDDL-1.1", "CPL-1.0", "curl", "EPL-1.0", "EPL-2.0", "EUPL-1.2", "FTL", "GFDL-1.3-or-later",
    "GPL-1.0-or-later", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "HPND", "ICU",
    "IJG", "ISC", "LGPL-2.0-only", "LGPL-2.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only",
    "LGPL-3.0-or-later", "Libpng", "libtiff", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "MS-PL", "NCSA", "NTP",
    "OFL-1.1", "OLDAP-2.8", "OpenSSL", "PHP-3.01", "PostgreSQL", "PSF-2.0", "Python-2.0", "Ruby", "Sleepycat",
    "SSPL-1.0", "TCL", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "UPL-1.0", "Vim", "W3C", "WTFPL", "X11",
    "Xnet", "Zlib", "ZPL-2.1",
})  # fmt: skip
_EXCEPTIONS: Final = frozenset({
    "Classpath-exception-2.0", "GCC-exception-3.1", "LLVM-exception", "Linux-syscall-note",
})  # fmt: skip


def is_expression(text: str) -> bool:
    """Whether ``text`` is an expression of known licences: operands with operators between them, in pairs of
    parentheses."""
    depth, operand = 0, False
    before = ""
    for word in _TOKEN.findall(text):
        if word in _OPERATORS:
            if not operand:
                return False
            operand = False
        elif word == "(":
            if operand or before == "WITH":
                return False
            depth += 1
        elif word == ")":
            if not operand or not depth:
                return False
            depth -= 1
        elif operand or word not in (_EXCEPTIONS if before == "WITH" else KNOWN):
            return False
        else:
            operand = True
        before = word
    return operand and not depth


def reference(text: str) -> str:
    """The ``LicenseRef-…`` by which an SPDX document names a licence that is only known as a text."""
    return f"LicenseRef-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
