"""Events that a webhook may ask for."""

from typing import Final

PRODUCT_BLOCKED: Final = "product.blocked"
PRODUCT_UNBLOCKED: Final = "product.unblocked"
MAINTENANCE_STARTED: Final = "maintenance.started"
MAINTENANCE_ENDED: Final = "maintenance.ended"
USER_BLOCKED: Final = "user.blocked"
USER_UNBLOCKED: Final = "user.unblocked"
USER_SECURE: Final = "user.secure"
USER_ROLE_CHANGED: Final = "user.role_changed"
