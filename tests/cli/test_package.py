"""The public names of the package."""

from __future__ import annotations

import pytest

import gitcollab


def test_the_public_names_are_there() -> None:
    from gitcollab.faces.swarm import Swarm
    from gitcollab.swarm import outcomes

    assert gitcollab.Swarm is Swarm
    for name in ("Granted", "Taken", "Duplicate", "Offline", "Refused", "Published", "Queued"):
        assert getattr(gitcollab, name) is getattr(outcomes, name)
    assert set(gitcollab.__all__) <= set(dir(gitcollab))
    assert gitcollab.__version__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Swam'"):
        gitcollab.Swam  # noqa: B018
