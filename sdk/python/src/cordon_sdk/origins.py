"""Whose block it is: only its origin lifts it."""

from typing import Final

ADMINISTRATOR: Final = "administrator"  # of the organization
SUPPORT: Final = "support"  # the host's support
HOST: Final = "host"  # the host itself
