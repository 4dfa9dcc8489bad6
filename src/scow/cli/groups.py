"""The groups of verbs, docker's spellings: ``image ls`` is ``images``. Tables only; no verb is imported here."""

from __future__ import annotations

from msgspec import structs

from scow.cli.lazy import Lazy, LazyGroup
from scow.cli.main import VERBS


def _with(own: dict[str, Lazy], *same: str) -> dict[str, Lazy]:
    """A group's own commands, and those that are the ``same`` without it."""
    return dict(sorted({**own, **{name: _as(name) for name in same}}.items()))


def _as(name: str, *aliases: str) -> Lazy:
    """The verb ``name``, which has another name here."""
    return structs.replace(VERBS[name], section="Commands", aliases=aliases)


image = LazyGroup(
    "image",
    _with(
        {
            "attach": Lazy("scow.cli.images.artifacts:attach", "Put files beside an image at its registry"),
            "cat": Lazy("scow.cli.images.files:cat", "Print a file of an image"),
            "cp": Lazy("scow.cli.images.files:cp", "Copy files out of an image"),
            "files": Lazy("scow.cli.images.files:files", "List the files of an image"),
            "inspect": Lazy("scow.cli.inspecting:inspect_image", "Show all that is known of images"),
            "ls": _as("images", "list"),
            "prune": Lazy("scow.cli.images.verbs:prune", "Remove unused images"),
            "rm": _as("rmi", "remove"),
            "tree": Lazy("scow.cli.images.files:tree", "Draw the files of an image as a tree"),
        },
        *("build", "history", "import", "load", "pull", "push", "save", "tag"),
    ),
    help="Manage images",
)

manifest = LazyGroup(
    "manifest",
    {
        "annotate": Lazy("scow.cli.images.manifests:annotate", "Say otherwise what an image of an index runs on"),
        "create": Lazy("scow.cli.images.manifests:create", "Make an index of several images"),
        "inspect": Lazy(
            "scow.cli.images.manifests:inspect", "Show an index or manifest, in the store or at its registry"
        ),
        "push": Lazy("scow.cli.images.manifests:push", "Upload an index, and what its registry lacks of its images"),
        "rm": Lazy("scow.cli.images.manifests:remove", "Forget indexes made here"),
    },
    help="Make and push indexes by hand",
)

container = LazyGroup(
    "container",
    _with(
        {
            "inspect": Lazy("scow.cli.inspecting:inspect_container", "Show all that is known of containers"),
            "ls": _as("ps", "list", "ps"),
            "prune": Lazy("scow.cli.containers.removing:prune", "Remove containers that do not run"),
            "rm": _as("rm", "remove"),
        },
        *("attach", "commit", "cp", "create", "diff", "exec", "export", "kill", "logs", "pause", "port", "rename"),
        *("restart", "run", "start", "stats", "stop", "top", "unpause", "update", "wait"),
    ),
    help="Manage containers",
)

system = LazyGroup(
    "system",
    _with(
        {
            "check": Lazy("scow.cli.system.checking:check", "Check that everything in the store is what it should be"),
            "df": Lazy("scow.cli.system.verbs:df", "Show what the store takes"),
            "prune": Lazy("scow.cli.system.verbs:prune", "Remove what is not used"),
        },
        "info",
    ),
    help="Manage the store",
)

builder = LazyGroup(
    "builder",
    {
        "build": Lazy("scow.cli.builds.build:build", "Build an image from a Dockerfile", hidden=True),
        "du": Lazy("scow.cli.builds.builder:du", "Show what the build cache holds"),
        "prune": Lazy("scow.cli.builds.builder:prune", "Remove the build cache"),
    },
    help="Manage the build cache",
)

buildx = LazyGroup(
    "buildx",
    {
        "build": Lazy("scow.cli.builds.build:build", "Build an image from a Dockerfile", aliases=("b",)),
        "du": Lazy("scow.cli.builds.builder:du", "Show what the build cache holds"),
        "prune": Lazy("scow.cli.builds.builder:prune", "Remove the build cache"),
        "version": Lazy("scow.cli.system.verbs:version", "Show the version"),
    },
    help="What docker buildx has: scow build, scow builder",
)

registry = LazyGroup(
    "registry",
    {"serve": Lazy("scow.cli.registries.serving:serve", "Serve a registry from a directory")},
    help="A small registry of your own",
)

volume = LazyGroup(
    "volume",
    {
        "create": Lazy("scow.cli.volumes:create", "Make a volume"),
        "inspect": Lazy("scow.cli.volumes:inspect", "Show all that is known of volumes"),
        "ls": Lazy("scow.cli.volumes:ls", "List volumes", aliases=("list",)),
        "prune": Lazy("scow.cli.volumes:prune", "Remove volumes that no container uses"),
        "rm": Lazy("scow.cli.volumes:rm", "Remove volumes", aliases=("remove",)),
    },
    help="Manage volumes",
)

db = LazyGroup(
    "db",
    {
        "export": Lazy("scow.cli.scans.db:export", "Write the advisory database to one file"),
        "import": Lazy("scow.cli.scans.db:import_", "Import advisories from a file or directory"),
        "pull": Lazy("scow.cli.scans.db:pull", "Download the advisory database from a registry"),
        "push": Lazy("scow.cli.scans.db:push", "Upload the advisory database to a registry"),
        "status": Lazy("scow.cli.scans.db:status", "Show which advisories are here, and how old they are"),
        "update": Lazy("scow.cli.scans.db:update", "Bring advisories up to date"),
    },
    help="Manage the advisory database that scan uses",
)

network = LazyGroup(
    "network",
    {
        "create": Lazy("scow.cli.networks:create", "Make a network"),
        "inspect": Lazy("scow.cli.networks:inspect", "Show all that is known of networks"),
        "ls": Lazy("scow.cli.networks:ls", "List networks", aliases=("list",)),
        "prune": Lazy("scow.cli.networks:prune", "Remove networks that no container was made for"),
        "rm": Lazy("scow.cli.networks:rm", "Remove networks", aliases=("remove",)),
    },
    help="Manage networks",
)
