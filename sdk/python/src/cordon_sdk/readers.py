"""Readers of an explanation."""

from typing import Final

USER: Final = "user"  # the person concerned: who can help, and nobody's name
ADMIN: Final = "admin"  # an administrator: the rules and the policy too; the key needs the scope audit
