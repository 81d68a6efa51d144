"""Who people are to an appointment, in FHIR's words where FHIR has one."""

from enum import StrEnum


class Role(StrEnum):
    """A participant's part in the consultation."""

    PATIENT = "patient"
    RELATED_PERSON = "related_person"
    PRACTITIONER = "practitioner"
    CONSULTANT = "consultant"
    INTERPRETER = "interpreter"
    OBSERVER = "observer"


class Assurance(StrEnum):
    """How sure we are who a participant is, weakest first."""

    LINK = "link"
    CODE = "code"
    OIDC = "oidc"


STAFF_ROLES = frozenset({Role.PRACTITIONER, Role.CONSULTANT})
"""Those whom payment, consent and lead time never bind."""
