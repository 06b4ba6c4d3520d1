"""How a batch is worked through (AuthZEN 1.0, 7.1.2)."""

from typing import Final

EXECUTE_ALL: Final = "execute_all"  # the default
DENY_ON_FIRST_DENY: Final = "deny_on_first_deny"
PERMIT_ON_FIRST_PERMIT: Final = "permit_on_first_permit"
