"""Roles of a user in an organization, the one with most rights first. The policy in force may know others."""

from typing import Final

LEGAL_REPRESENTATIVE: Final = "legal_representative"
ADMINISTRATOR: Final = "administrator"
COLLABORATOR: Final = "collaborator"
CLIENT: Final = "client"
