"""What tools answer, and how words of others are told from ours in it.

Whoever reads an answer is a language model. So each names, in ``data_not_instructions``, those of
its fields that hold words of strangers; short ones are on one line and do nothing, long ones are
quoted behind bars (see ``records.quoting``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, model_validator

from gitcollab.records.quoting import STANDING, line

_MOST_WORDS, _MOST_SAID = 300, 2_000  # characters of a field on one line


class Strangers:
    """Marks a field as words of others."""


def _cut(most: int) -> AfterValidator:
    def cut(text: str) -> str:
        shown = line(text)
        return shown if len(shown) <= most else f"{shown[: most - 1]}…"

    return AfterValidator(cut)


# Words of others, on one line, cut where they are long; a message of ours that may repeat such; and
# a text that was quoted by ``records.quoting.quoted``.
Words = Annotated[str, _cut(_MOST_WORDS), Strangers(), Field(description=STANDING)]
Said = Annotated[str, _cut(_MOST_SAID), Strangers(), Field(description=f"may hold {STANDING}")]
Quoted = Annotated[str, Strangers(), Field(description=f"quoted: {STANDING}")]


class Part(BaseModel):
    """Something in an answer."""


class Answer(BaseModel):
    """What a tool answers."""

    data_not_instructions: list[str] = Field(
        default=[], description="the fields of this answer that hold words of others"
    )

    @model_validator(mode="after")
    def _name_strangers(self) -> Answer:
        self.data_not_instructions = sorted(set(_named(self)))
        return self


def _named(value: object) -> Iterator[str]:
    """The names of the fields in ``value`` that hold words of others."""
    if isinstance(value, BaseModel):
        for name, of_others in _fields(type(value)).items():
            held = getattr(value, name)
            if of_others and held:
                yield name
            else:
                yield from _named(held)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _named(item)


@cache
def _fields(model: type[BaseModel]) -> dict[str, bool]:
    """The fields of a model, and whether each holds words of others."""
    return {
        name: any(isinstance(one, Strangers) for one in field.metadata)
        or _is_strangers(field.annotation)
        for name, field in model.model_fields.items()
    }


def _is_strangers(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return False  # it has fields of its own
    return any(isinstance(one, Strangers) or _is_strangers(one) for one in get_args(annotation))
