"""Every kind of action that runs here, by its Archy key, and the keys that Architect has beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions import (
    branch,
    call_data,
    control,
    conversation,
    data,
    lookups,
    loops,
    modules,
    notify,
    perform,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.reader import Kind

__all__ = ["ACTIONS", "NOT_EMULATED"]

_FAMILIES: Final = (branch, call_data, control, conversation, data, lookups, loops, modules, notify, perform)

ACTIONS: Final[Mapping[str, Kind]] = {key: kind for family in _FAMILIES for key, kind in family.KINDS.items()}

NOT_EMULATED: Final = frozenset(
    """
    abortSurveyInvite askForAuthentication askForBoolean askForIntent askForPayment askForSlot askSurveyQuestion
    associateExternalContact audioMonitoring callAudioConnector callBotConnector callBotFlow callBridge
    callDialogEngineBot callDialogflowBot callDialogflowCxBot callDigitalBotFlow callGuide callLexBot callLexV2Bot
    callNuanceMixBot callVoiceFlow clearActiveIntent clearPostFlow clearSlot clearUtilizationLabel
    clearVoicemailSnippet communicate completeSurveyInvite decryptData deflect detectIntent dialByExtension
    digitalMenu disconnectWorkitem encryptData exitBotFlow exitWorkitemFlow extractSecureData findGrammar
    findGrammarById findKnowledgeBaseDocumentById getAssignedCustomerIntents getJourneyOutcome
    getJourneyOutcomeScoresBySession getJourneySegment getJourneySessionDetails getJourneySessionsByCustomer
    getJourneySessionsByExternalContact getRawSIPHeaders getSIPHeaders holdMusic jumpToMenu previousMenu
    repeatMenu sendResponse sendAutoReply setPostFlow setWhisperAudio transferToAcd transferToAgent
    transferToExternal transferToFlow transferToFlowSecure transferToGroup transferToNumber transferToUser
    """.split()  # noqa: SIM905 - a list of 80 names reads better as words
)
"""Kinds of action that Architect has and that are not emulated, so that messages can tell them from misspellings."""
