"""The launcher: the process between scow and a container. Started as its own interpreter; loads nothing heavy.

::

    scow ── launcher (new user, mount and pid namespaces) ── supervisor (process 1 there) ── the container (or runc)

The root file system is mounted in the supervisor's mount namespace, so no kill of anything leaves a mount behind; and
when the supervisor ends, the kernel ends everything in its pid namespace: no kill leaves a process behind either.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module without enum: 3 ms less
import os

from scow.runtime.kernel import linux, tasks
from scow.runtime.launcher import supervisor
from scow.runtime.wire import CONTROL, Refused, send_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, NoReturn

    from scow.runtime.launcher.outlet import Outlet
    from scow.runtime.launcher.sharing import Shared


def main(plan: dict[str, Any]) -> NoReturn:
    """Run the plan in a session of its own, and exit as the container did."""
    shared = None
    try:
        shared = _shared(plan)
        outlet = new_namespaces(plan, shared)
    except (OSError, Refused) as error:
        send_error(CONTROL, error)
        os._exit(125)
    child = os.fork()
    if child == 0:
        supervisor.main(plan, shared)
    os.close(CONTROL)
    if shared is not None:
        shared.close()
    _stand_by(child, outlet)


def _shared(plan: dict[str, Any]) -> Shared | None:
    if not plan["shared"]:
        return None
    from scow.runtime.launcher.sharing import Shared  # only here: most starts are without

    return Shared(plan["shared"])


def new_namespaces(plan: dict[str, Any], shared: Shared | None = None) -> Outlet | None:
    """Leave those of the starter, as far as this machine lets it; the way out of a network of its own."""
    if plan["chroot"]:
        return None
    outlet = None
    maps = [(name, plan[name]) for name in ("uid_map", "gid_map")]
    new_user_namespace = (lambda: _user_namespace(maps, shared)) if plan["rootless"] else None
    if plan["network"] is not None:
        from scow.runtime.launcher import network  # only here: most starts are without

        outlet = network.enter(plan["network"], plan["directory"], new_user_namespace)
    elif new_user_namespace is not None:
        new_user_namespace()
    if shared is not None:
        shared.enter()
    shares_pid = shared is not None and plan["shared"]["pid"]
    linux.unshare(linux.CLONE_NEWNS | (0 if shares_pid else linux.CLONE_NEWPID))
    return outlet


def _user_namespace(maps: list[tuple[str, list[list[int]]]], shared: Shared | None) -> None:
    """A new one; the other's, of whom something is shared."""
    if shared is not None and shared.owned is not None:
        from scow.runtime.launcher.sharing import enter_owner

        enter_owner(shared.owned)
        return
    linux.unshare(linux.CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    for name, spans in maps:
        _write(f"/proc/self/{name}", "".join(f"{inside} {outside} {count}\n" for inside, outside, count in spans))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _stand_by(child: int, outlet: Outlet | None) -> NoReturn:
    """Signals go on to the supervisor; its end is ours."""

    def forward(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    for number in supervisor.FORWARDED:
        signal.signal(number, forward)
    _, status = os.waitpid(child, 0)
    if outlet is not None:
        outlet.close()
    os._exit(tasks.exit_code(status))
