"""Names for agents that were given none."""

from __future__ import annotations

from collections.abc import Callable

_HOW = (  # noqa: SIM905
    "amber brisk calm clear copper coral crisp dawn deep early eager fleet gentle golden green "
    "hazel hidden ivory keen light lively lucid lunar mellow misty noble north patient plain quick "
    "quiet rapid ready river silver solar steady still sunny swift tidal vivid warm wild winter"
).split()
_WHO = (  # noqa: SIM905
    "alder aspen badger beaver birch bison cedar crane curlew dipper eider elm falcon fern finch "
    "fox gannet hare hawk heron ibis jay kestrel lark linnet lynx maple marten merlin moose newt "
    "oak osprey otter owl petrel pine plover raven robin rowan seal stork swan teal tern wren"
).split()


def codename(below: Callable[[int], int]) -> str:
    """A name such as ``quiet-heron-4821``; ``below(n)`` gives a random number under n."""
    return f"{_HOW[below(len(_HOW))]}-{_WHO[below(len(_WHO))]}-{1000 + below(9000)}"
