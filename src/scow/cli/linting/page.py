"""The page of rules, from the table: ``python -m scow.cli.linting.page > docs/lint.md``."""

from __future__ import annotations

import click

from scow.dockerfile.lint.rule import Rule
from scow.dockerfile.lint.table import RULES

_BUILDKIT = "https://docs.docker.com/reference/build-checks/"
_HADOLINT = "https://github.com/hadolint/hadolint/wiki/"
_HEAD = f"""# Looking for mistakes in Dockerfiles

Made by `python -m scow.cli.linting.page` from the rules.

```console
$ scow lint                                # ./Dockerfile, with the directory it stands in as the context
$ scow lint --fix --dry-run                # what could be mended without changing what is built
$ scow lint --format sarif docker/*.Dockerfile > lint.sarif
$ scow build --check .                     # BuildKit's checks only, as docker prints them
```

`scow lint` reads; it builds nothing and fetches nothing. Where ShellCheck is installed, it is asked about every RUN,
and its findings (`SC2086`) point into the Dockerfile. The exit code is 1 when something is found that is `info` or
worse (`--failure-threshold`). `--fix` makes those changes only that leave the image as it is, or smaller by a cache; a
second `--fix` changes nothing.

Rules have names of ours. What [hadolint]({_HADOLINT[:-1]}) (`DL3008`) and [BuildKit]({_BUILDKIT}) (`UndefinedVar`) call
them is known wherever a rule is named, so comments and settings that are there already keep their meaning.

## Leaving rules out

| where | how |
|---|---|
| the next instruction | `# scow ignore=apt-unpinned,DL3059` or `# hadolint ignore=DL3008` above it |
| the file | `# scow global ignore=…` or `# hadolint global ignore=…` |
| the file, BuildKit's way | `# check=skip=JSONArgsRecommended` at the top; with `error=true` every finding fails |
| one call | `--ignore RULE[,RULE]`, `--only RULE[,RULE]` |
| a project | `.scow-lint.yaml` or `.hadolint.yaml` where `scow` is run, `--config FILE`, `~/.config/hadolint.yaml` |

A comment `# hadolint shell=powershell` says that RUN is read by another shell, of which nothing is said.

## `scow build --check` and `--call`

`--check` (`--call=check`) prints BuildKit's checks in BuildKit's form and words, `--call=outline` and `--call=targets`
what a target takes and which there are; `,format=json` gives the documents BuildKit gives. `# check=skip=…`,
`# check=error=true` and `--build-arg BUILDKIT_DOCKERFILE_CHECK=…` are followed, by builds too: with `error=true` a
build with findings does not begin.

BuildKit asks the registry for the variables of base images. Here those of images in the store are known; of others a
variable is called undefined only where a name nearby suggests a typing error.

## Settings

```yaml
ignored: [DL3008, cd]
override:
  error: [latest-base]
  style: [apt-recommends]
trustedRegistries:
  - docker.io
  - "*.example.com"
label-schema:
  org.opencontainers.image.revision: hash    # text, url, semver, hash, rfc3339, spdx, email
strict-labels: false
failure-threshold: warning                   # error, warning, info, style, none
no-fail: false
disable-ignore-pragma: false
```

It is hadolint's document. Of YAML the maps, lists and plain or quoted words above are read; anchors, tags, multi-line
scalars and the like are refused by name, and so is a key or a rule that nobody has.

## Beside hadolint

The same Dockerfiles were given to hadolint 2.15 and to `scow lint`: 785, those of hadolint's own examples among them. A
rule of both gives the same verdict but for this:

| rule | here | hadolint |
|---|---|---|
| DL3001 | `ssh` in a RUN with `--mount=type=ssh` is fine | any `ssh` |
| DL3003 | `cd` to a place in the directory, or in a `( )` of its own, is fine | every `cd` |
| DL3004 and what apt does | `sudo apt-get`, `apt`, `aptitude` are looked at as `apt-get` is | `apt-get` alone |
| DL3005, DL3017, DL3031, DL3039 | upgrades are told as *info* | no longer |
| DL3008, DL3013, DL3018, DL3028, DL3033, DL3037, DL3041 | a variable may hold a version: fine | unpinned |
| DL3009 | a cache mount on `/var/lib/apt` is enough | is not |
| DL3020, DL3021 | what a variable names is not judged; `ADD git@…` is fine, `ONBUILD ADD` is not | the reverse |
| DL3032, DL3036, DL3040 | upgrades leave a cache too; a stage of which nothing stays leaves none | installing does |
| DL3022, DL3024 | `one` and `ONE` are the same name, as for BuildKit | are two |
| DL3025 | CMD and ENTRYPOINT, as for BuildKit | HEALTHCHECK CMD too |
| DL3048 | a variable in a key is fine: it is replaced | is a bad character |
| DL3059 | RUNs of up to two commands each | of one |
| DL3062 | paths that name no host (`go get -tool x`) are fine | are unpinned |
| DL3064 | `PUBLIC_KEY`, `PASSWORD_FILE`, `TOKEN_VERSION` are no secrets, as for BuildKit | are |
| DL3066 | `USER root` is root-user's | a name too |
| DL4006 | `set -o pipefail` in the RUN is enough | only SHELL |

## From Python

```python
>>> import tempfile
>>> from scow import Engine
>>> directory = tempfile.TemporaryDirectory()
>>> dockerfiles = Engine(directory.name).dockerfiles
>>> looked = dockerfiles.lint(b"FROM debian\\nRUN apt-get install curl=1\\n", shellcheck=False)
>>> [(finding.rule, finding.span.start_line) for finding in looked.findings if finding.severity.word == "warning"]
[('untagged-base', 1), ('apt-asks', 2)]
>>> dockerfiles.fix(b"FROM debian\\nRUN apt-get install curl=1\\n").after
'FROM debian\\nRUN apt-get install -y curl=1\\n'
>>> directory.cleanup()

```

## Rules

Rules of severity *ignore* are silent until `--only`, `override` or `# check=experimental=…` asks for them.
"""


def page() -> str:
    """All of it as Markdown; the same rules give the same text."""
    return "\n".join([_HEAD, *map(_section, RULES)])


def _section(rule: Rule) -> str:
    known = f" Also {', '.join(map(_alias, rule.aliases))}." if rule.aliases else ""
    mended = " `--fix` mends it." if rule.fixable else ""
    return f"### {rule.name}\n\n*{rule.severity.word}* {rule.title}. {rule.why}{mended}{known}\n"


def _alias(name: str) -> str:
    if name.startswith("DL"):
        return f"[{name}]({_HADOLINT}{name})"
    slug = "".join(f"-{char.lower()}" if char.isupper() and at else char.lower() for at, char in enumerate(name))
    return f"[{name}]({_BUILDKIT}{slug.replace('j-s-o-n', 'json')}/)"


def main() -> None:
    """Print it."""
    click.echo(page(), nl=False)


if __name__ == "__main__":
    main()
