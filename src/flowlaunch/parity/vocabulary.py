"""Everything that a report may spell out: published field names, fixed values, and words of error messages.

A list of what is allowed cannot forget a secret, as a list of what is forbidden can. A word that a real org's
message needs and that is missing here shows as a gap; it may be added when it names no one.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FIELDS", "HEADERS", "MEDIA", "TEXTS", "WORDS"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELDS: Final = _words(
    """
    $schema access_token accessTokenValiditySeconds actionName actionStatus active additionalProperties
    authorizedGrantType authorizedScope checkedInVersion client clonedUser code commitVersion compatibleFlowTypes
    complete completionReason configurationUri configurationVersion contextId conversation conversationId createdBy
    createdByClient currentOperation dateCheckedIn dateCompleted dateCreated dateLaunched dateModified datePublished
    datePublishedEnd dateSaved dateToDelete dateTokenIdles debug debugVersion default deleted description
    description_override details division divisionId endDateTime entities entity entityId entityName entityType enum
    error error_description errorCode errorDetails errorMessage errorMessageParams errors expires_in fieldName
    firstUri flowErrorInfo flowErrorReason flowId flowName flowType flowVersion flowWarningReason format
    generationId homeOrganization id inputData inputSchema isCollection isDefault isInput isOutput isSecure items
    key lastPublishedVersion lastUri limit lockedClient lockedUser manifest maxLength message messageParams
    messageWithParams minLength modifiedBy name namespace nextUri OAuthClient organization outputData outputSchema
    pageCount pageNumber pageSize permissions previousUri properties published publishedBy publishedVersion
    publishResultUri refresh_token registeredRedirectUri required restricted retryAfterMs roleDivisions roleId
    roleIds savedVersion scope secret secure selfUri startDateTime state states status supportedLanguages system
    text title token_type total type user value variables version virtualAgentEnabled workitemId worktypeId
    """
)
"""Source: models of the official Python SDK 269.0.0, the OAuth standard, JSON Schema, and public flow exports."""

HEADERS: Final = (
    "content-type",
    "inin-correlation-id",
    "retry-after",
    "www-authenticate",
    "allow",
    "location",
    "inin-ratelimit-count",
    "inin-ratelimit-allowed",
    "inin-ratelimit-reset",
)
"""Headers that clients act on, or once did."""

MEDIA: Final = frozenset({"application/json", "application/problem+json", "text/html", "text/plain"})

TEXTS: Final = _words(
    """
    array Bearer bearer boolean CHECKIN CLIENT-CREDENTIALS CODE COMPLETED date date-time ERROR FAILED Failure
    integer number object PASSWORD platform.api PUBLISH RUNNING SAML2-BEARER SAVE string Success TERMINATED time
    TOKEN UNKNOWN WORKFLOW workflow
    """
)
"""Values of enumerations, which name nobody."""

WORDS: Final = _words(
    """
    a able access account action actions active additional after all allowed already an and any api application
    architect are argument array article as assigned at attempt authentication authorization authorized bad be
    bearer because been before body boolean but by call can cannot character characters check client
    client_credentials cluster code condition configuration conflict contain contains content could create
    credential credentials current data database date decode default deleted denied deserialization deserialize did
    disabled division divisions document does download due empty emulated enabled encountered end entity error event
    exceed exceeded exception execute execution executions exist exists expected expired expression external failed
    failure field fields file filter find flow flowExecution flowId flowInstance flows flowVersion following for
    forbidden format found from gateway get given grant grant_type group has have header header's host id identifier
    identifiers in inactive incorrect input inputData inputs instance instances integer internal invalid
    invalid_client invalid_grant invalid_request invalid_scope invocation is it its json key kind large latest
    launch launched least length less limit limited list locked login long malformed many match maximum may media
    message method minimum minute missing more must name named namespace new no non not null number object of off on
    one only operation operator option or org organization out over page pageNumber pageSize param parameter
    parameters parse parser password path pattern payload per perform permission permissions please policy position post
    progress property provided public publish published query quota range rate read reason refused request requested
    requests required requires resource resources response restricted retry role roles running sandbox schema scope
    scopes search second seconds secret secure see server service session set should size sort space specified start
    started state status store string subscription such support supported syntax system that the their them there
    these this time timed timeout timestamp to token tokens too type types unable unauthorized unauthorized_client
    unavailable understood unexpected unexpectedNull unique unknown unprocessable unpublished unrecognized
    unsupported unsupported_grant_type until update upload uri url use used user using valid validation value values
    variable version versions view was when where which while with within without workflow workflows you your
    """
)
"""Words of the codes and messages that are official or likely; a code is such words with dots between them."""
