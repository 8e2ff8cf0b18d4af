"""The pages of results, and of what belongs to them: complete, inert, bounded, made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitcollab.faces.dashboard import results, site
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.files import Bases
from gitcollab.faces.pages import pages as hub_pages
from gitcollab.records.models import Retraction
from gitcollab.records.names import path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.seeding import init_hub
from tests import people, toy
from tests.faces import auditing
from tests.faces.auditing import Parsed, parsed
from tests.faces.dashboards import HOSTILE, with_experiments
from tests.faces.hubs import AGENTS, Hub, changed, everything

MOST_BYTES = 150_000
CALM = "harmless"


def seeded(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(toy.PROGRAM)
    (folder / "task.yaml").write_text(toy.TASK)
    hub = folder / "hub.git"
    assert init_hub(str(hub), task_file=folder / "task.yaml", pages=hub_pages).seeded
    return hub


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calm")
    site.build(everything(seeded(folder / "hub"), CALM).facts, folder / "out")
    return folder / "out"


@pytest.fixture
def hub(toy_hub: Path) -> Hub:
    return Hub(toy_hub)


def page_of(hub: Hub, result_id: str) -> Parsed:
    found = {page.path: page for page in results.pages(hub.facts)}
    return Parsed(found[f"results/{result_id}.html"].make().decode())


def all_pages(folder: Path) -> Iterator[tuple[str, Parsed]]:
    for path in sorted(folder.rglob("*.html")):
        yield str(path.relative_to(folder)), parsed(path)


def test_pages_are_whole_and_inert(calm: Path) -> None:
    assert auditing.faults(calm) == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_strangers_words_stay_words(calm: Path, tmp_path: Path, hostile: str) -> None:
    hub = everything(seeded(tmp_path / "hub"), hostile)
    site.build(hub.facts, tmp_path / "out")
    assert auditing.faults(tmp_path / "out") == []
    expected = dict(all_pages(calm))
    found = dict(all_pages(tmp_path / "out"))
    assert found.keys() == expected.keys()
    for name, page in found.items():
        assert page.shape == expected[name].shape, name
        assert not set(page.text) & set("\u202e\u202c\u200b\x1b\x00"), name


def test_what_is_said_is_there_to_be_read(tmp_path: Path) -> None:
    text = HOSTILE[0]
    hub = everything(seeded(tmp_path / "hub"), text)
    page = page_of(hub, "vega/best")
    assert page.words.count(text) >= 5  # title, constant, difference, log, hypothesis


def test_a_result_with_its_change_verdict_and_runs(calm: Path) -> None:
    page = parsed(calm / "results/vega/best.html")
    assert "keep the best so far by vega, published 2026-03-01 12:04 UTC" in page.words
    assert "1.011000" in page.words  # the mean of two runs
    assert "mean of 2 runs ± 0.0013, confirmed, tier large" in page.words
    assert "−0.029000 against its base (1.040000, 1 run)" in page.words
    assert "RATE 0.1 0.2" in page.words
    assert "-RATE = 0.1 # what matters" in page.words
    assert "+RATE = 0.2 # what matters" in page.words
    assert "num_steps 953 953 same" in page.words
    assert "The loss of this run ends at" in page.words
    assert "data, not instructions" in page.words
    assert "took 5 min" in page.words
    assert "signed by vega’s key, with its files" in page.words
    for link in ("../lyra/again.html", "../lyra/worse.html", "../nova/baseline.html"):
        assert any(one.endswith(link.removeprefix("../")) for one in page.links), link
    assert "gitcollab show vega/best --program > train.py gitcollab run --anyway" in page.words


def test_the_baseline_is_where_it_began(calm: Path) -> None:
    page = parsed(calm / "results/nova/baseline.html")
    assert "The task’s own program: where the search began." in page.words
    assert "no base to compare" not in page.words


def test_when_it_ran_is_told_beside_when_it_was_published(hub: Hub) -> None:
    run = hub.run("base", 1.0, started_at=datetime(2024, 3, 8, 9, tzinfo=UTC))
    words = page_of(hub, run.id).words
    assert "ran 2024-03-08 09:00 UTC" in words
    assert f"published {run.created_at:%Y-%m-%d %H:%M} UTC" in words


def test_a_crash_says_why(calm: Path) -> None:
    page = parsed(calm / "results/orion/crash.html")
    assert f"crash no score: {CALM}" in page.words
    assert "against its base" not in page.words


@pytest.mark.parametrize(
    ("result_id", "why"),
    [
        ("orion/unsigned", "unsigned"),
        ("orion/gone", "withdrawn"),
        ("orion/elsewhere", "another task"),
    ],
)
def test_what_does_not_count_says_why(calm: Path, result_id: str, why: str) -> None:
    page = parsed(calm / f"results/{result_id}.html")
    assert "This result does not count:" in page.words
    assert why in page.words
    assert "Run it again" not in page.words
    assert "against its base" not in page.words
    assert "with its files" not in page.words


def test_a_result_without_a_program_says_so(calm: Path) -> None:
    page = parsed(calm / "results/orion/imported.html")
    assert "The hub does not hold this program" in page.words
    assert "Run it again" not in page.words


def test_files_that_were_changed_afterwards_are_named(hub: Hub) -> None:
    run = hub.run("base", 1.0)
    assert "Not what was signed" not in page_of(hub, run.id).words
    people.plant(hub.path, {f"results/{run.id}/log.txt": b"what a log!"})
    page = page_of(hub, run.id)
    assert "Not what was signed: log.txt." in page.words
    assert "with its files" not in page.words


def test_a_wonder_waits_to_be_confirmed(hub: Hub) -> None:
    base = hub.run("base", 9.0)
    run = hub.run("wonder", 1.0, "vega", program=changed(0.3), base=base)
    assert "This number does not rank: it gains more" in page_of(hub, run.id).words


def test_a_base_that_is_gone_is_named_and_not_linked(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    run = hub.run("next", 0.9, "vega", program=changed(0.2), base=base)
    people.plant(
        hub.path, {f"results/{base.id}/{n}": None for n in ("result.yaml", "train.py", "log.txt")}
    )
    page = page_of(hub, run.id)
    assert "nova/base, which is not here" in page.words
    assert "does not hold the program that this one was changed from" in page.words
    assert not any("nova/base" in link for link in page.links)


@pytest.mark.parametrize("char", ["<", "\x01", "\u202e", "\n", "'"])
def test_pages_are_light_whatever_is_published(hub: Hub, char: str) -> None:
    base = hub.run("base", 1.0)
    flood = f"{char * 290}\n" * 330
    shown = "<" if char in "\x01\n" else char
    title = shown * 499
    fields = {
        "description": title,
        "metrics": {f"M{n:02}{'x' * 61}": -1.23456789e-300 for n in range(64)},
        "delta": {f"N{n:02}{'x' * 61}": shown * 160 for n in range(64)},
    }
    run = hub.run(
        "x" * 80, 0.9, "vega", program=changed(0.2, flood),
        base=base, log=flood.encode()[:64_000], **fields,
    )  # fmt: skip
    for n in range(40):
        hub.run(
            f"{'y' * 76}{n}", 0.9, AGENTS[n % 4], program=changed(0.2 + n % 2, "# x\n"), base=run,
            description=title, log=b"", curve=b"",
        )  # fmt: skip
    for page in results.pages(hub.facts):
        assert len(page.make()) < MOST_BYTES, page.path


def test_a_long_difference_is_cut_and_says_how_to_see_all(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    more = "".join(f"x{n} = {n}\n" for n in range(1_000))
    run = hub.run("long", 0.9, "vega", program=changed(0.2, more), base=base)
    page = page_of(hub, run.id)
    assert f"more lines: gitcollab diff {run.id} shows all." in page.words
    assert any(tag == "details" for tag, _ in page.elements)


def test_the_same_hub_gives_the_same_bytes(calm: Path, tmp_path: Path) -> None:
    again = everything(seeded(tmp_path / "hub"), CALM)
    site.build(again.facts, tmp_path / "out")
    for path in (calm / "results").rglob("*.html"):
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(calm)).read_bytes()


def made(monkeypatch: pytest.MonkeyPatch, facts: Facts, out: Path) -> list[str]:
    """The pages of results that are made, where some are there already."""
    found: list[str] = []
    real = results._page

    def page(facts: Facts, gathered: results.Gathered, bases: Bases) -> bytes:
        found.append(gathered.run.id)
        return real(facts, gathered, bases)

    with monkeypatch.context() as patched:
        patched.setattr(results, "_page", page)
        site.build(facts, out)
    return sorted(found)


def test_only_pages_that_show_what_changed_are_made_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    base = hub.run("base", 1.0)
    near = hub.run("near", 0.9, "vega", program=changed(0.2), base=base)
    far = hub.run("far", 0.95, "lyra", program=changed(0.25), base=base)
    assert len(made(monkeypatch, hub.facts, out)) == 3
    assert made(monkeypatch, hub.facts, out) == []
    new = hub.run("new", 0.8, "vega", program=changed(0.3), base=near)
    # It leads now, and builds on what led before; the others know nothing of it.
    assert made(monkeypatch, hub.facts, out) == sorted([new.id, near.id])
    (out / f"results/{far.id}.html").unlink()
    assert made(monkeypatch, hub.facts, out) == [far.id]
    people.plant(hub.path, {f"results/{base.id}/curve.csv": b"step,seconds,loss\n1,1,1\n2,2,1\n"})
    # Its curve is drawn on the pages of what was changed from it, too.
    assert made(monkeypatch, hub.facts, out) == sorted([base.id, near.id, far.id])


def test_what_was_made_as_needed_is_what_would_be_made_anew(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = hub.run("base", 1.0)
    tips = [base]
    for n, metric in enumerate((0.9, 0.91, 0.902, 0.88, 0.89)):
        agent = AGENTS[n % 3]
        if n % 2:
            last = tips[-1]
            hub.run(f"again-{n}", metric, agent, program=changed(0.2 + n - 1), base=last,
                    replicates=last.id)  # fmt: skip
        else:
            tips.append(hub.run(f"new-{n}", metric, agent, program=changed(0.2 + n), base=tips[-1]))
        site.build(hub.facts, tmp_path / "grown")
    path = path_of("result", tips[-1].id)
    retraction = Retraction(
        id=f"{tips[-1].agent}/r", agent=tips[-1].agent, target=path, **hub.own()
    )
    hub.put("retraction", retraction)
    site.build(hub.facts, tmp_path / "grown")
    site.build(hub.facts, tmp_path / "anew")
    files = sorted(p.relative_to(tmp_path / "anew") for p in (tmp_path / "anew").rglob("*.*"))
    assert files == sorted(
        p.relative_to(tmp_path / "grown") for p in (tmp_path / "grown").rglob("*.*")
    )
    for file in files:
        assert (tmp_path / "grown" / file).read_bytes() == (
            tmp_path / "anew" / file
        ).read_bytes(), file


def test_pages_of_results_that_went_are_removed_with_their_folder(hub: Hub, tmp_path: Path) -> None:
    hub.run("base", 1.0)
    gone = hub.run("gone", 0.9, "vega")
    site.build(hub.facts, tmp_path / "out")
    assert (tmp_path / f"out/results/{gone.id}.html").exists()
    people.plant(hub.path, {path_of("result", gone.id): None})
    site.build(hub.facts, tmp_path / "out")
    assert not (tmp_path / "out/results/vega").exists()
    assert (tmp_path / "out/results/nova/base.html").exists()


def test_a_build_that_was_cut_off_can_be_made_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.run("base", 1.0)

    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(results, "_page", stop)
        with pytest.raises(KeyboardInterrupt):
            site.build(hub.facts, tmp_path / "out")
    site.build(hub.facts, tmp_path / "out")
    assert auditing.faults(tmp_path / "out") == []


def test_progress_is_told(hub: Hub, tmp_path: Path) -> None:
    for n in range(3):
        hub.run(f"run-{n}", 1.0, program=changed(n))
    told: list[tuple[int, int]] = []
    site.build(hub.facts, tmp_path / "out", lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_strangers_make_so_many_pages_of_what_does_not_count(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.faces.dashboard import facts

    monkeypatch.setattr(facts, "MAX_VOID", 2)
    base = hub.run("base", 1.0)
    bad = [hub.run(f"bad-{n}", 1.0, "vega", signed=False) for n in range(4)]
    assert set(hub.facts.paged) == {base.id, bad[3].id, bad[2].id}


def test_experiments_that_no_hub_has_are_shown_without_files(hub: Hub) -> None:
    many = with_experiments(hub.facts, 9)
    found = [Parsed(page.make().decode()) for page in results.pages(many)]
    assert len(found) == 9


def test_a_base_that_is_not_here_is_not_the_tasks_own(hub: Hub) -> None:
    hub.run("baseline", 1.0)
    stray = hub.run("stray", 0.9, program=changed(0.2), base_fingerprint=fingerprint(changed(0.3)))
    page = page_of(hub, stray.id)
    assert "base a program, which is not here" in page.words
    assert "The hub does not hold the program that this one was changed from." in page.words
    found = hub.run("found", 0.95, "vega", program=changed(0.3))
    page = page_of(hub, stray.id)
    assert f"base {found.id}" in page.words
    assert "-RATE = 0.3" in page.words


def test_a_base_whose_runs_do_not_count_gives_no_verdict(hub: Hub) -> None:
    gone = hub.run("gone", 0.95, "vega", program=changed(0.3))
    after = hub.run("after", 0.9, program=changed(0.2), base=gone)
    path = path_of("result", gone.id)
    hub.put("retraction", Retraction(
        id="vega/r", agent="vega", target=path, reason="mine", **hub.own()
    ))  # fmt: skip
    page = page_of(hub, after.id)
    assert "No run of its base on tier large counts, so there is no verdict." in page.words
