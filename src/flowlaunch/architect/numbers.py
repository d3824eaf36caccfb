"""Number arithmetic of the language: bounded integers and decimals of 40 digits."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Final

from flowlaunch.errors import FlowRuntimeError

__all__ = ["CONTEXT", "MAX_INT", "checked_int", "decimal_text", "digits_of", "round_half_away", "without_zero_sign"]

MAX_INT: Final = 999_999_999_999_999
"""Largest integer and largest count of milliseconds; the smallest is its negative."""

CONTEXT: Final = decimal.Context(
    prec=40,
    rounding=decimal.ROUND_HALF_UP,
    Emax=999,
    Emin=-999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
MAX_DECIMAL: Final = Decimal(10) ** 40
MAX_PLACES: Final = 40


def checked_int(value: int) -> int:
    """Give the integer back, or say that it left the range of the language.

    Raises:
        FlowRuntimeError: it is beyond +-999,999,999,999,999.

    """
    if -MAX_INT <= value <= MAX_INT:
        return value
    raise FlowRuntimeError(f"integer result {_short(value)} is beyond +-{MAX_INT:,}")


def checked_decimal(value: Decimal) -> Decimal:
    """Give the decimal back, or say that it left the range of the language."""
    if value.is_finite() and abs(value) < MAX_DECIMAL:
        return without_zero_sign(value)
    raise FlowRuntimeError("decimal result has more than 40 digits before the point")


def without_zero_sign(value: Decimal) -> Decimal:
    """Give the decimal back, a negative zero as zero: the language has one zero."""
    return value or value.copy_abs()


def _short(value: int) -> str:
    return f"{value:,}" if abs(value) < 10**30 else f"of about {value.bit_length()} bits"


def decimal_text(value: Decimal, min_places: int = 1) -> str:
    """Write a decimal without exponent or needless zeros, with `min_places` or more places: `8.0`."""
    whole, _, fraction = format(value, "f").partition(".")
    text = f"{whole}.{fraction.rstrip('0').ljust(min_places, '0')}".removesuffix(".")
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def digits_of(places: int) -> int:
    """Check a number of decimal places."""
    if 0 <= places <= MAX_PLACES:
        return places
    raise FlowRuntimeError(f"a number of decimal places must be 0 to {MAX_PLACES}, not {places}")


def round_half_away(value: Decimal, places: int = 0) -> Decimal:
    """Round to `places` decimal places, an exact half away from zero."""
    exponent = Decimal(1).scaleb(-digits_of(places))
    if value.adjusted() + places >= CONTEXT.prec:
        return value
    return without_zero_sign(value.quantize(exponent, rounding=decimal.ROUND_HALF_UP, context=CONTEXT))
