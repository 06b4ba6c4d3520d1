"""Types of resources that Cordon's own rules know. USER is the one type of a subject, too."""

from typing import Final

USER: Final = "user"
PRODUCT: Final = "product"
ORGANIZATION: Final = "organization"
CHANNEL: Final = "channel"
