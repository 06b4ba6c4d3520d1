"""Kinds of products. Any other word is a kind, too; a mail service is the one with rules of its own: it goes into maintenance
and cannot be blocked."""

from typing import Final

MAIL_SERVICE: Final = "mail_service"
WEB_HOSTING: Final = "web_hosting"
CLOUD_SERVER: Final = "cloud_server"
DOMAIN: Final = "domain"
KDRIVE: Final = "kdrive"
