"""Functions of voice and bot flows: they give values of the right type that keep their text, and no sound."""

from __future__ import annotations

from typing import Any, Final

from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.functions.conversion import text_to_say
from flowlaunch.architect.iso import date_time_text, duration_text
from flowlaunch.architect.values import NOT_SET, Opaque, Value

_AUDIO: Final = Family("audio")
_BOT: Final = Family("bot")

_NUMBER_FORMS: Final = (
    "integerToConvert: int?",
    "integerToConvert: int?, languageContext: lne...",
    "integerToConvert: int?, numberAudioFormat: nuf",
    "integerToConvert: int?, numberAudioFormat: nuf, languageContext: lne...",
    "decimalToConvert: dec?",
    "decimalToConvert: dec?, languageContext: lne...",
    "decimalToConvert: dec?, numberAudioFormat: nuf",
    "decimalToConvert: dec?, numberAudioFormat: nuf, languageContext: lne...",
    "decimalToConvert: dec?, numberOfDecimalPlaces: int",
    "decimalToConvert: dec?, numberOfDecimalPlaces: int, languageContext: lne...",
    "decimalToConvert: dec?, numberAudioFormat: nuf, numberOfDecimalPlaces: int",
    "decimalToConvert: dec?, numberAudioFormat: nuf, numberOfDecimalPlaces: int, languageContext: lne...",
)
_COMMUNICATION_KINDS: Final = (
    "Bool", "Currency", "Date", "DateTime", "Duration", "Number", "NumberOrdinal", "Percent", "PhoneNumber", "Time",
)  # fmt: skip
_SAID: Final = (
    "ToAudioTTS(text: str?) -> aud",
    "ToAudioTTS(text: str?, IETFLanguageTag: str) -> aud",
    "ToAudioTTS(text: str?, stringAudioFormat: stf) -> aud",
    "ToAudioBool(boolToConvert: bln?) -> aud",
    "ToAudioBool(boolToConvert: bln?, boolAudioFormat: bof) -> aud",
    "ToAudioDuration(durationToConvert: dur?) -> aud",
    "ToAudioPhoneNumber(phoneNumberToConvert: phn?) -> aud",
    "ToAudioPhoneNumber(phoneNumberToConvert: phn?, phoneNumberFormat: phf) -> aud",
    "ToAudioPhoneNumber(phoneNumberToConvert: phn?, dialingCode: str?) -> aud",
    "ToAudioPhoneNumber(stringToConvert: str?) -> aud",
    "ToAudioCurrency(currencyToConvert: cur?) -> aud",
    "ToAudioCurrency(currencyToConvert: cur?, currencyAudioFormat: cuf) -> aud",
    "ToAudioCurrency(currencyToConvert: cur?, numberOfDecimalPlaces: int) -> aud",
    "ToAudioPercent(integerToConvert: int?) -> aud",
    "ToAudioPercent(decimalToConvert: dec?) -> aud",
    "ToAudioPercent(decimalToConvert: dec?, numberOfDecimalPlaces: int) -> aud",
    "ToAudioDate(dateTimeToConvert: dtm?) -> aud",
    "ToAudioDate(dateTimeToConvert: dtm?, dateAudioFormat: daf) -> aud",
    "ToAudioDateTime(dateTimeToConvert: dtm?) -> aud",
    "ToAudioTime(dateTimeToConvert: dtm?) -> aud",
    "ToAudioTime(dateTimeToConvert: dtm?, timeAudioFormat: tif) -> aud",
    "ToAudioNumberOrdinal(integerToConvert: int?) -> aud",
    "ToAudioNumberOrdinal(integerToConvert: int?, languageContext: lne...) -> aud",
    *(f"ToAudioNumber({form}) -> aud" for form in _NUMBER_FORMS),
)


@_AUDIO.define(*_SAID)
def _say(value: Value, *_formats: Value) -> Opaque:
    return Opaque("aud", text_to_say(value))


@_AUDIO.define("ToAudio(promptToConvert: pmt) -> aud")
def _play(prompt: Opaque) -> Opaque:
    return Opaque("aud", prompt.text)


@_AUDIO.define("ToAudio(audio: aud?) -> aud", "ToAudio(audio: nts?) -> aud")
def _keep(value: Value) -> Value:
    return value


@_AUDIO.define("ToAudioBlank(lengthMs: int) -> aud")
def _blank(_length_ms: int) -> Opaque:
    return Opaque("aud", "")


@_AUDIO.define("ToAudioTimeRange(lowerBound: int, upperBound: int, timePart: tpf?) -> aud")
def _time_range(lower: int, upper: int, part: Any) -> Opaque:
    unit = "" if part is NOT_SET else f" {part.text}"
    return Opaque("aud", f"{lower if lower == upper else f'{lower} to {upper}'}{unit}")


@_AUDIO.define(
    "AudioPlaybackOptions(audio: apa, bargeIn: bln) -> aud",
    "AudioPlaybackOptions(audio: apa, bargeIn: bln, flushNow: bln) -> aud",
)
def _playback(audio: Opaque, *_options: bool) -> Opaque:
    return Opaque("aud", audio.text)


def _text(parts: tuple[Value, ...]) -> str:
    text = ""
    for said in map(text_to_say, parts):
        gap = " " if text and said and not text[-1].isspace() and (said[0].isalnum() or said[0] in "\"'([") else ""
        text += gap + said
    return text


@_AUDIO.define("Append(initialAudioOrPrompt: apa?, audioOrPromptToAppend: apa?...) -> aud")
def _append_audio(*parts: Value) -> Opaque:
    return Opaque("aud", _text(parts))


@_BOT.define("MakeCommunication(item: any?...) -> com")
def _make_communication(*parts: Value) -> Opaque:
    return Opaque("com", _text(parts))


@_BOT.define(
    "ToCommunication(value: any?) -> com",
    "ToCommunication(value: nts?) -> com",
    "ToCommunication(value: any[]) -> com",
    "ToCommunication(value: any?, format: any) -> com",
)
def _to_communication(value: Value, *_formats: Value) -> Value:
    return NOT_SET if value is NOT_SET else Opaque("com", text_to_say(value))


@_BOT.define(
    "ToCommunicationTTS(text: str?) -> com",
    "ToCommunicationAudio(audio: apa?) -> com",
    "ToCommunicationText(text: str?) -> com",
    *(f"ToCommunication{kind}(value: any?) -> com" for kind in _COMMUNICATION_KINDS),
)
def _to_spoken_communication(value: Value) -> Value:
    return _to_communication(value)


@_BOT.define(*(f"ToCommunication{kind}(value: any?, format: any) -> com" for kind in _COMMUNICATION_KINDS))
def _to_formatted_communication(value: Value, _format: Value) -> Value:
    return _to_communication(value)


@_BOT.define("MakeTimeslot(start: dtm, length: dur) -> tsl")
def _make_timeslot(start: Any, length: Any) -> Opaque:
    return Opaque("tsl", f"{date_time_text(start)}/{duration_text(length)}")


@_BOT.define("ResolveSlot(slot: T?) -> T", "ResolveSlot(slot: T[]) -> T[]")
def _resolve_slot(slot: Value) -> Value:
    return slot


@_BOT.define("MakeAgentScorePair(agent: usr, score: int) -> asp", "MakeAgentScorePair(agent: usr, score: dec) -> asp")
def _make_agent_score_pair(agent: Value, score: Any) -> Opaque:
    return Opaque("asp", f"{text_to_say(agent)}={score}")
