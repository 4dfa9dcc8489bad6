"""Templates against what Go's ``text/template`` prints for them (``missingkey=error``, docker's functions)."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scow.cli.gotemplate.template import compile as compile_template
from scow.cli.gotemplate.values import Function
from scow.errors import Invalid, Limit, ScowError

IMAGE: dict[str, Any] = {
    "Id": "sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1",
    "RepoTags": ["alpine:3.19", "alpine:latest"],
    "Os": "linux",
    "Size": 7391605,
    "Ratio": 0.5,
    "Big": 123456789.0,
    "Huge": 1.5e21,
    "Tiny": 0.00001234,
    "Neg": -7,
    "Yes": True,
    "No": False,
    "Null": None,
    "Empty": "",
    "EmptyList": [],
    "EmptyMap": {},
    "Config": {
        "Env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"],
        "Cmd": ["/bin/sh", "-c", 'echo <a> & "b"'],
        "Entrypoint": None,
        "Labels": {"a.b": "one", "z": "two", "m": "it's <b>"},
        "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
        "WorkingDir": "",
        "User": "héllo wörld",
    },
    "RootFS": {"Type": "layers", "Layers": ["sha256:aaa", "sha256:bbb"]},
    "Nested": [[1, 2], [3, "x"], None, {"k": None}],
    "Mixed": [1, "a", True, 2.5, None],
    "Tab": "a\tb\nc\u2028\u0001é漢",
}


def render(template: str, value: Any = IMAGE) -> str:
    return compile_template(template).render(value)


OUTPUTS = [
    ("{{.Id}}", "sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1"),
    ("{{.Os}}/{{.Size}}", "linux/7391605"),
    ("{{.Config.Env}}", "[PATH=/usr/bin:/bin LANG=C.UTF-8]"),
    ("{{.Config.Labels}}", "map[a.b:one m:it's <b> z:two]"),
    ("{{.Null}}", "<no value>"),
    ("{{print .Null}}", "<nil>"),
    ("{{range .RootFS.Layers}}{{println .}}{{end}}", "sha256:aaa\nsha256:bbb\n"),
    ("{{range $i, $e := .RootFS.Layers}}{{$i}}={{$e}};{{end}}", "0=sha256:aaa;1=sha256:bbb;"),
    ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a.b=one;m=it's <b>;z=two;"),
    ("{{range $v := .Config.Labels}}{{$v}};{{end}}", "one;it's <b>;two;"),
    ("{{range .EmptyList}}x{{else}}none{{end}}", "none"),
    ("{{range .Null}}x{{else}}none{{end}}", "none"),
    ("{{range 3}}{{.}},{{end}}", "0,1,2,"),
    ("{{range $i := 3}}{{$i}},{{end}}", "0,1,2,"),
    ("{{range 0}}a{{else}}b{{end}}", "b"),
    ('{{range .RootFS.Layers}}{{if eq . "sha256:aaa"}}{{continue}}{{end}}{{.}}{{end}}', "sha256:bbb"),
    ("{{range .RootFS.Layers}}{{.}}{{break}}{{end}}", "sha256:aaa"),
    ('{{index .Config.Labels "a.b"}}', "one"),
    ("{{index .Config.Env 0}}", "PATH=/usr/bin:/bin"),
    ("{{index .Nested 0 1}}", "2"),
    ("{{index .Nested 1 1}}", "x"),
    ("{{index .Os 0}}", "108"),
    ("{{len .Config.Env}} {{len .Config.Labels}} {{len .Config.User}}", "2 3 13"),
    ('{{if eq .Os "linux"}}yes{{else}}no{{end}}', "yes"),
    ('{{if ne .Os "linux"}}yes{{else if .Yes}}elif{{else}}no{{end}}', "elif"),
    ("{{if .Empty}}a{{else if .No}}b{{else if .Size}}c{{end}}", "c"),
    ("{{if and .Yes .Os}}x{{end}}", "x"),
    ("{{with .Config}}{{.User}}{{end}}", "héllo wörld"),
    ("{{with .Empty}}x{{else}}y{{end}}", "y"),
    ("{{with .Empty}}x{{else with .Os}}{{.}}{{end}}", "linux"),
    ("{{with $x := .Os}}{{$x}}{{.}}{{end}}", "linuxlinux"),
    ('{{$x := .Os}}{{$x}}{{$x = "new"}}{{$x}}', "linuxnew"),
    ("{{$x := 1}}{{range .RootFS.Layers}}{{$x = .}}{{end}}{{$x}}", "sha256:bbb"),
    ("{{$.Os}} {{$.Config.User}}", "linux héllo wörld"),
    ("{{(index .Nested 3).k}}", "<no value>"),
    ("{{(.Config).User}}", "héllo wörld"),
    ('{{.Config.User | printf "%q"}}', '"héllo wörld"'),
    ('{{printf "%s-%d" .Os .Size}}', "linux-7391605"),
    ('{{printf "%s"}}', "%!s(MISSING)"),
    ('{{printf "%d" .Os}}', "%!d(string=linux)"),
    ('{{printf "%d %s" 1}}', "1 %!s(MISSING)"),
    ('{{printf "%d" 1 2 "x" nil}}', "1%!(EXTRA int=2, string=x, <nil>)"),
    ('{{printf "%5s|%-10s|%05d|%.2f|%%" "ab" "cd" 42 3.14159}}', "   ab|cd        |00042|3.14|%"),
    ('{{printf "%x %X %o %c %t %q %U" 255 255 8 65 true 65 65}}', "ff FF 10 A true 'A' U+0041"),
    ('{{printf "%x %X" "hi" "hi"}}', "6869 6869"),
    ('{{printf "% x|%#x|%# x" "hi" "hi" "hi"}}', "68 69|0x6869|0x68 0x69"),
    ('{{printf "%v %v %v %v %v" 1 1.5 "s" true nil}}', "1 1.5 s true <nil>"),
    ('{{printf "%v" .Config.Labels}}', "map[a.b:one m:it's <b> z:two]"),
    ('{{printf "%s" .Config.Env}}', "[PATH=/usr/bin:/bin LANG=C.UTF-8]"),
    ('{{printf "%q" .Config.Env}}', '["PATH=/usr/bin:/bin" "LANG=C.UTF-8"]'),
    ('{{printf "%d" .Nested}}', "[[1 2] [3 %!d(string=x)] <nil> map[%!d(string=k):<nil>]]"),
    ('{{printf "%s" .Mixed}}', "[%!s(int=1) a %!s(bool=true) %!s(float64=2.5) <nil>]"),
    ('{{printf "%v %+v %#v" .Mixed .Os 3}}', "[1 a true 2.5 <nil>] linux 3"),
    ('{{printf "%T %T %T %T %T" 1 1.5 "s" true nil}}', "int float64 string bool <nil>"),
    ('{{printf "%T %T" .Config .Mixed}}', "map[string]interface {} []interface {}"),
    ('{{printf "%!"}}', "%!!(MISSING)"),
    ('{{printf "%z" 1}}', "%!z(int=1)"),
    ('{{printf "%"}}', "%!(NOVERB)"),
    ('{{printf "%s %v" nil nil}}', "%!s(<nil>) <nil>"),
    ('{{printf "%d" nil}}', "%!d(<nil>)"),
    ('{{printf "%t" 1}}', "%!t(int=1)"),
    ('{{printf "%5t|%-7t|" true false}}', " true|false  |"),
    ('{{printf "%*d|%-*d|" 5 42 5 42}}', "   42|42   |"),
    ('{{printf "%.*f" 2 3.14159}}', "3.14"),
    ('{{printf "%[2]d %[1]d" 1 2}}', "2 1"),
    ('{{printf "%[3]d" 1 2}}', "%!d(BADINDEX)"),
    ('{{printf "%05s|%-05d|%+.3d|%x|%X" "ab" 42 7 -255 -255}}', "000ab|42   |+007|-ff|-FF"),
    ('{{printf "%#x %#o %O %b %#b" 255 8 8 5 5}}', "0xff 010 0o10 101 0b101"),
    ('{{printf "%.3s|%.10s|%5.1s|" "abcdef" "abc" "xyz"}}', "abc|abc|    x|"),
    ('{{printf "%q" "a\\tb\\"c\\u00e9\\x01"}}', '"a\\tb\\"cé\\x01"'),
    ('{{printf "%+q" "é漢😀"}}', '"\\u00e9\\u6f22\\U0001f600"'),
    ('{{printf "%#q" "abc"}}', "`abc`"),
    ('{{printf "%c" 128512}}', "😀"),
    ('{{json "a<b>&c"}}', '"a<b>&c"'),
    ("{{json .Tab}}", '"a\\tb\\nc\\u2028\\u0001é漢"'),
    ("{{.Tab}}", "a\tb\nc\u2028\x01é漢"),
    ('{{split "a,b,c" ","}}', "[a b c]"),
    ('{{index (split "a,b,c" ",") 1}}', "b"),
    ('{{json (split "a,b" ",")}}', '["a","b"]'),
    ('{{split "abc" ""}}', "[a b c]"),
    ('{{join .Config.Env ", "}}', "PATH=/usr/bin:/bin, LANG=C.UTF-8"),
    ('{{join .Mixed "|"}}', "1|a|true|2.5|<nil>"),
    ('{{join .Config.Labels ","}}', "it's <b>,one,two"),
    ('{{join .Null ","}}', ""),
    ('{{title "hello wORLD foo-bar it\'s"}} {{lower "ABC"}} {{upper "abc é"}}', "Hello WORLD Foo-Bar It'S abc ABC É"),
    ('[{{pad "x" 2 3}}] [{{pad "" 2 3}}]', "[  x   ] []"),
    ('{{truncate "hello" 3}} {{truncate "hi" 5}}', "hel hi"),
    ("{{truncate .Id 12}}", "sha256:4f4fb"),
    ("{{.Os | upper}}", "LINUX"),
    ('{{.Os | upper | printf "%s-%s" "x"}}', "x-LINUX"),
    ('{{html "<a href=\\"x\\">\'&\'</a>"}}', "&lt;a href=&#34;x&#34;&gt;&#39;&amp;&#39;&lt;/a&gt;"),
    ('{{js "it\'s <b> \\"x\\" & = \\n\\té"}}', 'it\\\'s \\u003Cb\\u003E \\"x\\" \\u0026 \\u003D \\u000A\\u0009é'),
    ('{{urlquery "a b&c=d/é"}}', "a+b%26c%3Dd%2F%C3%A9"),
    ('{{urlquery "a" 1 2}}', "a1+2"),
    ('{{print 1 2 "a" "b" 3 true nil}}', "1 2ab3 true <nil>"),
    ('{{println 1 2 "a" "b"}}', "1 2 a b\n"),
    ("{{println}}", "\n"),
    ("{{print}}", ""),
    ("{{eq .Null nil}}", "true"),
    ("{{eq .Os nil}}", "false"),
    ('{{"a\\x41\\u00e9\\101"}} {{`raw\\n`}}', "aAéA raw\\n"),
    ('a {{- " b " -}} c', "a b c"),
    ("a  {{- /* comment */ -}}  b", "ab"),
    ("a {{/* comment */}} b", "a  b"),
    ("{{-3}}", "-3"),
    ("{{- 3 -}}", "3"),
    ("{{.Os -}}   x", "linuxx"),
    ('{{define "T"}}[{{.}}]{{end}}{{template "T" .Os}}{{template "T"}}', "[linux][<no value>]"),
    ('{{block "B" .Os}}<{{.}}>{{end}}', "<linux>"),
    ('{{define "R"}}{{template "R"}}{{end}}x', "x"),
    ('{{pad "x" 1.0 1}}', " x "),
    ("{{.Os|}}", "linux"),
    ('{{"a" | len | printf "%03d"}}', "001"),
    ("{{with $c := .Config}}{{$c.User}}{{$.Os}}{{end}}", "héllo wörldlinux"),
    ("{{range $i, $l := .RootFS.Layers}}{{if $i}},{{end}}{{$l}}{{end}}", "sha256:aaa,sha256:bbb"),
    ("{{range $k, $v := .Config.ExposedPorts}}{{$k}} {{end}}", "443/tcp 80/tcp "),
    ("{{range $p, $conf := .Config.ExposedPorts}}{{$p}} -> {{$conf}} {{end}}", "443/tcp -> map[] 80/tcp -> map[] "),
    ("{{.Size | json}} {{len (json .)}}", "7391605 707"),
    ('{{if (eq .Os "linux") }}a{{end}}', "a"),
    ('{{if or (eq .Os "windows") (gt .Size 5)}}b{{end}}', "b"),
    ("{{ .Id | len }} {{ slice .Id 7 19 }}", "71 4f4fb700ef54"),
    ("{{.Nested}} {{json .Nested}}", '[[1 2] [3 x] <nil> map[k:<nil>]] [[1,2],[3,"x"],null,{"k":null}]'),
    ('{{"quote\\"d" | printf "%q %s"}}', '"quote\\"d" %!s(MISSING)'),
    ('{{and 1 0 2}} {{or 0 "" 3}}', "0 3"),
    ("{{or .Yes .Missing}}", "true"),
    ("{{$x := 1}}{{if .Os}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
    ("{{$i := 0}}{{$e := 0}}{{range $i, $e = .Config.Env}}{{end}}{{$i}}{{$e}}", "1LANG=C.UTF-8"),
    ('{{printf "%6d|%-6d|%06d|%+06d" 42 42 -42 42}}', "    42|42    |-00042|+00042"),
    ('{{printf "%v" -0.0}} {{printf "%6v|%-6v|%06v" 1.5 1.5 1.5}}', "-0    1.5|1.5   |0001.5"),
    ('{{printf "%3c|%-3c|" 65 65}}', "  A|A  |"),
    ('{{printf "%10v|%-10v|" .Config.Env true}}', "[PATH=/usr/bin:/bin LANG=C.UTF-8]|true      |"),
    ('{{printf "%s %s" "a" }}', "a %!s(MISSING)"),
    ('{{printf "%d%%" 50}}', "50%"),
    ('{{printf "%.0f %.1e %5.0f %.3g %g" 2.5 12345.678 1.5 1234.5 100000.0}}', "2 1.2e+04     2 1.23e+03 100000"),
    ('{{printf "%g %g %v" 1e20 1e21 1e-5}}', "1e+20 1e+21 1e-05"),
]

ERRORS = [
    ("{{range .Yes}}a{{end}}", '1:8: executing "" at <.Yes>: range can\'t iterate over true'),
    ("{{index .Size 0}}", '1:2: executing "" at <index .Size 0>: error calling index: can\'t index item of type int'),
    ("{{len .Size}}", '1:2: executing "" at <len .Size>: error calling len: len of type int'),
    ("{{len 3}}", '1:2: executing "" at <len 3>: error calling len: len of type int'),
    ('{{join .Os ","}}', '1:2: executing "" at <join .Os ",">: error calling join: expected slice, got string'),
    ("{{upper 5}}", '1:8: executing "" at <5>: expected string; found 5'),
    ("{{upper .Size}}", '1:8: executing "" at <.Size>: wrong type for value; expected string; got int'),
    ("{{upper nil}}", '1:8: executing "" at <nil>: cannot assign nil to string'),
    ('{{slice "abc" 5}}', '1:2: executing "" at <slice "abc" 5>: error calling slice: index out of range: 5'),
    ("{{slice .Size 1}}", '1:2: executing "" at <slice .Size 1>: error calling slice: can\'t slice item of type int'),
    ("{{eq 1}}", '1:2: executing "" at <eq 1>: error calling eq: missing argument for comparison'),
    ("{{lt true false}}", '1:2: executing "" at <lt true false>: error calling lt: invalid type for comparison'),
    ("{{lt .Null 1}}", '1:2: executing "" at <lt .Null 1>: error calling lt: invalid type for comparison'),
    ("{{gt .Config 1}}", '1:2: executing "" at <gt .Config 1>: error calling gt: invalid type for comparison'),
    ("{{.Foo}}", '1:2: executing "" at <.Foo>: map has no entry for key "Foo"'),
    ("{{.Config.Foo}}", '1:9: executing "" at <.Config.Foo>: map has no entry for key "Foo"'),
    ("{{.Os.Foo}}", '1:5: executing "" at <.Os.Foo>: can\'t evaluate field Foo in type interface {}'),
    ("{{.Null.Foo}}", '1:7: executing "" at <.Null.Foo>: nil pointer evaluating interface {}.Foo'),
    ("{{.Config.Env.Foo}}", '1:9: executing "" at <.Config.Env.Foo>: can\'t evaluate field Foo in type interface {}'),
    ("{{foo}}", '1: function "foo" not defined'),
    ("{{.Os | foo}}", '1: function "foo" not defined'),
    ("{{if}}x{{end}}", "1: missing value for if"),
    ("{{if .Os}}x", "1: unexpected EOF"),
    ("{{end}}", "1: unexpected {{end}}"),
    ("{{else}}", "1: unexpected {{else}}"),
    ("{{.Os", "1: unclosed action"),
    ("{{.Os}", "1: bad character U+007D '}'"),
    ('{{"abc}}', "1: unterminated quoted string"),
    ("{{range .Config.Env}}", "1: unexpected EOF"),
    ("{{$x}}", '1: undefined variable "$x"'),
    ("{{$x = 1}}", '1:7: executing "" at <1>: undefined variable: $x'),
    ("{{1 2}}", '1:2: executing "" at <1>: can\'t give argument to non-function 1'),
    ("{{.Os 1}}", '1:2: executing "" at <.Os>: Os is not a method but has arguments'),
    ("{{.Os | .Size}}", '1:8: executing "" at <.Size>: Size is not a method but has arguments'),
    ("{{.Os | 1}}", "1: non executable command in pipeline stage 2"),
    ("{{nil}}", '1:2: executing "" at <nil>: nil is not a command'),
    ("{{nil | print}}", '1:2: executing "" at <nil>: nil is not a command'),
    ("{{99999999999999999999}}", '1: integer overflow: "99999999999999999999"'),
    ("{{1a}}", '1: bad number syntax: "1a"'),
    ("{{08}}", '1: integer overflow: "08"'),
    ('{{"\\z"}}', "1: invalid syntax"),
    ("{{'ab'}}", "1: malformed character constant: 'ab'"),
    ("{{''}}", "1: invalid syntax"),
    ("{{/* unclosed }}", "1: unclosed comment"),
    ("{{/* a */ .Os}}", "1: comment ends before closing delimiter"),
    ('{{template "none"}}', '1:11: executing "" at <{{template "none"}}>: template "none" not defined'),
    ('{{template "none" .}}', '1:11: executing "" at <{{template "none" .}}>: template "none" not defined'),
    ("{{break}}", "1: {{break}} outside {{range}}"),
    ("{{if .Os}}{{break}}{{end}}", "1: {{break}} outside {{range}}"),
    ('{{range .Config.Env}}{{define "x"}}{{end}}{{end}}', "1: unexpected <define> in command"),
    ("{{len}}", '1:2: executing "" at <len>: wrong number of args for len: want 1 got 0'),
    ("{{len 1 2}}", '1:2: executing "" at <len>: wrong number of args for len: want 1 got 2'),
    ("{{index}}", '1:2: executing "" at <index>: wrong number of args for index: want at least 1 got 0'),
    ("{{printf}}", '1:2: executing "" at <printf>: wrong number of args for printf: want at least 1 got 0'),
    ("{{printf 5}}", '1:9: executing "" at <5>: expected string; found 5'),
    ("{{join .Config.Env}}", '1:2: executing "" at <join>: wrong number of args for join: want 2 got 1'),
    ('{{pad "x" "a" 1}}', '1:10: executing "" at <"a">: expected integer; found "a"'),
    ('{{pad "x" 1.5 1}}', '1:10: executing "" at <1.5>: expected integer; found 1.5'),
    ('{{pad "x" -1 1}}', '1:2: executing "" at <pad "x" -1 1>: error calling pad: strings: negative Repeat count'),
    ("{{.Os.}}", "1: unexpected <.> in operand"),
    ("{{..Os}}", '1: unexpected . after term "."'),
    ("{{.Os+1}}", "1: bad character U+002B '+'"),
    ("{{.Os,1}}", '1: unexpected "," in operand'),
    ("{{(.Os}}", "1: unclosed left paren"),
    ("{{.Os)}}", "1: unexpected right paren"),
    ("{{()}}", "1: missing value for parenthesized pipeline"),
    ("{{}}", "1: missing value for command"),
    ("{{ }}", "1: missing value for command"),
    ("{{|}}", '1: unexpected "|" in command'),
    ("{{| .Os}}", '1: unexpected "|" in command'),
    ('{{"x".Foo}}', '1: unexpected . after term "\\"x\\""'),
    ("{{1.Foo}}", '1: bad number syntax: "1.F"'),
    ("{{:}}", "1: expected :="),
    ("{{@}}", '1: unexpected "@" in command'),
    ("{{é}}", '1: function "é" not defined'),
    ("{{.Config.Usér}}", '1:9: executing "" at <.Config.Usér>: map has no entry for key "Usér"'),
    ("é{{.Foo}}", '1:4: executing "" at <.Foo>: map has no entry for key "Foo"'),
    ("{{not 1 2}}", '1:2: executing "" at <not>: wrong number of args for not: want 1 got 2'),
    ("{{and}}", '1:2: executing "" at <and>: wrong number of args for and: want at least 1 got 0'),
    ("{{or .No .Missing}}", '1:9: executing "" at <.Missing>: map has no entry for key "Missing"'),
    ('{{template "a" }}', '1:11: executing "" at <{{template "a"}}>: template "a" not defined'),
    ("{{template .Os}}", '1: unexpected ".Os" in template clause'),
    ("{{define}}", '1: unexpected "}}" in define clause'),
    ('{{define "x"}}', "1: unexpected EOF"),
    ('{{define "x"}}a{{else}}b{{end}}', "1: unexpected {{else}} in define clause"),
    ("{{if .Os}}a{{else}}b{{else}}c{{end}}", "1: expected end; found {{else}}"),
    ("{{if .Os}}a{{else if}}b{{end}}", "1: missing value for if"),
    ("{{range $i, $e = .Config.Env}}{{end}}", '1:24: executing "" at <.Config.Env>: undefined variable: $i'),
    ("{{range $i, 5 := .Config.Env}}{{end}}", "1: range can only initialize variables"),
    ("{{$a, $b := .Os}}", "1: too many declarations in command"),
    ("{{if .Os}}{{$y := 2}}{{end}}{{$y}}", '1: undefined variable "$y"'),
]


@pytest.mark.parametrize(("template", "output"), OUTPUTS)
def test_prints_what_go_prints(template: str, output: str) -> None:
    assert render(template) == output


@pytest.mark.parametrize(("template", "message"), ERRORS)
def test_complains_as_go_does(template: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        render(template)
    assert str(caught.value) == f"template parsing error: template: :{message}"


def test_json_keeps_the_order_of_keys_and_does_not_escape_html() -> None:
    value = {"b": "<&>", "a": [1, None, {"z": 1.5}], "c": True}
    assert render("{{json .}}", value) == '{"b":"<&>","a":[1,null,{"z":1.5}],"c":true}'


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ('{{index .Config.Labels "no"}}', ""),  # docker's labels are a map of texts
        ('{{index .Config.Entrypoint "no"}}', ""),
        ("{{len .Config.Entrypoint}}", "0"),
        ('{{index .EmptyMap "no"}}', ""),
        ('{{index .RootFS "no"}}', "<no value>"),
        ('{{.Config.User | printf "%v" | len}}', "13"),
    ],
)
def test_null_is_an_empty_list_or_map_as_in_dockers_types(template: str, output: str) -> None:
    assert render(template) == output


def test_methods_are_called_with_arguments_and_are_no_data() -> None:
    row = {"ID": "abc", "Label": Function(("string",), lambda name: f"<{name}>")}
    assert render('{{.ID}} {{.Label "x"}}', row) == "abc <x>"
    assert render("{{json .}} {{.}} {{len .}}", row) == '{"ID":"abc"} map[ID:abc] 1'
    with pytest.raises(Invalid, match="wrong number of args for Label: want 1 got 0"):
        render("{{.Label}}", row)


def test_functions_can_be_replaced_for_one_rendering() -> None:
    same = {"upper": Function(("string",), lambda text: text)}
    assert compile_template("{{upper .a}}").render({"a": "x"}, same) == "x"


def test_the_error_says_where() -> None:
    with pytest.raises(Invalid) as caught:
        render("{{.Foo}}")
    assert str(caught.value) == (
        'template parsing error: template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'
    )


@pytest.mark.parametrize(
    "template",
    [
        "{{range 100000}}{{range 100000}}{{end}}{{end}}",
        '{{$x := "aaaaaaaa"}}{{range 40}}{{$x = print $x $x}}{{end}}',
        '{{pad "x" 100000000 0}}',
        '{{range 100}}{{printf "%1000000d" 1}}{{end}}',
        "(" * 200,
        '{{define "r"}}{{template "r"}}{{end}}{{template "r"}}',
        "{{if 1}}" * 5000 + "{{end}}" * 5000,
        "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}",
        "{{if 1}}" + "{{else if 1}}" * 5000 + "{{end}}",
        "a" * 2_000_000,
    ],
)
def test_nothing_is_without_bounds(template: str) -> None:
    if template.startswith("("):
        assert render(template) == template
        return
    with pytest.raises(Limit):
        render(template)


def test_a_value_may_be_nested_too_deep() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(Limit):
        render("{{json .}}", value)
    with pytest.raises(Limit):
        render("{{.}}", value)


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{{- ",
            " -}}",
            " ",
            ".",
            ".Os",
            ".Config",
            ".Env",
            "$",
            "$x",
            ":=",
            "=",
            "|",
            "(",
            ")",
            ",",
            '"',
        ),
        *("if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil", "true"),
        *("len", "index", "print", "printf", "eq", "lt", "json", "join", "split", "slice", "pad", "truncate", "html"),
        *(
            "{{if .Os}}",
            "{{end}}",
            "{{range .Mixed}}",
            '"%d %s %*v"',
            '"a"',
            "1",
            "-2",
            "0x",
            "1.5",
            "'a'",
            "`r`",
            "\n",
        ),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join) | st.text())
def test_any_text_is_a_template_or_a_scow_error(text: str) -> None:
    try:
        assert isinstance(render(text), str)
    except ScowError as error:
        assert str(error)


@given(st.text(string.printable).filter(lambda text: "{{" not in text))
def test_text_without_actions_is_printed_as_it_is(text: str) -> None:
    assert render(text) == text


@given(JSON)
def test_any_value_prints_and_encodes(value: Any) -> None:
    assert isinstance(render('{{.}}{{printf "%d%s%x%q%05.1f" . . . . .}}', value), str)
    try:
        assert isinstance(json.loads(render("{{json .}}", value)), type(value) | int | float)
    except Invalid as error:
        assert "unsupported value" in str(error)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_of_a_text_reads_back(text: str) -> None:
    assert json.loads(render("{{json .}}", text)) == text


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 30))
def test_printf_of_integers_is_pythons(value: int, width: int) -> None:
    assert render(f'{{{{printf "%{width or ""}d|%-{width or ""}d|%x|%o|%b" . . . . .}}}}', value) == (
        f"{value:{width or ''}d}|{value:<{width or ''}d}|{value:x}|{value:o}|{value:b}"
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 12))
def test_printf_of_floats_is_pythons(value: float, precision: int) -> None:
    assert render(f'{{{{printf "%.{precision}f|%.{precision}e" . .}}}}', value) == (
        f"{value:.{precision}f}|{value:.{precision}e}"
    )
    assert float(render("{{.}}", value)) == value


@given(st.text(), st.integers(0, 40))
def test_printf_pads_texts(text: str, width: int) -> None:
    shown = render(f'{{{{printf "%{width or ""}s" .}}}}', text)
    assert shown == text.rjust(width)


ORDERED = st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]))


@given(ORDERED, ORDERED)
def test_comparisons_are_pythons(first: int | str, second: int | str) -> None:
    value = {"a": first, "b": second}
    if type(first) is not type(second):
        with pytest.raises(Invalid, match="incompatible types for comparison"):
            render("{{eq .a .b}}", value)
        return
    shown = render("{{eq .a .b}} {{ne .a .b}} {{lt .a .b}} {{le .a .b}} {{gt .a .b}} {{ge .a .b}}", value)
    less = first < second  # type: ignore[operator]
    same = first == second
    facts = [same, not same, less, less or same, not less and not same, not less]
    assert shown == " ".join(str(fact).lower() for fact in facts)


@given(st.text(), st.text(min_size=1, max_size=2))
def test_split_and_join_are_inverse(text: str, separator: str) -> None:
    assert render("{{join (split .t .s) .s}}", {"t": text, "s": separator}) == text


@given(JSON)
def test_truth_is_pythons(value: Any) -> None:
    assert render("{{if .}}true{{else}}false{{end}}", value) == str(bool(value)).lower()
