"""Currency functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from flowlaunch.architect.codec import parse_currency
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.numbers import CONTEXT, checked_decimal
from flowlaunch.architect.values import NOT_SET, Currency, NotSet
from flowlaunch.errors import FlowRuntimeError

_MONEY: Final = Family("financial")
_CAST: Final = Family("cast")

_SYMBOLS: Final = {
    "AUD": "$", "BRL": "R$", "CAD": "$", "CHF": "CHF", "CNY": "¥", "CRC": "₡", "CZK": "Kč", "DKK": "kr", "EUR": "€",
    "GBP": "£", "HKD": "$", "HUF": "Ft", "ILS": "₪", "INR": "₹", "ISK": "kr", "JPY": "¥", "KRW": "₩", "MXN": "$",
    "NGN": "₦", "NOK": "kr", "NZD": "$", "PHP": "₱", "PLN": "zł", "PYG": "₲", "RUB": "₽", "SEK": "kr", "SGD": "$",
    "THB": "฿", "TRY": "₺", "TWD": "NT$", "UAH": "₴", "USD": "$", "VND": "₫", "ZAR": "R",
}  # fmt: skip


def _amount(value: Any) -> Decimal | NotSet:
    return NOT_SET if value is NOT_SET else Decimal(value)


def _code(value: str | NotSet) -> str | NotSet:
    return NOT_SET if value is NOT_SET or not value.strip() else value.strip().upper()


@_MONEY.define(
    "MakeCurrency(amount: dec?, currencyCode: str?) -> cur", "MakeCurrency(amount: int?, currencyCode: str?) -> cur"
)
def _make_currency(amount: Any, code: str | NotSet) -> Currency:
    return Currency(_amount(amount), _code(code))


@_MONEY.define("MakeListCurrency(amounts: dec[], currencyCode: str?) -> cur[]")
def _make_list_of_one_code(amounts: tuple[Any, ...], code: str | NotSet) -> tuple[Currency, ...]:
    return tuple(_make_currency(amount, code) for amount in amounts)


@_MONEY.define("MakeListCurrency(amounts: dec[], currencyCodes: str[]) -> cur[]")
def _make_list(amounts: tuple[Any, ...], codes: tuple[Any, ...]) -> tuple[Currency, ...]:
    if len(amounts) != len(codes):
        raise FlowRuntimeError(
            f"MakeListCurrency needs as many codes as amounts, not {len(amounts)} amounts and {len(codes)} codes"
        )
    return tuple(map(_make_currency, amounts, codes))


@_CAST.define("ToCurrency(valueToConvert: str?) -> cur")
def _text_to_currency(value: str | NotSet) -> Currency | NotSet:
    if value is NOT_SET or not value.strip():
        return NOT_SET
    read = parse_currency(value)
    return Currency(read.amount, _code(read.code))


@_CAST.define("ToCurrency(valueToConvert: dec?) -> cur", "ToCurrency(valueToConvert: int?) -> cur")
def _number_to_currency(value: Any) -> Currency | NotSet:
    return NOT_SET if value is NOT_SET else Currency(Decimal(value), NOT_SET)


@_MONEY.define("GetCurrencySymbol(currencyCode: str) -> str")
def _symbol(code: str) -> str:
    return _SYMBOLS.get(code.strip().upper(), code)


@_MONEY.define("GetCurrencySymbol(currency: cur?) -> str")
def _symbol_of(value: Currency | NotSet) -> str | NotSet:
    return NOT_SET if value is NOT_SET or value.code is NOT_SET else _symbol(value.code)


@_MONEY.define("ConvertCurrency(sourceCurrency: cur?, destinationCurrencyCode: str?) -> cur")
def _convert(value: Currency | NotSet, code: str | NotSet) -> Currency | NotSet:
    if value is NOT_SET:
        return NOT_SET
    target = _code(code)
    needs_rate = value.amount is not NOT_SET and value.code is not NOT_SET and target is not NOT_SET
    if needs_rate and value.code != target:
        raise FlowRuntimeError(
            f"ConvertCurrency from {value.code!s} to {target!s} needs an exchange rate",
            hint="Give the rate as third argument; the platform's own rates are not known here.",
        )
    return Currency(value.amount, target)


@_MONEY.define(
    "ConvertCurrency(sourceCurrency: cur?, destinationCurrencyCode: str?, sourcePerDestExchangeRate: dec) -> cur"
)
def _convert_at(value: Currency | NotSet, code: str | NotSet, rate: Decimal) -> Currency | NotSet:
    if value is NOT_SET:
        return NOT_SET
    amount = NOT_SET if value.amount is NOT_SET else checked_decimal(CONTEXT.multiply(value.amount, rate))
    return Currency(amount, _code(code))
