from __future__ import annotations

import phonenumbers
import pytest

from flowlaunch.batch.numbers import country_of, normal_contact, parts_of, to_address, to_e164, zones_of


@pytest.mark.parametrize(
    ("text", "region", "wanted"),
    [
        ("+49 (30) 123456", None, "+4930123456"),
        ("030 123456", "DE", "+4930123456"),
        ("030 123456", None, None),
        ("+49030123456", None, "+4930123456"),
        ("+393311234567", None, "+393311234567"),
        ("+390612345678", None, "+390612345678"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("4.4E+11", "DE", None),
        ("12", "DE", None),
        ("+999123456789", None, None),
        ("", "DE", None),
    ],
)
def test_numbers_have_one_form(text, region, wanted):
    """A telephone number becomes E.164 however it is written, and what is none becomes nothing."""
    assert to_e164(text, region) == wanted


def test_the_short_cut_agrees_with_full_parsing():
    """Numbers that are E.164 already come out as full parsing would have them, for every country and with a slip."""
    form = phonenumbers.PhoneNumberFormat.E164
    checked = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            plain = phonenumbers.format_number(example, form)
            for text in (plain, plain + "1", plain[:-1], plain.replace("+", "+", 1)[:3] + "0" + plain[3:]):
                try:
                    parsed = phonenumbers.parse(text)
                    reason = phonenumbers.is_possible_number_with_reason(parsed)
                    is_possible = reason == phonenumbers.ValidationResult.IS_POSSIBLE
                except phonenumbers.NumberParseException:
                    is_possible = False
                wanted = phonenumbers.format_number(parsed, form) if is_possible else None
                assert to_e164(text) == wanted, text
                if wanted is not None:
                    assert parts_of(wanted) == phonenumbers.parse(wanted), wanted
                checked += 1
    assert checked > 1_500


def test_zones_and_countries_come_from_the_prefix():
    """A number's zones and country come from its prefix; a number of no place has many zones or none."""
    assert zones_of("+4930123456") == ("Europe/Berlin",)
    assert zones_of("+13055551234") == ("America/New_York",)
    assert len(zones_of("+18005551234")) > 10
    assert zones_of("nonsense") == ()
    assert (country_of("+13055551234"), country_of("+4930123456"), country_of("x")) == ("US", "DE", None)


def test_contacts_have_one_form():
    """A contact is counted by its number or address however written, and any other id as it is."""
    assert normal_contact(" 030/123456 ", "DE") == "+4930123456"
    assert normal_contact("Anna@Example.org") == "anna@example.org"
    assert normal_contact("0001234567x") == "0001234567x"
    assert normal_contact("C-4711") == "C-4711"
    assert normal_contact("  ") is None
    assert to_address("nobody") is None
