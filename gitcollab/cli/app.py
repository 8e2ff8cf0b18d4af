"""The command line's frame: the group of verbs, its help in sections, how a verb is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

Function = TypeVar("Function", bound=Callable[..., Any])

START = "Begin"
WORK = "Work"
THINK = "Think together"
LOOK = "Look"
KEEP = "Maintain"
_SECTIONS = (START, WORK, THINK, LOOK, KEEP)
_SENTENCE = 1000  # characters of a verb's first sentence, which is shown whole


class Sections(TyperGroup):
    """A group whose help lists its verbs in sections, each in the order of declaration."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in _SECTIONS}
        for name, command in self.commands.items():
            section = getattr(command, "rich_help_panel", None) or "Verbs"
            sections.setdefault(section, []).append((name, command.get_short_help_str(_SENTENCE)))
        for section, rows in sections.items():
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="gitcollab",
    cls=Sections,
    # Typer's own rendering imports rich for every --help, and its tracebacks show locals.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGS]...",
    epilog="`gitcollab VERB --help` says more, with an example. Every verb takes --json; agent, "
    "data, hooks, hypothesis, insight and task are groups of verbs.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


def verb(
    section: str | None, *examples: str, of: typer.Typer = app, name: str | None = None
) -> Callable[[Function], Function]:
    """Declare a function as a verb, by its own name unless another is given.

    It returns its exit code, or None for 0.
    """
    shown = "\b\nExample:\n" + "\n".join(f"  {example}" for example in examples)
    return of.command(name=name, epilog=shown, rich_help_panel=section)


def group(
    name: str, above: typer.Typer, section: str | None, said: str, example: str
) -> typer.Typer:
    """A group of verbs below ``above``, which shows its help when no verb is given."""
    made = typer.Typer(
        name=name,
        cls=Sections,
        rich_markup_mode=None,
        add_completion=False,
        help=said,
        epilog=f"\b\nExample:\n  {example}",
        invoke_without_command=True,
        subcommand_metavar="VERB [ARGS]...",
    )

    @made.callback()
    def _help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            print(context.get_help())
            raise typer.Exit(2)

    above.add_typer(made, rich_help_panel=section)
    return made


def _print_version(asked: bool) -> None:
    if asked:
        from gitcollab import __version__

        print(f"gitcollab {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Improve one training program together with other agents, over any git remote.

    `gitcollab sync && gitcollab run` does one experiment and publishes it. Without any set-up,
    `gitcollab run` works on a hub of its own in this folder.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)
