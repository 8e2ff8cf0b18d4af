"""Literal values in programs: bounded evaluation, canonical text, spelling as Python."""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Callable
from typing import TypeAlias

Value: TypeAlias = "int | float | str | bool | tuple[Value, ...] | None"

# What JSON leaves as it is, and is no part of a line.
_ENDS_A_LINE = re.compile("[\x7f\u2028\u2029]")

MAX_DEPTH = 32
MAX_BITS = 1024
MAX_TEXT = 4096
MAX_ITEMS = 256


class NotLiteral(ValueError):  # noqa: N818
    """The expression is not a literal, or is one beyond the bounds."""


def evaluate(node: ast.expr, depth: int = MAX_DEPTH) -> Value:
    """The value of numbers, strings, booleans, None, tuples of these, and arithmetic on numbers.

    Bounded in depth and size, so that ``9**9**9`` costs nothing. Raises NotLiteral.
    """
    if depth == 0:
        raise NotLiteral
    match node:
        case ast.Constant(value=value):
            return _checked(value)
        case ast.UnaryOp(op=op, operand=operand):
            return _unary(op, evaluate(operand, depth - 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(op, evaluate(left, depth - 1), evaluate(right, depth - 1))
        case ast.Tuple(elts=items) if len(items) <= MAX_ITEMS:
            return tuple(evaluate(item, depth - 1) for item in items)
        case _:
            raise NotLiteral


def canonical(value: Value) -> str:
    """JSON text that is equal exactly when the values are: 8 and 8.0 are, 1 and True are not."""
    return json.dumps(plain(value), ensure_ascii=False)


def plain(value: Value) -> object:
    """The value as JSON knows it: tuples as lists, whole floats as integers."""
    return [plain(item) for item in value] if isinstance(value, tuple) else _simplest(value)


def from_plain(value: object) -> Value:
    """What ``plain`` gives, as a value: a list is a tuple."""
    if isinstance(value, list):
        return tuple(from_plain(item) for item in value)
    assert value is None or isinstance(value, int | float | str)
    return value


def same(a: Value, b: Value) -> bool:
    """Equal by value."""
    return canonical(a) == canonical(b)


def shown(value: Value) -> str:
    """The shortest text that ``evaluate`` gives an equal value for; equal values look equal."""
    return spell(_simplest(value))


def spell(value: Value) -> str:
    """The value as a Python literal on one line."""
    if isinstance(value, tuple):
        items = ", ".join(spell(item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)  # each of its escapes is one of Python's
        return _ENDS_A_LINE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return repr(value)


def _simplest(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_simplest(item) for item in value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _checked(value: object) -> Value:
    """Refuse what is no Value (bytes, complex, ...), too large, not finite, or not text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value.bit_length() <= MAX_BITS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and len(value) <= MAX_TEXT and _is_text(value):
        return value
    raise NotLiteral


def _is_text(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _number(value: Value) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise NotLiteral


def _unary(op: ast.unaryop, value: Value) -> Value:
    number = _number(value)
    match op:
        case ast.USub():
            return -number
        case ast.UAdd():
            return number
        case ast.Invert() if isinstance(number, int):
            return ~number
        case _:
            raise NotLiteral


def _power(base: float, exponent: float) -> object:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent > MAX_BITS:
            raise NotLiteral
        return base**exponent
    # The last digit of a float power differs between maths libraries; identities must not.
    result: object = base**exponent
    return float(f"{result:.15g}") if isinstance(result, float) else result


def _shift(value: int, places: int) -> int:
    if places > MAX_BITS:
        raise NotLiteral
    return value << places


_OPERATORS: dict[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.LShift: _shift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}


def _binary(op: ast.operator, left: Value, right: Value) -> Value:
    compute = _OPERATORS.get(type(op))
    if compute is None:
        raise NotLiteral
    try:
        return _checked(compute(_number(left), _number(right)))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise NotLiteral from error
