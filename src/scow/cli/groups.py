"""The groups of verbs, docker's spellings: ``image ls`` is ``images``. Tables only; no verb is imported here."""

from __future__ import annotations

from scow.cli.lazy import Lazy, LazyGroup

image = LazyGroup(
    "image",
    {
        "attach": Lazy("scow.cli.artifacts:attach", "Put files beside an image at its registry"),
        "build": Lazy("scow.cli.build:build", "Build an image from a Dockerfile"),
        "cat": Lazy("scow.cli.files:cat", "Print a file of an image"),
        "cp": Lazy("scow.cli.files:cp", "Copy files out of an image"),
        "files": Lazy("scow.cli.files:files", "List the files of an image"),
        "history": Lazy("scow.cli.images:history", "Show the history of an image"),
        "import": Lazy("scow.cli.archives:import_", "Make an image from a tar of a file system"),
        "inspect": Lazy("scow.cli.inspecting:inspect_image", "Show all that is known of images"),
        "load": Lazy("scow.cli.archives:load", "Load images from a tar archive"),
        "ls": Lazy("scow.cli.images:images", "List images", aliases=("list",)),
        "prune": Lazy("scow.cli.images:prune", "Remove unused images"),
        "pull": Lazy("scow.cli.registries:pull", "Download an image from a registry"),
        "push": Lazy("scow.cli.registries:push", "Upload an image to a registry"),
        "rm": Lazy("scow.cli.images:rmi", "Remove images", aliases=("remove",)),
        "save": Lazy("scow.cli.archives:save", "Save images to a tar archive"),
        "tag": Lazy("scow.cli.images:tag", "Give an image one more name"),
        "tree": Lazy("scow.cli.files:tree", "Draw the files of an image as a tree"),
    },
    help="Manage images",
)

manifest = LazyGroup(
    "manifest",
    {
        "annotate": Lazy("scow.cli.manifests:annotate", "Say otherwise what an image of an index runs on"),
        "create": Lazy("scow.cli.manifests:create", "Make an index of several images"),
        "inspect": Lazy("scow.cli.manifests:inspect", "Show an index or manifest, in the store or at its registry"),
        "push": Lazy("scow.cli.manifests:push", "Upload an index, and what its registry lacks of its images"),
        "rm": Lazy("scow.cli.manifests:remove", "Forget indexes made here"),
    },
    help="Make and push indexes by hand",
)

container = LazyGroup(
    "container",
    {
        "attach": Lazy("scow.cli.starting:attach", "Join the streams of a container that runs"),
        "commit": Lazy("scow.cli.committing:commit", "Make an image of what a container is now"),
        "cp": Lazy("scow.cli.carrying:cp", "Copy files between a container and this machine"),
        "create": Lazy("scow.cli.creating:create_", "Make a container without starting it"),
        "diff": Lazy("scow.cli.committing:diff", "List what a container changed of its image"),
        "exec": Lazy("scow.cli.executing:exec_", "Run a program in a container that runs", ahead="joining"),
        "export": Lazy("scow.cli.archives:export", "Export a container's file system as a tar archive"),
        "inspect": Lazy("scow.cli.inspecting:inspect_container", "Show all that is known of containers"),
        "kill": Lazy("scow.cli.stopping:kill", "Send containers a signal"),
        "logs": Lazy("scow.cli.logs:logs", "Show what a container wrote"),
        "ls": Lazy("scow.cli.containers:ps", "List containers", aliases=("list", "ps")),
        "port": Lazy("scow.cli.ports:port", "Show the published ports of a container"),
        "prune": Lazy("scow.cli.containers:prune", "Remove containers that do not run"),
        "pause": Lazy("scow.cli.pausing:pause", "Hold the processes of containers"),
        "rename": Lazy("scow.cli.stopping:rename", "Give a container another name"),
        "restart": Lazy("scow.cli.stopping:restart", "Stop containers and start them"),
        "rm": Lazy("scow.cli.containers:rm", "Remove containers", aliases=("remove",)),
        "run": Lazy("scow.cli.run:run", "Run a program in a new container", ahead="launch"),
        "start": Lazy("scow.cli.starting:start", "Start containers", ahead="launch"),
        "stats": Lazy("scow.cli.stats:stats", "Show what containers use"),
        "stop": Lazy("scow.cli.stopping:stop", "Stop containers"),
        "top": Lazy("scow.cli.tops:top", "Show the processes of a container"),
        "unpause": Lazy("scow.cli.pausing:unpause", "Let paused containers go on"),
        "update": Lazy("scow.cli.updating:update", "Change how containers are kept"),
        "wait": Lazy("scow.cli.stopping:wait", "Wait for the end of containers, and print their exit codes"),
    },
    help="Manage containers",
)

system = LazyGroup(
    "system",
    {
        "check": Lazy("scow.cli.checking:check", "Check that everything in the store is what it should be"),
        "df": Lazy("scow.cli.system:df", "Show what the store takes"),
        "info": Lazy("scow.cli.system:info", "Show what this machine and store can do"),
        "prune": Lazy("scow.cli.system:prune", "Remove what is not used"),
    },
    help="Manage the store",
)

builder = LazyGroup(
    "builder",
    {
        "du": Lazy("scow.cli.builder:du", "Show what the build cache holds"),
        "prune": Lazy("scow.cli.builder:prune", "Remove the build cache"),
    },
    help="Manage the build cache",
)

registry = LazyGroup(
    "registry",
    {"serve": Lazy("scow.cli.serving:serve", "Serve a registry from a directory")},
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
        "export": Lazy("scow.cli.db:export", "Write the advisory database to one file"),
        "import": Lazy("scow.cli.db:import_", "Import advisories from a file or directory"),
        "pull": Lazy("scow.cli.db:pull", "Download the advisory database from a registry"),
        "push": Lazy("scow.cli.db:push", "Upload the advisory database to a registry"),
        "status": Lazy("scow.cli.db:status", "Show which advisories are here, and how old they are"),
        "update": Lazy("scow.cli.db:update", "Bring advisories up to date"),
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
