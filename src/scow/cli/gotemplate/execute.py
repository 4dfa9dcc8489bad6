"""Walking a parsed template over a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scow.cli.gotemplate import nodes, printf
from scow.cli.gotemplate.nodes import source
from scow.cli.gotemplate.parser import Body
from scow.cli.gotemplate.scope import Scope
from scow.cli.gotemplate.values import (
    Function,
    Sink,
    Value,
    is_int,
    is_list,
    is_map,
    sorted_entries,
    truth,
    type_name,
)
from scow.errors import Invalid, Limit

DEEPEST = 50
MOST_STEPS = 1_000_000
_NOTHING = object()
"""No previous stage in the pipeline: unlike nil, it is no argument."""


class Walk(Scope):
    """One rendering of the templates ``bodies``, whose text is ``text``."""

    def __init__(self, text: str, bodies: Mapping[str, Body], functions: Mapping[str, Function]) -> None:
        super().__init__(text)
        self.sink = Sink()
        self._bodies, self._functions = bodies, functions
        self._depth = self._steps = 0

    def run(self, name: str, dot: Value) -> None:
        """Print the template ``name``."""
        kept = self.variables, self.name
        self.variables, self.name = [("$", dot)], name
        self._depth += 1
        self._body(self._bodies[name], dot)
        self._depth -= 1
        self.variables, self.name = kept

    # nodes

    def _body(self, body: Body, dot: Value) -> str:
        """Print ``body``; "break" or "continue" when one of these ended it, else an empty text."""
        for node in body:
            self._step()
            ended = self._node(node, dot)
            if ended:
                return ended
        return ""

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Limit(f"template takes more than {MOST_STEPS} steps")

    def _node(self, node: nodes.Node, dot: Value) -> str:
        self.here = node
        match node:
            case nodes.Text():
                self.sink.write(node.text)
            case nodes.Action():
                self._action(node, dot)
            case nodes.Leave():
                return node.keyword
            case nodes.Call():
                self._call_template(node, dot)
            case nodes.Branch():
                known = len(self.variables)
                ended = self._range(node, dot) if node.keyword == "range" else self._choose(node, dot)
                del self.variables[known:]
                return ended
        return ""

    def _action(self, node: nodes.Action, dot: Value) -> None:
        value = self._pipe(node.pipe, dot)
        if node.pipe.names:
            return
        self.here = node
        if isinstance(value, Function):
            raise self.wrong(f"can't print {source(node)} of type func()")
        if value is None:
            self.sink.write("<no value>")
        else:
            self.sink.write(value if isinstance(value, str) else printf.sprint([value]))

    def _choose(self, node: nodes.Branch, dot: Value) -> str:
        value = self._pipe(node.pipe, dot)
        if truth(value):
            return self._body(node.body, value if node.keyword == "with" else dot)
        return self._body(node.otherwise or (), dot)

    def _range(self, node: nodes.Branch, dot: Value) -> str:
        ran = False
        values = self._pipe(node.pipe, dot)
        known = len(self.variables)
        for key, item in self._items(values, node):
            ran = True
            self._step()
            self._bind(node.pipe, key, item)
            ended = self._body(node.body, item)
            del self.variables[known:]
            if ended == "break":
                break
        return "" if ran else self._body(node.otherwise or (), dot)

    def _items(self, value: Value, node: nodes.Branch) -> Iterable[tuple[Value, Value]]:
        if value is None:
            return ()
        if is_list(value):
            return enumerate(value)
        if is_map(value):
            return sorted_entries(value)
        if is_int(value):
            if len(node.pipe.names) > 1:
                raise self.wrong(f"can't use {value} to iterate over more than one variable")
            return ((None, number) for number in range(value))
        raise self.wrong(f"range can't iterate over {printf.sprint([value])}")

    def _bind(self, pipe: nodes.Pipe, key: Value, item: Value) -> None:
        names = pipe.names
        bound = [(names[-1], item)] if names else []
        if len(names) > 1:
            bound.append((names[0], key))
        for name, value in bound:
            self.set(name, value)

    def _call_template(self, node: nodes.Call, dot: Value) -> None:
        if node.name not in self._bodies:
            raise self.wrong(f'template "{node.name}" not defined')
        if self._depth >= DEEPEST:
            raise Limit(f"template calls templates more than {DEEPEST} deep")
        self.run(node.name, None if node.pipe is None else self._pipe(node.pipe, dot))

    # pipelines

    def _pipe(self, pipe: nodes.Pipe, dot: Value) -> Value:
        self.here = pipe
        value: Value = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
        for name in pipe.names:
            if pipe.assigns:
                self.set(name, value)
            else:
                self.variables.append((name, value))
        return value

    def _command(self, command: nodes.Command, dot: Value, final: Value) -> Value:
        word = command.words[0]
        if isinstance(word, nodes.Nil):
            self.here = word
            raise self.wrong("nil is not a command")
        return self._operand(word, dot, command, command.words, final)

    def _operand(
        self, word: nodes.Operand, dot: Value, whole: nodes.Place, words: Sequence[nodes.Operand], final: Value
    ) -> Value:
        """The value of ``word``, which gets ``words[1:]`` and ``final`` when it can be called."""
        self.here = word
        match word:
            case nodes.Identifier():
                return self._call(word.name, self._functions[word.name], dot, whole, words, final)
            case nodes.Field():
                return self._chain(dot, word.names, dot, word, words, final)
            case nodes.Variable() if len(word.names) > 1:
                return self._chain(self.variable(word.names[0]), word.names[1:], dot, word, words, final)
            case nodes.Chain():
                start = self._operand(word.start, dot, word.start, (word.start,), _NOTHING)
                self.here = word
                return self._chain(start, word.names, dot, word, words, final)
        if len(words) > 1 or final is not _NOTHING:
            raise self.wrong(f"can't give argument to non-function {source(word)}")
        match word:
            case nodes.Dot():
                return dot
            case nodes.Variable():
                return self.variable(word.names[0])
            case nodes.Literal():
                return word.value
            case nodes.Pipe():
                return self._pipe(word, dot)
        return None

    def _chain(
        self,
        value: Value,
        names: Sequence[str],
        dot: Value,
        node: nodes.Operand,
        words: Sequence[nodes.Operand],
        final: Value,
    ) -> Value:
        for at, name in enumerate(names):
            last = at == len(names) - 1
            value = self._field(value, name, first=at == 0)
            if isinstance(value, Function):
                value = self._call(name, value, dot, node, words if last else (), final if last else _NOTHING)
            elif last and (len(words) > 1 or final is not _NOTHING):
                raise self.wrong(f"{name} is not a method but has arguments")
        return value

    def _field(self, value: Value, name: str, *, first: bool) -> Value:
        if value is None:
            raise self.wrong(
                f'nil data; no entry for key "{name}"' if first else f"nil pointer evaluating interface {{}}.{name}"
            )
        if not is_map(value):
            kind = type_name(value) if first else "interface {}"
            raise self.wrong(f"can't evaluate field {name} in type {kind}")
        try:
            return value[name]
        except KeyError:
            raise self.wrong(f'map has no entry for key "{name}"') from None

    # calls

    def _call(
        self,
        name: str,
        function: Function,
        dot: Value,
        whole: nodes.Place,
        words: Sequence[nodes.Operand],
        final: Value,
    ) -> Value:
        given = list(words[1:])
        count = len(given) + (final is not _NOTHING)
        self._check_count(name, function, count)
        if name in ("and", "or") and function is self._functions.get(name):
            return self._lazily(name, given, dot, final)
        wants = [*function.wants, *[function.more] * (count - len(function.wants))]
        values = [self._argument(node, want, dot) for node, want in zip(given, wants, strict=False)]
        if final is not _NOTHING:
            values.append(self._checked(final, wants[-1]))
        try:
            return function.call(*values)
        except Invalid as error:
            self.here = whole
            raise self.wrong(f"error calling {name}: {error.problem}") from None

    def _check_count(self, name: str, function: Function, count: int) -> None:
        least = len(function.wants)
        if function.more and count < least:
            raise self.wrong(f"wrong number of args for {name}: want at least {least} got {count}")
        if not function.more and count != least:
            raise self.wrong(f"wrong number of args for {name}: want {least} got {count}")

    def _lazily(self, name: str, given: Sequence[nodes.Operand], dot: Value, final: Value) -> Value:
        value: Value = None
        for node in given:
            value = self._argument(node, "any", dot)
            if truth(value) == (name == "or"):
                return value
        return value if final is _NOTHING else final

    def _argument(self, node: nodes.Operand, want: str, dot: Value) -> Value:
        self.here = node
        match node:
            case nodes.Nil():
                if want != "any":
                    raise self.wrong(f"cannot assign nil to {want}")
                return None
            case nodes.Literal():
                return self._literal(node, want)
        return self._checked(self._operand(node, dot, node, (node,), _NOTHING), want)

    def _literal(self, node: nodes.Literal, want: str) -> Value:
        if want == "string" and not isinstance(node.value, str):
            raise self.wrong(f"expected string; found {node.text}")
        if want != "int" or is_int(node.value):
            return node.value
        if isinstance(node.value, float) and node.value.is_integer():
            return int(node.value)
        raise self.wrong(f"expected integer; found {node.text}")

    def _checked(self, value: Value, want: str) -> Value:
        if want == "any":
            return value
        if value is None:
            raise self.wrong(f"invalid value; expected {want}")
        if not (isinstance(value, str) if want == "string" else is_int(value)):
            raise self.wrong(f"wrong type for value; expected {want}; got {type_name(value)}")
        return value
