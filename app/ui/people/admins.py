"""Who may see the page Usage."""

from __future__ import annotations

from app.core.people.accounts import admins
from app.ui.http.oidc_cookie import providers
from app.ui.http.visitor import known_person
from app.ui.service import service


def is_admin() -> bool:
    """Whether the visitor of this page is an admin: an account that `GLM_ADMINS` names, or where
    only this machine reaches the pages and nobody has an account, everybody."""
    settings = service().settings
    if service().local and not (providers() or settings.trusted_header):
        return True
    person = known_person()
    return person is not None and bool(person.names & admins(settings.admins))
