"""Tokens -> nodes. One method per production of Go's template grammar::

list     = { text | action }
action   = "{{" ( pipeline | control | "break" | "continue" | template | block ) "}}"
control  = ("if" | "with" | "range") pipeline "}}" list [ "{{" "else" [control] "}}" list ] "{{" "end"
pipeline = [ variable [ "," variable ] (":=" | "=") ] command { "|" command }
command  = operand { space operand }
operand  = term { field }
term     = literal | function | "." | field | variable | "(" pipeline ")"
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from scow.cli.gotemplate import literals, nodes
from scow.cli.gotemplate.cursor import Cursor
from scow.cli.gotemplate.lexer import KEYWORDS, Token
from scow.errors import Invalid
from scow.oci.quoting import quote

_LITERALS = ("string", "raw", "character", "number", "boolean")
_OPERANDS = frozenset((*_LITERALS, "dot", "field", "identifier", "nil", "variable", "("))
_VALUES = (nodes.Literal, nodes.Dot, nodes.Nil)
Body = tuple[nodes.Node, ...]


def parse(text: str, functions: Collection[str]) -> dict[str, Body]:
    """The template (under the name ``""``) and every template it defines.

    A name that is not in ``functions`` is an error, as is any other departure from the grammar.
    """
    parser = _Parser(text, functions)
    parser.defined[""] = parser.top()
    return parser.defined


class _Parser(Cursor):
    def __init__(self, text: str, functions: Collection[str]) -> None:
        super().__init__(text)
        self.defined: dict[str, Body] = {}
        self._functions = functions
        self._variables = ["$"]
        self._loops = 0

    # lists of nodes

    def top(self) -> Body:
        body: list[nodes.Node] = []
        while self.peek().kind != "eof":
            start = self.at
            if self.next().kind == "open" and self.skip().kind == "define":
                self._define()
                continue
            self.at = start
            node = self._node()
            if isinstance(node, Token):
                raise self.wrong(f"unexpected {{{{{node.text}}}}}")
            body.append(node)
        return tuple(body)

    def _list(self) -> tuple[Body, Token]:
        """Nodes up to ``end`` or ``else``, and which of them it was."""
        self.deeper()
        body: list[nodes.Node] = []
        while self.skip().kind != "eof":
            node = self._node()
            if isinstance(node, Token):
                self.depth -= 1
                return tuple(body), node
            body.append(node)
        raise self.wrong("unexpected EOF")

    def _define(self) -> None:
        self.next()
        name = self._name("define clause")
        self.expect("close", "define clause")
        self._own_list(name, "define clause")

    def _own_list(self, name: str, context: str) -> None:
        """A body that sees neither the variables nor the loops around it."""
        kept = self._variables, self._loops
        self._variables, self._loops = ["$"], 0
        body, last = self._list()
        self._variables, self._loops = kept
        if last.kind != "end":
            raise self.wrong(f"unexpected {{{{{last.text}}}}} in {context}")
        self.defined[name] = body

    def _node(self) -> nodes.Node | Token:
        """A node; or the token ``end`` or ``else``, whose closing delimiter is consumed unless ``if`` or so follows."""
        token = self.take()
        if token.kind == "text":
            return nodes.Text(token.text)
        if token.kind != "open":
            raise self.unexpected(token, "input")
        return self._action()

    def _action(self) -> nodes.Node | Token:
        token = self.skip()
        if token.kind not in KEYWORDS or token.kind in ("nil", "define"):
            return nodes.Action(token.position, self._pipeline("command", "close"))
        self.next()
        match token.kind:
            case "if" | "with" | "range":
                return self._control(token.kind)
            case "end":
                self.expect("close", "end")
                return token
            case "else":
                if self.skip().kind not in ("if", "with"):
                    self.expect("close", "else")
                return token
            case "break" | "continue":
                return self._leave(token)
            case _:
                return self._call(token.kind)

    # actions

    def _leave(self, token: Token) -> nodes.Leave:
        shown = f"{{{{{token.kind}}}}}"
        self.expect("close", shown)
        if not self._loops:
            raise self.wrong(f"{shown} outside {{{{range}}}}")
        return nodes.Leave(token.position, token.kind)

    def _control(self, keyword: str) -> nodes.Branch:
        known = len(self._variables)
        pipe = self._pipeline(keyword, "close")
        self._loops += keyword == "range"
        body, last = self._list()
        self._loops -= keyword == "range"
        otherwise = self._else(keyword) if last.kind == "else" else None
        del self._variables[known:]
        return nodes.Branch(pipe.position, keyword, pipe, body, otherwise)

    def _else(self, keyword: str) -> Body:
        if keyword != "range" and self.peek().kind == keyword:
            self.next()
            self.deeper()
            chained = self._control(keyword)
            self.depth -= 1
            return (chained,)
        body, last = self._list()
        if last.kind != "end":
            raise self.wrong(f"expected end; found {{{{{last.text}}}}}")
        return body

    def _name(self, context: str) -> str:
        token = self.take()
        if token.kind not in ("string", "raw"):
            raise self.unexpected(token, context)
        return str(self._literal(token).value)

    def _call(self, keyword: str) -> nodes.Call:
        """``{{template "name" pipeline}}``, or ``{{block …}}``, which also defines it."""
        context = f"{keyword} clause"
        position = self.skip().position
        name = self._name(context)
        if keyword == "template" and self.skip().kind == "close":
            self.next()
            return nodes.Call(position, name, None)
        pipe = self._pipeline(context, "close")
        if keyword == "block":
            self._own_list(name, context)
        return nodes.Call(position, name, pipe)

    # pipelines

    def _pipeline(self, context: str, end: str) -> nodes.Pipe:
        position = self.skip().position
        names, assigns = self._declarations(context)
        commands: list[nodes.Command] = []
        while True:
            token = self.skip()
            if token.kind == end:
                self.next()
                break
            if token.kind not in _OPERANDS:
                raise self.unexpected(self.next(), context)
            commands.append(self._command())
        if not commands:
            raise self.wrong(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.words[0], _VALUES):
                raise self.wrong(f"non executable command in pipeline stage {stage}")
        return nodes.Pipe(position, names, assigns, tuple(commands))

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        names: list[str] = []
        while self.skip().kind == "variable":
            start = self.at
            variable = self.next()
            token = self.skip()
            if token.kind not in ("assign", "declare", "comma"):
                self.at = start
                break
            self.next()
            names.append(variable.text)
            self._variables.append(variable.text)
            if token.kind != "comma":
                return tuple(names), token.kind == "assign"
            if context != "range" or len(names) > 1:
                raise self.wrong(f"too many declarations in {context}")
            if self.skip().kind not in ("variable", "close", ")"):
                raise self.wrong("range can only initialize variables")
        return tuple(names), False

    def _command(self) -> nodes.Command:
        position = self.skip().position
        words: list[nodes.Operand] = []
        while True:
            if self.skip().kind in _OPERANDS:
                words.append(self._operand())
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind in ("close", ")"):
                self.at -= 1
            elif token.kind != "pipe":
                raise self.unexpected(token, "operand")
            break
        return nodes.Command(position, tuple(words))

    def _operand(self) -> nodes.Operand:
        term = self._term()
        position, names = self.peek().position, []
        while self.peek().kind == "field":
            names.append(self.next().text[1:])
        if not names:
            return term
        match term:
            case nodes.Field() | nodes.Variable():
                return type(term)(position, (*term.names, *names))
            case nodes.Pipe() | nodes.Identifier():
                return nodes.Chain(position, term, tuple(names))
        raise self.wrong(f"unexpected . after term {quote(nodes.source(term))}")

    def _term(self) -> nodes.Operand:
        token = self.take()
        match token.kind:
            case "identifier":
                if token.text not in self._functions:
                    raise self.wrong(f'function "{token.text}" not defined')
                return nodes.Identifier(token.position, token.text)
            case "dot":
                return nodes.Dot(token.position)
            case "nil":
                return nodes.Nil(token.position)
            case "field":
                return nodes.Field(token.position, (token.text[1:],))
            case "variable":
                if token.text not in self._variables:
                    raise self.wrong(f'undefined variable "{token.text}"')
                return nodes.Variable(token.position, (token.text,))
            case "(":
                self.deeper()
                pipe = self._pipeline("parenthesized pipeline", ")")
                self.depth -= 1
                return pipe
        return self._literal(token)

    def _literal(self, token: Token) -> nodes.Literal:
        try:
            value = _LITERAL_VALUES[token.kind](token.text)
        except Invalid as error:
            raise self.wrong(error.problem) from None
        return nodes.Literal(token.position, token.text, value)


_LITERAL_VALUES: dict[str, Callable[[str], str | int | float | bool]] = {
    "string": literals.unquote,
    "raw": literals.unquote,
    "character": literals.character,
    "number": literals.number,
    "boolean": lambda text: text == "true",
}
