"""Actions of Cordon's own rules. The policy in force may know others."""

from typing import Final

VIEW: Final = "view"  # of products and organizations
REMOVE: Final = "remove"  # of products and users
BLOCK: Final = "block"
UNBLOCK: Final = "unblock"

MANAGE: Final = "manage"  # of products, and so on to END_MAINTENANCE
CHANGE_PRODUCT: Final = "change_product"
RECEIVE_MAIL: Final = "receive_mail"
READ_MAIL: Final = "read_mail"
SEND_MAIL: Final = "send_mail"
START_MAINTENANCE: Final = "start_maintenance"
END_MAINTENANCE: Final = "end_maintenance"

CHANGE_PROFILE: Final = "change_profile"  # of users, and so on to SECURE
CHANGE_ROLE: Final = "change_role"
CHANGE_GRANTS: Final = "change_grants"
SECURE: Final = "secure"

CHANGE_ORGANIZATION: Final = "change_organization"  # of organizations, and so on to VIEW_DECISIONS
CHANGE_SETTINGS: Final = "change_settings"
ADD_USER: Final = "add_user"
ADD_PRODUCT: Final = "add_product"
CREATE_SUPPORT_CODE: Final = "create_support_code"
VIEW_DECISIONS: Final = "view_decisions"

USE: Final = "use"  # of channels
